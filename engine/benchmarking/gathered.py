"""Vectors of a candidate for the labels of a question, made once and kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping

import numpy as np

from ..errors import InputError
from ..progress import Progress
from .candidates import Candidate, Vectors, content_of
from .questions import Question
from .store import Piece, ResultStore

_KIND = "vectors"


@dataclass(frozen=True)
class Gathered:
    """A candidate whose vectors are kept: which labels have one, how long they are, and what they cost."""

    candidate: Candidate
    facts: "Mapping[str, Any]"
    there: np.ndarray
    dimensions: int
    seconds: float
    file_bytes: int

    def vectors(self, kept: np.ndarray, store: ResultStore) -> np.ndarray:
        """Return the vectors of some labels, each of which must have one."""
        piece = store.load(_KIND, self.facts)
        if piece is None:
            raise InputError("benchmark-kept", "The vectors of {name} can't be read back from {folder}: it was changed "
                             "while the comparison ran; start it again.", name=self.candidate.name,
                             folder=store.folder)
        return piece.arrays["values"][(np.cumsum(self.there) - 1)[kept]]


def gather_vectors(candidate: Candidate, question: Question, store: ResultStore, progress: Progress) -> Gathered:
    """Make the vectors, or find those that an earlier run made of the same."""
    facts = candidate.facts(question)
    if facts is not None:
        facts = {"kind": candidate.kind, **facts}
        piece = store.load(_KIND, facts)
        if piece is not None:
            progress.report(1.0)
            values = piece.arrays["values"]
            return Gathered(candidate, facts, piece.arrays["there"], values.shape[1], float(piece.notes["seconds"]),
                            int(piece.notes["file_bytes"]))
    found = _finite(candidate.vectors(question, progress))
    if facts is None:
        facts = {"content": content_of(found.values, found.there)}
        if store.load(_KIND, facts) is not None:
            return Gathered(candidate, facts, found.there, found.values.shape[1], found.seconds, found.file_bytes)
    store.save(_KIND, facts, Piece({"values": found.values, "there": found.there}, {
        "seconds": found.seconds, "file_bytes": found.file_bytes, "candidate": candidate.name,
        "layer": question.layer}))
    return Gathered(candidate, facts, found.there, found.values.shape[1], found.seconds, found.file_bytes)


def _finite(found: Vectors) -> Vectors:
    """Leave out vectors that hold no numbers."""
    sound = np.isfinite(found.values).all(axis=1)
    if sound.all():
        return found
    there = found.there.copy()
    there[np.flatnonzero(there)[~sound]] = False
    return Vectors(found.values[sound], there, found.seconds, found.file_bytes)

"""What is compared: anything that has a vector for labelled places, and how it comes by it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Dict, Mapping, Optional, Protocol

import numpy as np

from ..progress import Progress
from .questions import Question

BASELINE = "baseline"
IMAGE_ENCODER = "image encoder"
LOCATION_ENCODER = "location encoder"
FIELD = "raster"
TABLE = "table"
OWN = "own vectors"
UNKNOWN_BYTES = -1


@dataclass(frozen=True)
class Vectors:
    """Vectors `(m, D)` float32 of the labels that have one, and which of all labels `(n,)` these are.

    `seconds` is how long it took to make them, `file_bytes` the size of what makes them (−1 where nobody knows).
    """

    values: np.ndarray
    there: np.ndarray
    seconds: float = 0.0
    file_bytes: int = UNKNOWN_BYTES


class Candidate(Protocol):
    """Something that has vectors for places."""

    name: str
    kind: str

    def facts(self, question: Question) -> "Optional[Mapping[str, Any]]":
        """Return all that decides the vectors, None where that can't be told without making them."""

    def vectors(self, question: Question, progress: Progress) -> Vectors:
        """Return the vectors of the labels, without those that have none."""


def content_of(*arrays: np.ndarray) -> str:
    """Return a digest of arrays."""
    digest = hashlib.sha256()
    for values in arrays:
        digest.update(f"{values.dtype}{values.shape}".encode("ascii"))
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()


def shapes_digest(question: Question) -> str:
    """Return a digest of where the labels are: their geometries, row by row."""
    digest = hashlib.sha256(question.gather.rows.wkt.encode("utf-8"))
    for row, shape in zip(question.labels.rows.tolist(), question.labels.wkb):
        digest.update(f"{row}:{-1 if shape is None else len(shape)}".encode("ascii"))
        digest.update(shape or b"")
    return digest.hexdigest()


def made_different(names: "list[str]") -> "list[str]":
    """Return names of which no two are alike, by numbers."""
    seen: "Dict[str, int]" = {}
    found = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return found

"""Location encoders as candidates: vectors of where the labels lie, whatever is on the ground there."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Mapping

import numpy as np

from ..partial import file_facts
from ..progress import Progress
from .candidates import LOCATION_ENCODER, Vectors, content_of
from .questions import Question

if TYPE_CHECKING:
    from ..locations.finding import AnyLocationEncoder


@dataclass(frozen=True)
class LocationCandidate:
    """A location encoder; a formula has no file, a trained one has."""

    name: str
    encoder: "AnyLocationEncoder"
    path: str = ""
    kind: str = LOCATION_ENCODER

    def facts(self, question: Question) -> "Mapping[str, Any]":
        """Return the space of the encoder, its file where it has one, and the places."""
        return {"space": self.encoder.space().canonical(), "file": file_facts(self.path) if self.path else None,
                "places": content_of(question.places)}

    def vectors(self, question: Question, progress: Progress) -> Vectors:
        """Compute them."""
        there = np.isfinite(question.places).all(axis=1)
        self._mind_training(question.places[there], question, progress)
        progress.report(0.0, f"Embedding {int(there.sum())} places with {self.name}")
        started = time.perf_counter()
        values = self.encoder.vectors(question.places[there])
        seconds = time.perf_counter() - started
        progress.report(1.0)
        return Vectors(np.asarray(values, dtype=np.float32), there, seconds,
                       os.stat(self.path).st_size if self.path else 0)

    def _mind_training(self, places: np.ndarray, question: Question, progress: Progress) -> None:
        """Warn where an encoder learnt from places like these, since no fold keeps what it has seen from it."""
        area = getattr(getattr(self.encoder, "card", None), "area", None)
        if area is not None and len(places) and not area.outside(places).all():
            progress.warn(f"{self.name} was trained on data from where labels of {question.layer} lie. If it learnt "
                          "from these labels or from what they were made of, its scores flatter, since folds can't "
                          "take that back: train it without the blocks that it is judged in.")

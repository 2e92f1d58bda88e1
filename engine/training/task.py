"""What is learnt: features, targets and weights of all labels, and the fits that can be made of some of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Mapping

import numpy as np

from ..progress import Progress
from .models import Design, Fitted, fit
from .request import BALANCED
from .samples import Samples


@dataclass(frozen=True)
class Task:
    """Features `(n, F)`, targets `(n, T)` or class indices `(n,)`, weights and units of all labelled rows."""

    x: np.ndarray
    y: np.ndarray
    weights: np.ndarray
    units: np.ndarray
    classes: int
    class_weights: str
    seed: int

    def fitted(self, kind: str, rows: np.ndarray, inner: np.ndarray, progress: Progress) -> Fitted:
        """Fit a model to some rows; `inner` are their folds for the choice of its settings.

        A class that no row has keeps its place: its probability is 0.
        """
        y, weights = self.y[rows], self.weights[rows]
        if not self.classes:
            return fit(kind, Design(self.x[rows], y, weights, 0, inner, self.seed), progress)
        present, y = np.unique(y, return_inverse=True)
        y = y.astype(np.int64)
        if self.class_weights == BALANCED:
            weights = weights / np.bincount(y, weights)[y]
            weights = weights / weights.mean()
        if len(present) == 1:
            return OneClass(int(present[0]), self.classes)
        found = fit(kind, Design(self.x[rows], y, weights, len(present), inner, self.seed), progress)
        return found if len(present) == self.classes else SomeClasses(found, present, self.classes)

    def with_features(self, x: np.ndarray) -> "Task":
        """Return the task of predicting the same from other features."""
        return replace(self, x=np.ascontiguousarray(x, dtype=np.float32))


@dataclass(frozen=True)
class SomeClasses:
    """A model of labels that lack some of the classes, for validation only: it is never stored."""

    part: Fitted
    present: np.ndarray
    classes: int

    @property
    def kind(self) -> str:
        """Return the kind of the model."""
        return self.part.kind

    @property
    def settings(self) -> "Mapping[str, object]":
        """Return the model's settings."""
        return self.part.settings

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return probabilities `(n, classes)`."""
        found = np.zeros((len(x), self.classes))
        found[:, self.present] = self.part.predict(x)
        return found


@dataclass(frozen=True)
class OneClass:
    """What labels of a single class teach, for validation only."""

    present: int
    classes: int
    kind: str = "majority"

    @property
    def settings(self) -> "Mapping[str, object]":
        """Return no settings."""
        return {}

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return probabilities `(n, classes)`."""
        found = np.zeros((len(x), self.classes))
        found[:, self.present] = 1.0
        return found


def task_of(samples: Samples, class_weights: str, seed: int) -> Task:
    """Return the task that gathered labels pose."""
    return Task(samples.features, samples.targets, samples.weights, samples.units, samples.classes, class_weights,
                seed)

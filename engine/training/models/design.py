"""What a model is fitted to, and what every fitted model can do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Mapping, Protocol, Tuple

import numpy as np

from ...onnxgraph import OnnxGraph

_SPLIT_STREAM = 31


@dataclass(frozen=True)
class Design:
    """Rows to learn from: raw features `(n, F)` float32, targets `(n, T)` or class numbers `(n,)`, weights and folds.

    `classes` is 0 for a regression. `inner` are the fold numbers `(n,)` in which settings are chosen.
    """

    x: np.ndarray
    y: np.ndarray
    weights: np.ndarray
    classes: int
    inner: np.ndarray
    seed: int

    @property
    def targets(self) -> np.ndarray:
        """Return the targets as columns `(n, T)`; of classes, 1 in the column of a row's class."""
        if not self.classes:
            return np.asarray(self.y, dtype=np.float64).reshape(len(self.x), -1)
        return np.eye(self.classes)[self.y]

    def splits(self, most: int) -> "List[Tuple[np.ndarray, np.ndarray]]":
        """Return up to `most` pairs of rows to fit to and rows held out; where folds lack a class, random halves."""
        numbers = np.unique(self.inner)
        found = [(np.flatnonzero(self.inner != number), np.flatnonzero(self.inner == number)) for number in numbers]
        sound = [pair for pair in found if len(pair[0]) >= 2 and len(pair[1]) and self._whole(pair[0])]
        if sound:
            return sound[:most]
        order = np.random.default_rng((self.seed, _SPLIT_STREAM)).permutation(len(self.x))
        even = np.arange(len(order)) % 2 == 0
        if self.classes:
            order = order[np.argsort(self.y[order], kind="stable")]
            sorted_classes = self.y[order]
            # Each class's first row is fitted to: a class of one row is never held out.
            even = (np.arange(len(order)) - np.searchsorted(sorted_classes, sorted_classes)) % 2 == 0
        if len(order) <= 3 or even.all():
            return [(order, order)]
        return [(np.sort(order[even]), np.sort(order[~even]))]

    def loss(self, predicted: np.ndarray, rows: np.ndarray) -> float:
        """Return the weighted squared error of predictions of some rows, each target counted in its variance."""
        targets = self.targets
        weights = self.weights[rows, np.newaxis]
        spread = np.maximum(np.average((targets - np.average(targets, axis=0, weights=self.weights)) ** 2, axis=0,
                                       weights=self.weights), 1e-300)
        if self.classes:
            spread = np.full_like(spread, max(float(spread.mean()), 1e-12))
        error = np.where(np.isfinite(predicted), (predicted - targets[rows]) ** 2, np.inf)
        return float(np.mean((weights * error).sum(axis=0) / max(float(weights.sum()), 1e-300) / spread))

    def _whole(self, rows: np.ndarray) -> bool:
        """Tell whether rows hold every class."""
        return not self.classes or len(np.unique(self.y[rows])) == self.classes


class Fitted(Protocol):
    """A fitted model: what was chosen, its own prediction, and its nodes in an ONNX graph."""

    @property
    def kind(self) -> str:
        """Return the kind of the model."""

    @property
    def settings(self) -> "Mapping[str, object]":
        """Return what was chosen, in plain values for card and report."""

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return float64 targets on the scale of the fit `(n, T)`, or probabilities `(n, K)`."""

    def add_to(self, graph: OnnxGraph, features: str) -> str:
        """Add the model's nodes; from the name of features `(N, F)` to that of its `(N, T)` or `(N, K)`."""

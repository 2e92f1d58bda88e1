"""A small multilayer perceptron in plain NumPy: Adam on standardised rows, stopped early by an inner fold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Mapping, Tuple

import numpy as np

from ...onnxgraph import OnnxGraph
from ...progress import Part, Progress, check
from .design import Design
from .linear import softmax
from .scaling import Scaling, standardising

MOST_EPOCHS = 200
_PATIENCE = 15
_RATE = 1e-3
_DECAY = 1e-3
_LEAST_STEPS = 20
_BATCH = 256
_FIRST, _SECOND = 0.9, 0.999
_STREAM = 53
# What a standardised feature counts for at most, so that one far value doesn't carry the net away.
_FARTHEST = 8.0

Layers = List[Tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Perceptron:
    """Layers of weights and biases, float32; targets come standardised out of the last."""

    scaling: Scaling
    layers: "Tuple[Tuple[np.ndarray, np.ndarray], ...]"
    centre: np.ndarray
    scale: np.ndarray
    classes: int
    settings: "Mapping[str, object]"
    kind: str = "mlp"

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return targets `(n, T)` or probabilities `(n, K)` in float64."""
        values = _clipped(self.scaling.apply(x)).astype(np.float64)
        for number, (weights, bias) in enumerate(self.layers):
            values = values @ weights.astype(np.float64) + bias
            if number < len(self.layers) - 1:
                values = np.maximum(values, 0)
        return softmax(values) if self.classes else values * self.scale + self.centre

    def add_to(self, graph: OnnxGraph, features: str) -> str:
        """Add a product, a sum and a rectifier for each layer."""
        name = self.scaling.add_to(graph, features)
        graph.weight("feature_least", np.array(-_FARTHEST, dtype=np.float32))
        graph.weight("feature_most", np.array(_FARTHEST, dtype=np.float32))
        name = graph.node("Clip", [name, "feature_least", "feature_most"], "features_clipped")
        for number, (weights, bias) in enumerate(self.layers):
            graph.weight(f"layer_{number}_weight", weights)
            graph.weight(f"layer_{number}_bias", bias)
            graph.node("MatMul", [name, f"layer_{number}_weight"], f"layer_{number}_product")
            name = graph.node("Add", [f"layer_{number}_product", f"layer_{number}_bias"], f"layer_{number}_sum")
            if number < len(self.layers) - 1:
                name = graph.node("Relu", [name], f"layer_{number}_out")
        if self.classes:
            return graph.node("Softmax", [name], "model_probabilities", axis=1)
        graph.weight("target_scale", self.scale.astype(np.float32))
        graph.weight("target_centre", self.centre.astype(np.float32))
        graph.node("Mul", [name, "target_scale"], "targets_scaled")
        return graph.node("Add", ["targets_scaled", "target_centre"], "targets_moved")


def fit_mlp(design: Design, progress: Progress) -> Perceptron:
    """Find the number of epochs on an inner fold, then train on all rows for as long."""
    targets = design.targets
    if design.classes:
        centre, scale = np.zeros(targets.shape[1]), np.ones(targets.shape[1])
    else:
        centre = np.average(targets, axis=0, weights=design.weights)
        scale = np.sqrt(np.average((targets - centre) ** 2, axis=0, weights=design.weights))
        scale = np.where(scale > 0, scale, 1.0)
    goals = ((targets - centre) / scale).astype(np.float32)
    rows, held = design.splits(1)[0]
    scaling = standardising(design.x[rows], design.weights[rows])
    trainer = _Trainer(_clipped(scaling.apply(design.x[rows])), goals[rows], design.weights[rows], design.classes,
                       design.seed)
    epochs = _best_epoch(trainer, _clipped(scaling.apply(design.x[held])), goals[held], design.weights[held],
                         Part(progress, 0.0, 0.6))
    scaling = standardising(design.x, design.weights)
    final = _Trainer(_clipped(scaling.apply(design.x)), goals, design.weights, design.classes, design.seed)
    for epoch in range(epochs):
        progress.report(0.6 + 0.4 * epoch / epochs)
        final.epoch(progress)
    progress.report(1.0)
    return Perceptron(scaling, tuple(final.layers), centre, scale, design.classes, {
        "hidden": [len(bias) for _, bias in final.layers[:-1]], "epochs": epochs, "learning_rate": _RATE,
        "decay": _DECAY, "weights": "used"})


def _best_epoch(trainer: "_Trainer", x: np.ndarray, goals: np.ndarray, weights: np.ndarray,
                progress: Progress) -> int:
    """Return the epoch after which held-out rows were predicted best."""
    best, least = 1, np.inf
    for epoch in range(1, MOST_EPOCHS + 1):
        progress.report(epoch / MOST_EPOCHS)
        trainer.epoch(progress)
        loss = trainer.loss(x, goals, weights)
        if loss < least:
            best, least = epoch, loss
        if epoch - best >= _PATIENCE:
            break
    return best


class _Trainer:
    """A net in training, with Adam's two running means of every weight."""

    def __init__(self, x: np.ndarray, goals: np.ndarray, weights: np.ndarray, classes: int, seed: int) -> None:
        """Draw the first weights."""
        self._chance = np.random.default_rng((seed, _STREAM))
        self._x, self._goals, self._classes = x, goals, classes
        self._weights = (weights / weights.mean()).astype(np.float32)
        self._steps = 0
        # Small samples take smaller batches, so that an epoch is more than a step or two.
        self._batch = int(np.clip(len(x) // _LEAST_STEPS, 8, _BATCH))
        sizes = [x.shape[1], *_hidden(len(x)), goals.shape[1]]
        self.layers: Layers = []
        for before, after in zip(sizes[:-1], sizes[1:]):
            spread = np.sqrt(2.0 / max(before, 1))
            self.layers.append((self._chance.normal(0, spread, (before, after)).astype(np.float32),
                                np.zeros(after, dtype=np.float32)))
        self._means: "Dict[int, List[np.ndarray]]" = {
            number: [np.zeros_like(part) for part in layer for _ in range(2)]
            for number, layer in enumerate(self.layers)}

    def epoch(self, progress: Progress) -> None:
        """Go through all rows once, in a new order."""
        order = self._chance.permutation(len(self._x))
        for first in range(0, len(order), self._batch):
            check(progress)
            self._step(order[first: first + self._batch])

    def loss(self, x: np.ndarray, goals: np.ndarray, weights: np.ndarray) -> float:
        """Return the weighted loss of other rows: squared error, or the logarithm of the true class' probability."""
        out = self._forward(x)[-1]
        share = weights / max(float(weights.sum()), 1e-300)
        if self._classes:
            return float(-share @ np.log(np.maximum((softmax(out) * goals).sum(axis=1), 1e-12)))
        return float(share @ ((out - goals) ** 2).mean(axis=1))

    def _forward(self, x: np.ndarray) -> "List[np.ndarray]":
        """Return what every layer puts out, the input first."""
        values = [x]
        for number, (weights, bias) in enumerate(self.layers):
            out = values[-1] @ weights + bias
            values.append(np.maximum(out, 0) if number < len(self.layers) - 1 else out)
        return values

    def _step(self, rows: np.ndarray) -> None:
        """Follow the gradient of one batch."""
        values = self._forward(self._x[rows])
        out = softmax(values[-1]) if self._classes else values[-1]
        error = (out - self._goals[rows]) * (self._weights[rows, np.newaxis] / np.float32(len(rows)))
        self._steps += 1
        for number in range(len(self.layers) - 1, -1, -1):
            weights, bias = self.layers[number]
            slopes = (values[number].T @ error, error.sum(axis=0))
            if number:
                error = (error @ weights.T) * (values[number] > 0)
            weights *= np.float32(1 - _RATE * _DECAY)
            for part, slope, mean, square in zip((weights, bias), slopes, self._means[number][::2],
                                                 self._means[number][1::2]):
                mean += np.float32(1 - _FIRST) * (slope - mean)
                square += np.float32(1 - _SECOND) * (slope * slope - square)
                rate = _RATE * np.sqrt(1 - _SECOND ** self._steps) / (1 - _FIRST ** self._steps)
                part -= np.float32(rate) * mean / (np.sqrt(square) + np.float32(1e-8))


def _hidden(rows: int) -> "Tuple[int, ...]":
    """Return the widths of the hidden layers for so many rows."""
    return (64, 32) if rows >= 2000 else (32,)


def _clipped(scaled: np.ndarray) -> np.ndarray:
    """Bound standardised features."""
    return np.clip(scaled, np.float32(-_FARTHEST), np.float32(_FARTHEST))

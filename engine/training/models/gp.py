"""A Gaussian process for small samples: a smooth kernel plus noise, chosen by the marginal likelihood."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping, Tuple

import numpy as np

from ...onnxgraph import ELEMENT_TYPES, OnnxGraph
from ...pipeline import attend
from ...progress import Progress, check
from .design import Design
from .scaling import Scaling, standardising

MOST_ROWS = 1500
# The length is chosen on so many rows, the noise on all.
_CHOOSING_ROWS = 500
_LENGTHS = 2.0 ** np.arange(-2.0, 4.01, 0.5)
_NOISES = 10.0 ** np.arange(-3.0, 2.01, 0.25)
_STREAM = 71
# Squared distances of standardised rows up to this are those of copies, but for rounding.
_COPIES = 1e-10
_LEAST_SHARE = 1e-3
_ROWS = 2048


@dataclass(frozen=True)
class GaussianProcess:
    """Training rows `(R, F)` scaled by deviation and length, their factors `(R, T|K)`, and the mean they lie around."""

    scaling: Scaling
    reference: np.ndarray
    factors: np.ndarray
    mean: np.ndarray
    classes: int
    settings: "Mapping[str, object]"
    kind: str = "gp"

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return means of targets `(n, T)`, or probabilities `(n, K)`: bounded means of class shares, in float64."""
        found = np.empty((len(x), self.factors.shape[1]))
        for first in range(0, len(x), _ROWS):
            part = slice(first, first + _ROWS)
            scaled = self.scaling.apply(x[part]).astype(np.float64)
            found[part] = kernel(scaled, self.reference) @ self.factors + self.mean
        if self.classes:
            found = np.maximum(found, _LEAST_SHARE)
            found /= found.sum(axis=1, keepdims=True)
        return found

    def add_to(self, graph: OnnxGraph, features: str) -> str:
        """Add the kernel and its sum in double precision, because the factors of near neighbours nearly cancel."""
        scaled = self.scaling.add_to(graph, features)
        graph.node("Cast", [scaled], "gp_query", to=ELEMENT_TYPES["float64"])
        graph.weight("gp_columns", np.ascontiguousarray(self.reference.T))
        graph.weight("gp_half_squares", (self.reference ** 2).sum(axis=1) / 2)
        graph.weight("gp_factors", self.factors)
        graph.weight("gp_mean", self.mean)
        graph.weight("gp_half", np.array(0.5))
        graph.weight("gp_zero", np.array(0.0))
        graph.node("MatMul", ["gp_query", "gp_columns"], "gp_products")
        graph.node("Mul", ["gp_query", "gp_query"], "gp_squares")
        graph.weight("axis_1", np.array([1], dtype=np.int64))
        graph.node("ReduceSum", ["gp_squares", "axis_1"], "gp_length", keepdims=1)
        graph.node("Mul", ["gp_length", "gp_half"], "gp_half_length")
        graph.node("Sub", ["gp_products", "gp_half_squares"], "gp_less_reference")
        graph.node("Sub", ["gp_less_reference", "gp_half_length"], "gp_negative")
        graph.node("Min", ["gp_negative", "gp_zero"], "gp_exponent")
        graph.node("Exp", ["gp_exponent"], "gp_kernel")
        graph.node("MatMul", ["gp_kernel", "gp_factors"], "gp_sum")
        graph.node("Add", ["gp_sum", "gp_mean"], "gp_exact")
        means = graph.node("Cast", ["gp_exact"], "gp_means", to=ELEMENT_TYPES["float32"])
        if not self.classes:
            return means
        graph.weight("least_share", np.array(_LEAST_SHARE, dtype=np.float32))
        graph.node("Max", [means, "least_share"], "gp_shares")
        graph.node("ReduceSum", ["gp_shares", "axis_1"], "gp_total", keepdims=1)
        return graph.node("Div", ["gp_shares", "gp_total"], "model_probabilities")


def fit_gp(design: Design, progress: Progress) -> GaussianProcess:
    """Choose the length and each target's noise, and solve for the factors; more rows than fit are thinned."""
    chance = np.random.default_rng((design.seed, _STREAM))
    rows = _some(chance, len(design.x), MOST_ROWS)
    scaling = standardising(design.x, design.weights)
    x = scaling.apply(design.x[rows]).astype(np.float64)
    weights = np.maximum(design.weights[rows], 1e-6)
    targets = design.targets[rows]
    mean = np.average(targets, axis=0, weights=weights)
    spread = np.sqrt(np.average((targets - mean) ** 2, axis=0, weights=weights))
    goals = (targets - mean) / np.where(spread > 0, spread, 1.0)
    few = _some(chance, len(x), _CHOOSING_ROWS)
    typical = _typical_distance(x[few])
    likelihoods = []
    for number, length in enumerate(_LENGTHS):
        check(progress)
        progress.report(0.6 * number / len(_LENGTHS))
        parts = attend(lambda length=length: _decomposed(x[few] / (typical * length), weights[few]), progress)
        likelihoods.append(_noises(parts, goals[few])[1].sum())
    length = typical * float(_LENGTHS[int(np.argmax(likelihoods))])
    narrowed = Scaling(scaling.centre, (scaling.factor.astype(np.float64) / length).astype(np.float32))
    reference = narrowed.apply(design.x[rows]).astype(np.float64)
    values, axes, roots = attend(lambda: _decomposed(reference, weights), progress)
    noises, _ = _noises((values, axes, roots), goals)
    factors = roots[:, np.newaxis] * (axes @ ((axes.T @ (goals * roots[:, np.newaxis]))
                                              / (values[:, np.newaxis] + noises)))
    settings = {"length": length, "noise": [float(noise) for noise in noises], "rows": len(rows), "weights": "used"}
    progress.report(1.0)
    return GaussianProcess(narrowed, reference, factors * spread, mean, design.classes, settings)


def kernel(queries: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return how alike rows are, exp(−d²/2), in float64."""
    half = queries @ reference.T - (reference ** 2).sum(axis=1) / 2 - (queries ** 2).sum(axis=1)[:, np.newaxis] / 2
    return np.exp(np.minimum(half, 0.0))


def _some(chance: np.random.Generator, rows: int, most: int) -> np.ndarray:
    """Return all rows or an even part of them."""
    return np.arange(rows) if rows <= most else np.sort(chance.choice(rows, most, replace=False))


def _typical_distance(x: np.ndarray) -> float:
    """Return the median distance of rows; where most are copies, that of those which differ."""
    squares = (x ** 2).sum(axis=1)
    pairs = np.maximum(squares[:, np.newaxis] + squares - 2 * x @ x.T, 0.0)[np.triu_indices(len(x), 1)]
    if len(pairs) and np.median(pairs) <= _COPIES:
        pairs = pairs[pairs > _COPIES]
    return float(np.sqrt(np.median(pairs))) if len(pairs) else 1.0


def _decomposed(x: np.ndarray, weights: np.ndarray) -> "Tuple[np.ndarray, np.ndarray, np.ndarray]":
    """Return eigenvalues and axes of the kernel, rows scaled by the root of their weight, and these roots.

    A row of weight w has 1/w of the noise; scaled so, all rows have the same.
    """
    roots = np.sqrt(weights)
    values, axes = np.linalg.eigh(kernel(x, x) * roots[:, np.newaxis] * roots)
    return np.maximum(values, 0.0), axes, roots


def _noises(parts: "Tuple[np.ndarray, np.ndarray, np.ndarray]", goals: np.ndarray) -> "Tuple[np.ndarray, np.ndarray]":
    """Return for each target the likeliest noise, as a share of the kernel's amplitude, and its log likelihood."""
    values, axes, roots = parts
    along = (axes.T @ (goals * roots[:, np.newaxis])) ** 2
    rows = len(values)
    found = np.empty((len(_NOISES), goals.shape[1]))
    for number, noise in enumerate(_NOISES):
        shrunk = values + noise
        amplitude = np.maximum((along / shrunk[:, np.newaxis]).mean(axis=0), 1e-12)
        found[number] = -0.5 * (rows * np.log(amplitude) + np.log(shrunk).sum() + rows)
    return _NOISES[found.argmax(axis=0)], found.max(axis=0)

"""Centres and scales of features, kept as float32 numbers so that graph and NumPy subtract the very same ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...onnxgraph import OnnxGraph

_ROWS = 8192


@dataclass(frozen=True)
class Scaling:
    """A centre and a factor for each feature, both float32 `(F,)`."""

    centre: np.ndarray
    factor: np.ndarray

    def apply(self, x: np.ndarray) -> np.ndarray:
        """Return scaled features `(n, F)` as float32, just as the graph computes them."""
        return (np.asarray(x, dtype=np.float32) - self.centre) * self.factor

    def exact(self, x: np.ndarray) -> np.ndarray:
        """Return scaled features `(n, F)` as float64."""
        return (x.astype(np.float64) - self.centre) * self.factor.astype(np.float64)

    def add_to(self, graph: OnnxGraph, features: str) -> str:
        """Add the two nodes and return the name of the scaled features."""
        graph.weight("feature_centre", self.centre)
        graph.weight("feature_factor", self.factor)
        graph.node("Sub", [features, "feature_centre"], "features_centred")
        return graph.node("Mul", ["features_centred", "feature_factor"], "features_scaled")


def moments(x: np.ndarray, weights: np.ndarray) -> "tuple[np.ndarray, np.ndarray]":
    """Return weighted means and standard deviations of features in float64, a run of rows at a time."""
    total = float(weights.sum())
    runs = range(0, len(x), _ROWS)
    mean = sum((weights[first: first + _ROWS] @ x[first: first + _ROWS].astype(np.float64) for first in runs),
               np.zeros(x.shape[1])) / total
    square = sum((weights[first: first + _ROWS] @ (x[first: first + _ROWS].astype(np.float64) - mean) ** 2
                  for first in runs), np.zeros(x.shape[1])) / total
    return mean, np.sqrt(square)


def standardising(x: np.ndarray, weights: np.ndarray) -> Scaling:
    """Return the scaling to mean 0 and deviation 1; a feature that never changes becomes 0."""
    mean, deviation = moments(x, weights)
    constant = deviation <= 1e-7 * np.maximum(np.abs(mean), 1e-30)
    factor = np.where(constant, 0.0, 1.0 / np.where(constant, 1.0, deviation))
    return Scaling(mean.astype(np.float32), factor.astype(np.float32))


def centring(x: np.ndarray, weights: np.ndarray) -> Scaling:
    """Return the scaling that keeps the features' proportions: distances as given, but for one common factor."""
    mean, deviation = moments(x, weights)
    common = 1.0 / max(float(np.sqrt(np.mean(deviation ** 2))), 1e-30)
    return Scaling(mean.astype(np.float32), np.full(len(mean), common, dtype=np.float32))

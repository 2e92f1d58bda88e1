"""A linear model of raw features: one product and a sum, and for classes a softmax."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Mapping

import numpy as np

from ...onnxgraph import OnnxGraph

WEIGHT, BIAS, OFFSET = "linear_weight", "linear_bias", "linear_offset"
# A feature this many deviations from 0 would lose digits in a float32 product, and is moved first.
_FAR = 64.0


@dataclass(frozen=True)
class Linear:
    """Weights `(F, T|K)` and bias `(T|K,)` of unscaled features less `offset` `(F,)`, which is 0 for nearly all."""

    kind: str
    classes: int
    weight: np.ndarray
    bias: np.ndarray
    offset: np.ndarray
    settings: "Mapping[str, object]" = field(default_factory=dict)

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return targets `(n, T)` or probabilities `(n, K)` in float64."""
        scores = (x.astype(np.float64) - self.offset) @ self.weight + self.bias
        return softmax(scores) if self.classes else scores

    def add_to(self, graph: OnnxGraph, features: str) -> str:
        """Add the product, the sum and the softmax."""
        graph.weight(WEIGHT, self.weight.astype(np.float32))
        graph.weight(BIAS, self.bias.astype(np.float32))
        if self.offset.any():
            graph.weight(OFFSET, self.offset.astype(np.float32))
            features = graph.node("Sub", [features, OFFSET], "features_moved")
        graph.node("MatMul", [features, WEIGHT], "linear_product")
        scores = graph.node("Add", ["linear_product", BIAS], "linear_scores")
        return graph.node("Softmax", [scores], "model_probabilities", axis=1) if self.classes else scores


def unscaled(kind: str, classes: int, coefficients: np.ndarray, intercept: np.ndarray, mean: np.ndarray,
             deviation: np.ndarray, settings: "Mapping[str, object]") -> Linear:
    """Fold standardising (deviation 0: the feature counts for nothing) into weights of raw features."""
    factor = np.where(deviation > 0, 1.0 / np.where(deviation > 0, deviation, 1.0), 0.0)
    weight = coefficients * factor[:, np.newaxis]
    far = (np.abs(mean) > _FAR * deviation) & (deviation > 0)
    offset = np.where(far, mean.astype(np.float32).astype(np.float64), 0.0)
    return Linear(kind, classes, weight, intercept - (mean - offset) @ weight, offset, settings)


def softmax(scores: np.ndarray) -> np.ndarray:
    """Turn scores into shares of 1 along the last axis."""
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)

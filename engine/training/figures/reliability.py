"""Whether probabilities can be taken at their word: of the places called 70 % sure, 70 % should be right."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Optional

import numpy as np

from .scored import row_weights

BINS = 10
LEAST_PROBABILITY = 1e-6


@dataclass(frozen=True)
class ReliabilityBin:
    """Rows whose most likely class has a probability in low..high: how sure they are, and how many are right."""

    low: float
    high: float
    confidence: float
    accuracy: float
    share: float


@dataclass(frozen=True)
class Reliability:
    """The bins that hold rows, and the expected calibration error: the mean gap between sure and right."""

    bins: "tuple[ReliabilityBin, ...]"
    error: float


def reliability(truth: np.ndarray, probabilities: np.ndarray, weights: Optional[np.ndarray] = None,
                bins: int = BINS) -> Reliability:
    """Sort rows by the probability `(n, classes)` of their most likely class into bins of equal width."""
    sure = probabilities.max(axis=1).astype(np.float64)
    right = (probabilities.argmax(axis=1) == truth).astype(np.float64)
    weights = row_weights(weights, len(sure))
    bin_of = np.clip(np.ceil(sure * bins).astype(np.int64) - 1, 0, bins - 1)
    weight, confidence, accuracy = (np.bincount(bin_of, weights=weights * part, minlength=bins)
                                    for part in (1.0, sure, right))
    total = float(weight.sum())
    found = tuple(ReliabilityBin(number / bins, (number + 1) / bins, float(confidence[number] / weight[number]),
                                 float(accuracy[number] / weight[number]), float(weight[number]) / total)
                  for number in np.flatnonzero(weight > 0))
    return Reliability(found, float(sum(one.share * abs(one.confidence - one.accuracy) for one in found))
                       if found else math.nan)


def log_loss(truth: np.ndarray, probabilities: np.ndarray, weights: Optional[np.ndarray] = None) -> float:
    """Return the mean of minus the logarithm of the true class's probability, which is cut at a millionth."""
    said = np.asarray(probabilities, dtype=np.float64)[np.arange(len(truth)), truth]
    weights = row_weights(weights, len(said))
    return float(-(weights @ np.log(np.clip(said, LEAST_PROBABILITY, 1.0))) / weights.sum())

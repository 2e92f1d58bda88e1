"""Class probabilities that can be taken at their word: one temperature, learnt from out-of-fold probabilities."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Mapping, Optional

import numpy as np

from ..errors import CardError
from .figures.reliability import LEAST_PROBABILITY

_COLDEST, _HOTTEST = 0.05, 20.0
_STEPS = 50
_GOLDEN = (math.sqrt(5) - 1) / 2


@dataclass(frozen=True)
class ClassCalibration:
    """Divides the logarithms of probabilities by a temperature: above 1 the model was too sure, below 1 too shy.

    The order of the classes never changes.
    """

    temperature: float

    def apply(self, probabilities: np.ndarray) -> np.ndarray:
        """Return calibrated probabilities `(n, classes)` whose rows sum to 1."""
        return _tempered(_logarithms(probabilities), 1 / self.temperature)

    def as_json(self) -> "dict[str, object]":
        """Return plain values for a card."""
        return {"temperature": self.temperature, "least_probability": LEAST_PROBABILITY}


def fit_calibration(truth: np.ndarray, probabilities: np.ndarray,
                    weights: Optional[np.ndarray] = None) -> ClassCalibration:
    """Find the temperature of the smallest log loss; 1 where none is better.

    The loss is convex in 1 / temperature, so golden section over it ends at the best.
    """
    logs = _logarithms(probabilities)
    weights = np.ones(len(logs)) if weights is None else np.asarray(weights, dtype=np.float64)
    rows = np.arange(len(logs))

    def loss(factor: float) -> float:
        """Return the log loss with logarithms times a factor."""
        scaled = logs * factor
        top = scaled.max(axis=1)
        whole = top + np.log(np.exp(scaled - top[:, np.newaxis]).sum(axis=1))
        return float(weights @ (whole - scaled[rows, truth]))

    low, high = 1 / _HOTTEST, 1 / _COLDEST
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = loss(left), loss(right)
    for _ in range(_STEPS):
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN * (high - low)
            at_left = loss(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN * (high - low)
            at_right = loss(right)
    best = (low + high) / 2
    return ClassCalibration(1 / best if loss(best) < loss(1.0) else 1.0)


def calibration_from_json(values: "Mapping[str, object]") -> ClassCalibration:
    """Read what a card says, and refuse a temperature that can't be."""
    found = values.get("temperature")
    if not isinstance(found, (int, float)) or isinstance(found, bool) or not 0 < float(found) < math.inf:
        raise CardError("card-temperature", "The card's calibration names the temperature {found}, which must be a "
                        "number above 0: train the predictor again.", found=found)
    return ClassCalibration(float(found))


def _logarithms(probabilities: np.ndarray) -> np.ndarray:
    """Return logarithms; what is less likely than a millionth counts as a millionth."""
    return np.log(np.clip(np.asarray(probabilities, dtype=np.float64), LEAST_PROBABILITY, 1.0))


def _tempered(logs: np.ndarray, factor: float) -> np.ndarray:
    """Return the softmax of logarithms times a factor."""
    scaled = logs * factor
    found = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return found / found.sum(axis=1, keepdims=True)

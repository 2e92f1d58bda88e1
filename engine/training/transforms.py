"""Transforms that make a skewed target even: logarithm and Box-Cox, with exact inverses inside a stated range."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Dict, Mapping, Tuple

import numpy as np

from ..errors import InputError

NONE, LOG, BOXCOX, AUTOMATIC = "none", "log", "boxcox", "automatic"
TRANSFORMS = (NONE, LOG, BOXCOX, AUTOMATIC)
# A straight line continued far beyond its data becomes astronomical once a logarithm is undone.
_FARTHEST = 100.0
_POWERS = (-5.0, 5.0)
_POWER_TOLERANCE = 1e-6
_LEAST_POWER = 0.01
_GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0
_SKEWED = 1.0
_LEAST_SHIFT = 1e-3
# Nearer to 0 a power is the logarithm in all but the rounding, which would be all that is left of it.
_NO_POWER = 1e-6


@dataclass(frozen=True)
class TargetTransform:
    """How one target becomes the scale that models are fitted on, and back.

    log: z = ln(x + shift); boxcox: z = ((x + shift)^power − 1) / power, which is ln(x + shift) where power is 0.
    The inverse clips z to `limits` first: the domain, up to 100 times the largest shifted training value.
    """

    kind: str = NONE
    shift: float = 0.0
    power: float = 1.0
    largest: float = math.inf

    @property
    def exponent(self) -> float:
        """Return the power of the Box-Cox family that this is: 1 for none, 0 for the logarithm."""
        return 0.0 if self.kind == LOG or abs(self.power) < _NO_POWER else self.power

    @property
    def limits(self) -> "Tuple[float, float]":
        """Return the lowest and highest z that the inverse takes as they are."""
        if self.kind == NONE:
            return -math.inf, math.inf
        low = -1.0 / self.exponent if self.exponent > 0 else -math.inf
        return low, float(_powered(np.log(np.float64(self.largest)), self.exponent))

    def forward(self, values: np.ndarray) -> np.ndarray:
        """Return values on the scale of the fit; NaN where there is none."""
        values = np.asarray(values, dtype=np.float64)
        if self.kind == NONE:
            return values
        shifted = values + self.shift
        there = shifted > 0
        logs = np.log(np.where(there, shifted, 1.0))
        return np.where(there, _powered(logs, self.exponent), np.nan)

    def inverse(self, scaled: np.ndarray) -> np.ndarray:
        """Return values in units of the target."""
        scaled = np.asarray(scaled, dtype=np.float64)
        if self.kind == NONE:
            return scaled
        scaled = np.clip(scaled, *self.limits)
        if self.exponent == 0.0:
            return np.exp(scaled) - self.shift
        step = self.exponent * scaled
        there = step > -1.0
        found = np.exp(np.log1p(np.where(there, step, 0.0)) / self.exponent)
        return np.where(np.isnan(scaled), np.nan, np.where(there, found, 0.0)) - self.shift

    def in_words(self) -> str:
        """Return the formula as a report states it."""
        if self.kind == NONE:
            return "as it is"
        shifted = f"value + {self.shift:g}" if self.shift else "value"
        if self.kind == LOG:
            return f"ln({shifted})"
        return f"Box-Cox of {shifted} with lambda {self.power:.4g}"

    def as_json(self) -> "Dict[str, Any]":
        """Return it as a plain JSON object."""
        found: "Dict[str, Any]" = {"kind": self.kind}
        if self.kind != NONE:
            found.update(shift=self.shift, largest=self.largest)
        if self.kind == BOXCOX:
            found["power"] = self.power
        return found


def transform_from_json(raw: "Mapping[str, Any]") -> TargetTransform:
    """Read a transform back; raises ValueError, KeyError or TypeError for what is none."""
    kind = str(raw["kind"])
    if kind not in (NONE, LOG, BOXCOX):
        raise ValueError(f"transform {kind!r}")
    if kind == NONE:
        return TargetTransform()
    numbers = (float(raw["shift"]), float(raw.get("power", 1.0)), float(raw["largest"]))
    if not all(map(math.isfinite, numbers)) or numbers[2] <= 0:
        raise ValueError(f"transform with {numbers}")
    return TargetTransform(kind, *numbers)


def fit_transform(kind: str, values: np.ndarray, name: str) -> TargetTransform:
    """Return the transform of a target, with its shift and power from the values, or say why there is none."""
    if kind not in TRANSFORMS:
        raise InputError("transform-unknown", "“{kind}” is no transform of a target: choose one of {kinds}.",
                         kind=kind, kinds=", ".join(TRANSFORMS))
    if kind == AUTOMATIC:
        return _chosen(values)
    if kind == NONE:
        return TargetTransform()
    lowest = float(values.min())
    if lowest < 0:
        raise InputError("transform-negative", "The target “{name}” goes down to {lowest:g}, and {kind} takes no "
                         "negative values: choose the transform none.", name=name, lowest=lowest, kind=kind)
    return _fitted(kind, values)


def fit_power(values: np.ndarray) -> float:
    """Return the power of the Box-Cox transform under which positive values are likeliest to be normal."""
    logs = np.log(np.asarray(values, dtype=np.float64))
    # Relative to their geometric mean, the likelihood is that of the variance alone; powers are the same.
    logs = logs - logs.mean()

    def spread(power: float) -> float:
        """Return what the power makes of the spread, to be as small as possible."""
        return float(np.log(_powered(logs, power).var()))

    low, high = _POWERS
    one, two = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_one, at_two = spread(one), spread(two)
    while high - low > _POWER_TOLERANCE:
        if at_one < at_two:
            high, two, at_two = two, one, at_one
            one = high - _GOLDEN * (high - low)
            at_one = spread(one)
        else:
            low, one, at_one = one, two, at_two
            two = low + _GOLDEN * (high - low)
            at_two = spread(two)
    return (low + high) / 2


def skewness(values: np.ndarray) -> float:
    """Return how lopsided values are: 0 where they are even, 2 for an exponential distribution."""
    spread = values.std()
    return float((((values - values.mean()) / spread) ** 3).mean()) if spread > 0 else 0.0


def _chosen(values: np.ndarray) -> TargetTransform:
    """Return the simplest transform that makes a skewed target much more even."""
    before = abs(skewness(values))
    if before <= _SKEWED or values.min() < 0:
        return TargetTransform()
    for kind in (LOG, BOXCOX):
        found = _fitted(kind, values)
        if abs(skewness(found.forward(values))) <= before / 2:
            return found
    return TargetTransform()


def _fitted(kind: str, values: np.ndarray) -> TargetTransform:
    """Return a transform of values that are not negative."""
    shift = _shift(values)
    shifted = values + shift
    largest = _FARTHEST * float(shifted.max())
    if kind == LOG:
        return TargetTransform(LOG, shift, largest=largest)
    power = fit_power(shifted)
    # So near to the logarithm nothing is to be gained, and in float32 the way back would lose digits.
    return TargetTransform(BOXCOX, shift, 0.0 if abs(power) < _LEAST_POWER else power, largest)


def _shift(values: np.ndarray) -> float:
    """Return what to add so that zeros have a logarithm: 1 to whole numbers, else half the smallest other value."""
    if values.min() > 0:
        return 0.0
    positive = values[values > 0]
    if (values == np.round(values)).all():
        return 1.0
    return max(float(positive.min()) / 2, _LEAST_SHIFT * float(np.median(positive)))


def _powered(logs: np.ndarray, power: float) -> np.ndarray:
    """Return (exp(logs)^power − 1) / power, also where the power is next to 0."""
    return logs if power == 0.0 else np.expm1(power * logs) / power

"""Whether one query finds the same truths sooner than another, by more than so few truths can show by chance."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .band import student
from .judged import Judged


@dataclass(frozen=True)
class Difference:
    """How much more lies under one curve than under another, and how far that may be off."""

    value: float
    half_width: float

    @property
    def clear(self) -> bool:
        """Tell whether it is more than chance."""
        return abs(self.value) > self.half_width


def same_truths(one: Judged, other: Judged) -> bool:
    """Tell whether two queries were judged by the same features."""
    return np.array_equal(one.parts.features, other.parts.features)


def difference(one: Judged, other: Judged) -> Difference:
    """Compare truth by truth; groups are those of the query whose truths are drawn in larger ones."""
    coarse = one if one.drawing.count <= other.drawing.count else other
    shifts = np.zeros(len(one.parts.features))
    for judged, sign in ((one, 1.0), (other, -1.0)):
        weights = judged.parts.weights
        shifts += sign * (judged.parts.early - judged.curve.under * weights) / weights.sum()
    count = coarse.drawing.count
    if count < 2:
        return Difference(one.curve.under - other.curve.under, float("inf"))
    sums = np.bincount(coarse.drawing.groups, shifts, count)
    return Difference(one.curve.under - other.curve.under,
                      student(count - 1) * math.sqrt(float((sums ** 2).sum()) * count / (count - 1)))

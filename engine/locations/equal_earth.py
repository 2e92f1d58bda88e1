"""The Equal Earth projection, which GeoCLIP's location encoder begins with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .family import Family

if TYPE_CHECKING:
    from .position import Position

_A1, _A2, _A3, _A4 = 1.340264, -0.081106, 0.000893, 0.003796
_WIDTH = 66.50336


def _equal_earth(places: np.ndarray, position: "Position") -> np.ndarray:
    """Return x in −1..1 and y in −0.4867..0.4867; it has no form in a graph, which lacks the arcsine in float64."""
    theta = np.arcsin(np.sqrt(3.0) / 2 * np.sin(np.radians(places[:, 1])))
    square = theta * theta
    sixth = square ** 3
    slope = 9 * _A4 * sixth * square + 7 * _A3 * sixth + 3 * _A2 * square + _A1
    x = 2 * np.sqrt(3.0) * np.radians(places[:, 0]) * np.cos(theta) / (3 * slope)
    y = theta * (_A4 * sixth * square + _A3 * sixth + _A2 * square + _A1)
    return np.stack([x, y], axis=1) * (_WIDTH / 180.0)


EQUAL_EARTH = Family("equal-earth", "The Equal Earth projection", _equal_earth, lambda scales: 2, "2", seamless=False)

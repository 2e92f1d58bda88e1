"""Real spherical harmonics: the globe's own Fourier series, the same in all directions and without seam or pole."""

from __future__ import annotations

import numpy as np

from .family import Family
from .settings import SCALES, Settings


def _harmonics(places: np.ndarray, settings: Settings) -> np.ndarray:
    """Return orthonormal harmonics of degree 0..L−1, orders −l..l, without the Condon-Shortley sign.

    Normalised Legendre functions come from their recurrence, which stays exact up to the poles at any degree;
    polynomials in powers lose all digits there from degree 40 on.
    """
    degrees, count = settings.scales, len(places)
    longitude, latitude = np.radians(places[:, 0]), np.radians(places[:, 1])
    up, across = np.sin(latitude), np.cos(latitude)
    orders = np.arange(degrees)[:, None] * longitude
    east, north = np.sqrt(2.0) * np.cos(orders), np.sqrt(2.0) * np.sin(orders)
    found = np.empty((degrees * degrees, count))
    before, now = np.zeros((degrees, count)), np.zeros((degrees, count))
    now[0] = np.sqrt(0.25 / np.pi)
    found[0] = now[0]
    for degree in range(1, degrees):
        before, now = now, _next(degree, up, across, now, before)
        middle = degree * degree + degree
        found[middle] = now[0]
        np.multiply(now[1:degree + 1], east[1:degree + 1], out=found[middle + 1:middle + degree + 1])
        np.multiply(now[degree:0:-1], north[degree:0:-1], out=found[middle - degree:middle])
    return found.T


def _next(degree: int, up: np.ndarray, across: np.ndarray, last: np.ndarray, older: np.ndarray) -> np.ndarray:
    """Return the normalised Legendre functions of a degree from those of the two before it; rows are orders.

    `older` has one order fewer than `last`, and its memory is used for the result.
    """
    order = np.arange(degree - 1, dtype=np.float64)[:, None]
    first = np.sqrt((4.0 * degree ** 2 - 1) / (degree ** 2 - order ** 2))
    second = np.sqrt(((degree - 1.0) ** 2 - order ** 2) / (4.0 * (degree - 1) ** 2 - 1)) if degree > 1 else order
    inner = older[:degree - 1]
    inner *= -second
    inner += up * last[:degree - 1]
    inner *= first
    older[degree - 1] = np.sqrt(2.0 * degree + 1) * up * last[degree - 1]
    older[degree] = np.sqrt((2.0 * degree + 1) / (2.0 * degree)) * across * last[degree - 1]
    return older


HARMONICS = Family("spherical-harmonics", "Real spherical harmonics", _harmonics, lambda scales: scales * scales,
                   "degrees²", Settings(scales=10), frozenset({SCALES}), scales_word="degrees")

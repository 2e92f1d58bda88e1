"""Real spherical harmonics: the globe's own Fourier series, the same in all directions and without seam or pole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .cartesian import DEGREE
from .family import Family
from .settings import SCALES, Settings
from .terms import Term, joined

if TYPE_CHECKING:
    from .position import Position


def _harmonics(places: np.ndarray, position: "Position") -> np.ndarray:
    """Return orthonormal harmonics of degree 0..L−1, orders −l..l, without the Condon-Shortley sign.

    Normalised Legendre functions come from their recurrence, which stays exact up to the poles at any degree;
    polynomials in powers lose all digits there from degree 40 on.
    """
    degrees, count = position.settings.scales, len(places)
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
    if position.compat:
        found *= _constants(degrees)[:, None]
    return found.T


def _constants(degrees: int) -> np.ndarray:
    """Return what the columns are multiplied by that SatCLIP's weights were trained with.

    Its latitudes are measured from the south pole, which turns the sign of odd degrees; and a missing pair of brackets
    in its normalisation makes order 0 too large by π.
    """
    degree, order = _degrees_and_orders(degrees)
    return np.where(degree % 2, -1.0, 1.0) * np.where(order == 0, np.pi, 1.0)


def _degrees_and_orders(degrees: int) -> "tuple[np.ndarray, np.ndarray]":
    """Return degree and order of each column."""
    degree = np.repeat(np.arange(degrees), 2 * np.arange(degrees) + 1)
    return degree, np.arange(degrees * degrees) - degree * degree - degree


def _nodes(location: Term, position: "Position") -> Term:
    """Write the same recurrence, one step a degree over all orders at once; rows are orders, columns are places.

    Orders above a degree have factors of 0, so that all steps have one shape.
    """
    degrees = position.settings.scales
    angles = (location * DEGREE).turned()
    longitude, latitude = angles.picked([0], 0), angles.picked([1], 0)
    up = latitude.sine()
    steps = [latitude.cosine().power(np.arange(degrees, dtype=np.float64)[:, None]) * _diagonal(degrees)[:, None]]
    sectors, legendre = steps[0], [steps[0] * _only(0, degrees)]
    for degree in range(1, degrees):
        first, second = _coefficients(degree, degrees)
        found = up * legendre[-1] * first[:, None] + sectors * _only(degree, degrees)
        if degree > 1:
            found = found - legendre[-2] * second[:, None]
        legendre.append(found)
    turns = longitude * np.arange(degrees, dtype=np.float64)[:, None]
    waves = joined([turns.sine(), turns.cosine()], 0)
    degree, order = _degrees_and_orders(degrees)
    scale = np.where(order == 0, 1.0, np.sqrt(2.0)) * (_constants(degrees) if position.compat else 1.0)
    values = joined(legendre, 0).picked(degree * degrees + np.abs(order), 0) * scale[:, None]
    return (values * waves.picked(np.where(order < 0, -order, degrees + order), 0)).turned()


def _diagonal(degrees: int) -> np.ndarray:
    """Return the factors of the cosine's powers in the functions of equal degree and order."""
    order = np.arange(1, degrees, dtype=np.float64)
    return np.sqrt(0.25 / np.pi) * np.cumprod(np.concatenate([[1.0], np.sqrt((2 * order + 1) / (2 * order))]))


def _only(order: int, degrees: int) -> np.ndarray:
    """Return a column that lets one order through."""
    return (np.arange(degrees) == order).astype(np.float64)[:, None]


def _coefficients(degree: int, degrees: int) -> "tuple[np.ndarray, np.ndarray]":
    """Return by order what the two degrees before are multiplied by, 0 from this degree's own order on."""
    first, second = np.zeros(degrees), np.zeros(degrees)
    order = np.arange(degree, dtype=np.float64)
    first[:degree] = np.sqrt((4.0 * degree ** 2 - 1) / (degree ** 2 - order ** 2))
    if degree > 1:
        second[:degree] = first[:degree] * np.sqrt(((degree - 1.0) ** 2 - order ** 2) / (4.0 * (degree - 1) ** 2 - 1))
    return first, second


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
                   "degrees²", Settings(scales=10), frozenset({SCALES}), scales_word="degrees", polar=True,
                   nodes=_nodes, compat=frozenset({"torchspatial", "satclip"}))

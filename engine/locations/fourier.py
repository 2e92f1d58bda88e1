"""Random Fourier features: their products approximate a Gaussian kernel of the length scale that the user wants."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..geodesy import MEAN_RADIUS
from .cartesian import unit_sphere, unit_sphere_nodes
from .family import Family
from .products import products
from .settings import EXTENT, LENGTH, SCALES, SEAMLESS, SEED, Settings
from .terms import Term, joined

if TYPE_CHECKING:
    from .position import Position

QUARTER_MERIDIAN_KM = MEAN_RADIUS / 1000 * np.pi / 2
_DEFAULT = Settings(scales=64, length=1000.0)
_TAKES = frozenset({SCALES, LENGTH, SEED})


def _planar(places: np.ndarray, position: "Position") -> np.ndarray:
    """Return √(2/D)·cos(w·u + b), where u is longitude/180 and latitude/90 over the whole globe.

    Waves that were drawn elsewhere run over an extent of their own, from −1 to 1.
    """
    directions, phases = _waves(position)
    centre, half = _frame(position.settings)
    angles = phases + products((places - centre) / half, directions)
    return np.sqrt(2.0 / len(phases)) * np.cos(angles)


def _planar_nodes(location: Term, position: "Position") -> Term:
    """Write the same."""
    directions, phases = _waves(position)
    centre, half = _frame(position.settings)
    at = (location - centre[None]) / half[None]
    angles = _along(at, directions) + phases[None]
    return angles.cosine() * np.array(np.sqrt(2.0 / len(phases)))


def _waves(position: "Position") -> "tuple[np.ndarray, np.ndarray]":
    """Return directions and phases: those of the seed, or those that came along."""
    settings = position.settings
    if position.arrays:
        return position.arrays["directions"], position.arrays["phases"]
    chance = _chance(settings)
    directions = chance.standard_normal((settings.scales, 2)) * (QUARTER_MERIDIAN_KM / settings.length)
    if settings.seamless:
        # The waves' numbers along a parallel are whole, so that a turn ends where it began.
        directions[:, 0] = np.rint(directions[:, 0] / np.pi) * np.pi
    return directions, chance.random_sample(settings.scales) * (2 * np.pi)


def _frame(settings: Settings) -> "tuple[np.ndarray, np.ndarray]":
    """Return the middle and the half sides of the extent that becomes −1..1."""
    if not settings.extent:
        return np.zeros(2), np.array([180.0, 90.0])
    west, south, east, north = settings.extent
    return np.array([west + east, south + north]) / 2, np.array([east - west, north - south]) / 2


def _sphere(places: np.ndarray, position: "Position") -> np.ndarray:
    """Return cosines, then sines, of random waves through the globe; vectors have unit length."""
    directions = _through(position.settings)
    angles = products(unit_sphere(places), directions)
    return np.concatenate([np.cos(angles), np.sin(angles)], axis=1) / np.sqrt(len(directions))


def _sphere_nodes(location: Term, position: "Position") -> Term:
    """Write the same."""
    directions = _through(position.settings)
    angles = _along(unit_sphere_nodes(location), directions)
    return joined([angles.cosine(), angles.sine()]) / np.array(np.sqrt(len(directions)))


def _through(settings: Settings) -> np.ndarray:
    """Return the waves' directions through the globe."""
    return _chance(settings).standard_normal((settings.scales, 3)) * (MEAN_RADIUS / 1000 / settings.length)


def _along(points: Term, directions: np.ndarray) -> Term:
    """Write the products of points with directions, added up in the order of `products`."""
    found = points.picked([0]) * directions[:, 0][None]
    for axis in range(1, directions.shape[1]):
        found = found + points.picked([axis]) * directions[:, axis][None]
    return found


def _chance(settings: Settings) -> np.random.RandomState:
    """Return random numbers that a seed fixes for ever.

    The seed stands in the space for the numbers themselves, and only this old generator promises the same ones in
    every version of NumPy.
    """
    return np.random.RandomState(settings.seed)


PLANAR = Family("fourier-planar", "Random waves over the plane of longitude and latitude", _planar,
                lambda scales: scales, "frequencies", _DEFAULT, _TAKES | {SEAMLESS, EXTENT}, scales_word="frequencies",
                seamless=False, nodes=_planar_nodes, compat=frozenset({"torchspatial"}),
                arrays=frozenset({"directions", "phases"}))
SPHERE = Family("fourier-sphere", "Random waves through the globe", _sphere, lambda scales: 2 * scales,
                "2 × frequencies", _DEFAULT, _TAKES, scales_word="frequencies", polar=True, unit_norm=True,
                nodes=_sphere_nodes)

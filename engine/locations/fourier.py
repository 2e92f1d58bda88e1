"""Random Fourier features: their products approximate a Gaussian kernel of the length scale that the user wants."""

from __future__ import annotations

import numpy as np

from ..geodesy import MEAN_RADIUS
from .cartesian import unit_sphere
from .family import Family
from .products import products
from .settings import LENGTH, SCALES, SEED, Settings

QUARTER_MERIDIAN_KM = MEAN_RADIUS / 1000 * np.pi / 2
_DEFAULT = Settings(scales=64, length=1000.0)
_TAKES = frozenset({SCALES, LENGTH, SEED})


def _planar(places: np.ndarray, settings: Settings) -> np.ndarray:
    """Return √(2/D)·cos(w·u + b), where u is longitude/180 and latitude/90 over the whole globe."""
    chance = _chance(settings)
    directions = chance.standard_normal((settings.scales, 2)) * (QUARTER_MERIDIAN_KM / settings.length)
    phases = chance.random_sample(settings.scales) * (2 * np.pi)
    angles = phases + products(places / np.array([180.0, 90.0]), directions)
    return np.sqrt(2.0 / settings.scales) * np.cos(angles)


def _sphere(places: np.ndarray, settings: Settings) -> np.ndarray:
    """Return cosines, then sines, of random waves through the globe; vectors have unit length."""
    directions = _chance(settings).standard_normal((settings.scales, 3)) * (MEAN_RADIUS / 1000 / settings.length)
    angles = products(unit_sphere(places), directions)
    return np.concatenate([np.cos(angles), np.sin(angles)], axis=1) / np.sqrt(settings.scales)


def _chance(settings: Settings) -> np.random.RandomState:
    """Return random numbers that a seed fixes for ever.

    The seed stands in the space for the numbers themselves, and only this old generator promises the same ones in
    every version of NumPy.
    """
    return np.random.RandomState(settings.seed)


PLANAR = Family("fourier-planar", "Random waves over the plane of longitude and latitude", _planar,
                lambda scales: scales, "frequencies", _DEFAULT, _TAKES, scales_word="frequencies", seamless=False)
SPHERE = Family("fourier-sphere", "Random waves through the globe", _sphere, lambda scales: 2 * scales,
                "2 × frequencies", _DEFAULT, _TAKES, scales_word="frequencies", unit_norm=True)

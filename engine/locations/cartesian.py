"""A place as a point on the unit sphere: three numbers without a seam, a pole or a scale."""

from __future__ import annotations

import numpy as np

from .family import Family
from .settings import Settings


def unit_sphere(places: np.ndarray) -> np.ndarray:
    """Return `(n, 3)` unit vectors of longitudes and latitudes in degrees."""
    longitude, latitude = np.radians(places[:, 0]), np.radians(places[:, 1])
    across = np.cos(latitude)
    return np.stack([across * np.cos(longitude), across * np.sin(longitude), np.sin(latitude)], axis=1)


def _xyz(places: np.ndarray, settings: Settings) -> np.ndarray:
    """Return x, y and z."""
    return unit_sphere(places)


XYZ = Family("xyz", "Point on the unit sphere", _xyz, lambda scales: 3, "3", unit_norm=True)

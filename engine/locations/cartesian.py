"""A place as a point on the unit sphere: three numbers without a seam, a pole or a scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .family import Family
from .terms import Term, joined

if TYPE_CHECKING:
    from .position import Position

DEGREE = np.pi / 180.0


def unit_sphere(places: np.ndarray) -> np.ndarray:
    """Return `(n, 3)` unit vectors of longitudes and latitudes in degrees."""
    longitude, latitude = np.radians(places[:, 0]), np.radians(places[:, 1])
    across = np.cos(latitude)
    return np.stack([across * np.cos(longitude), across * np.sin(longitude), np.sin(latitude)], axis=1)


def unit_sphere_nodes(location: Term) -> Term:
    """Write unit vectors `(n, 3)` of longitudes and latitudes."""
    angles = location * DEGREE
    longitude, latitude = angles.picked([0]), angles.picked([1])
    across = latitude.cosine()
    return joined([across * longitude.cosine(), across * longitude.sine(), latitude.sine()])


def _xyz(places: np.ndarray, position: "Position") -> np.ndarray:
    """Return x, y and z."""
    return unit_sphere(places)


def _nodes(location: Term, position: "Position") -> Term:
    """Write x, y and z."""
    return unit_sphere_nodes(location)


XYZ = Family("xyz", "Point on the unit sphere", _xyz, lambda scales: 3, "3", polar=True, unit_norm=True, nodes=_nodes)

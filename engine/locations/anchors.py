"""How near a place is to each of some places of the training data: one bell of a given width around each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..geodesy import MEAN_RADIUS
from .cartesian import unit_sphere, unit_sphere_nodes
from .family import Family
from .settings import LENGTH, SCALES, SIGMA, Settings
from .terms import Term

if TYPE_CHECKING:
    from .position import Position


def _bells(places: np.ndarray, position: "Position") -> np.ndarray:
    """Return exp(−d²/2σ²) by anchor; d is the straight way through the globe.

    That is the distance on the ground within 1 % up to 3,000 km, and unlike it smooth everywhere. The original measures
    in degrees on the plane of longitude and latitude.
    """
    points, anchors, width = _measured(places, position)
    square = (points[:, :1] - anchors[:, 0]) ** 2
    for axis in range(1, points.shape[1]):
        square += (points[:, axis:axis + 1] - anchors[:, axis]) ** 2
    return np.exp(square * (-0.5 / width ** 2))


def _nodes(location: Term, position: "Position") -> Term:
    """Write the same."""
    points = location if position.compat else unit_sphere_nodes(location)
    _, anchors, width = _measured(np.zeros((0, 2)), position)
    squares = []
    for axis in range(anchors.shape[1]):
        away = points.picked([axis]) - anchors[:, axis][None]
        squares.append(away * away)
    whole = squares[0]
    for square in squares[1:]:
        whole = whole + square
    return (whole * np.array(-0.5 / width ** 2)).exponential()


def _measured(places: np.ndarray, position: "Position") -> "tuple[np.ndarray, np.ndarray, float]":
    """Return places and anchors in the coordinates that distances are measured in, and σ in their unit."""
    anchors = position.arrays["anchors"]
    if position.compat:
        return places, anchors, position.settings.sigma
    return unit_sphere(places), unit_sphere(anchors), position.settings.length * 1000 / MEAN_RADIUS


RBF = Family("rbf", "Nearness to places of the training data", _bells, lambda scales: scales, "anchors",
             Settings(scales=200, length=500.0), frozenset({SCALES, LENGTH, SIGMA}), scales_word="anchors", polar=True,
             nodes=_nodes, compat=frozenset({"torchspatial"}), arrays=frozenset({"anchors"}))

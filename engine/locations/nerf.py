"""Waves of doubling frequency on the unit sphere, as neural radiance fields use them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .cartesian import unit_sphere, unit_sphere_nodes
from .family import Family
from .settings import SCALES, Settings
from .terms import Term, joined

if TYPE_CHECKING:
    from .position import Position


def _nerf(places: np.ndarray, position: "Position") -> np.ndarray:
    """Return sines of x, y, z, then their cosines, each over all frequencies π·2^k."""
    angles = (unit_sphere(places)[:, :, None] * _frequencies(position)).reshape(len(places), -1)
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1)


def _nodes(location: Term, position: "Position") -> Term:
    """Write the same."""
    point, frequencies = unit_sphere_nodes(location), _frequencies(position)[None]
    angles = joined([point.picked([axis]) * frequencies for axis in range(3)])
    return joined([angles.sine(), angles.cosine()])


def _frequencies(position: "Position") -> np.ndarray:
    """Return π·2^k."""
    return np.pi * 2.0 ** np.arange(position.settings.scales)


NERF = Family("nerf", "Waves of doubling frequency on the unit sphere", _nerf, lambda scales: 6 * scales, "6 × scales",
              Settings(scales=8), frozenset({SCALES}), polar=True, nodes=_nodes, compat=frozenset({"torchspatial"}))

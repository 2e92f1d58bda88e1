"""Space2Vec: waves of many lengths over the plane of longitude and latitude, along two or three directions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .cartesian import DEGREE
from .family import Family
from .products import products
from .radii import plain_factors
from .settings import RADII, SCALES, SEAMLESS, Settings
from .terms import Term, joined

if TYPE_CHECKING:
    from .position import Position

_THREE = np.array([[1.0, 0.0], [-0.5, np.sqrt(3.0) / 2], [-0.5, -np.sqrt(3.0) / 2]])
_DEFAULT = Settings(scales=16, min_radius=0.1, max_radius=360.0)
_TAKES = frozenset({SCALES, RADII, SEAMLESS})


def _grid(places: np.ndarray, position: "Position") -> np.ndarray:
    """Return for longitude, then latitude, sine and cosine of each scale."""
    return _waves(places[:, :, None] * _factors(position.settings, 1))


def _theory(places: np.ndarray, position: "Position") -> np.ndarray:
    """Return for each scale sine and cosine along three directions 120° apart."""
    along = products(places, _THREE)
    return _waves(along[:, None, :] * _factors(position.settings, 2)[:, None])


def _factors(settings: Settings, whole: int) -> np.ndarray:
    """Return what degrees are multiplied by; where no seam shall show, so that a turn is a whole number of waves.

    Two directions of three lie at 120° and see half of a turn, so that their numbers must be even.
    """
    plain = plain_factors(settings)
    if not settings.seamless:
        return plain
    return np.maximum(np.rint(plain / DEGREE / whole), 1.0) * whole * DEGREE


def _waves(angles: np.ndarray) -> np.ndarray:
    """Return sine and cosine of each angle side by side, flattened."""
    found = np.empty(angles.shape + (2,))
    np.sin(angles, out=found[..., 0])
    np.cos(angles, out=found[..., 1])
    return found.reshape(len(angles), -1)


def _grid_nodes(location: Term, position: "Position") -> Term:
    """Write the waves along longitude and latitude."""
    factors = _factors(position.settings, 1)[None]
    return _wave_nodes(joined([location.picked([axis]) * factors for axis in (0, 1)]), 2 * factors.size)


def _theory_nodes(location: Term, position: "Position") -> Term:
    """Write the waves along the three directions."""
    factors = _factors(position.settings, 2)
    along = location.picked([0]) * _THREE[:, 0][None] + location.picked([1]) * _THREE[:, 1][None]
    return _wave_nodes(along.picked(np.tile([0, 1, 2], len(factors))) * np.repeat(factors, 3)[None], 3 * len(factors))


def _wave_nodes(angles: Term, count: int) -> Term:
    """Write sine and cosine of each angle side by side."""
    return joined([angles.sine().shaped(-1, count, 1), angles.cosine().shaped(-1, count, 1)], 2).shaped(-1, 2 * count)


GRID = Family("space2vec-grid", "Waves along longitude and latitude, in degrees", _grid, lambda scales: 4 * scales,
              "4 × scales", _DEFAULT, _TAKES, least_scales=2, seamless=False, nodes=_grid_nodes,
              compat=frozenset({"torchspatial"}))
THEORY = Family("space2vec-theory", "Waves along three directions 120° apart, in degrees", _theory,
                lambda scales: 6 * scales, "6 × scales", _DEFAULT, _TAKES, least_scales=2, seamless=False,
                nodes=_theory_nodes, compat=frozenset({"torchspatial"}))

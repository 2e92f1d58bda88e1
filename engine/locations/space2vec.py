"""Space2Vec: waves of many lengths over the plane of longitude and latitude, along two or three directions."""

from __future__ import annotations

import numpy as np

from .family import Family
from .products import products
from .radii import factors
from .settings import RADII, SCALES, Settings

_THREE = np.array([[1.0, 0.0], [-0.5, np.sqrt(3.0) / 2], [-0.5, -np.sqrt(3.0) / 2]])
_DEFAULT = Settings(scales=16, min_radius=0.1, max_radius=360.0)
_TAKES = frozenset({SCALES, RADII})


def _grid(places: np.ndarray, settings: Settings) -> np.ndarray:
    """Return for longitude, then latitude, sine and cosine of each scale."""
    return _waves(places[:, :, None] * factors(settings))


def _theory(places: np.ndarray, settings: Settings) -> np.ndarray:
    """Return for each scale sine and cosine along three directions 120° apart."""
    along = products(places, _THREE)
    return _waves(along[:, None, :] * factors(settings)[:, None])


def _waves(angles: np.ndarray) -> np.ndarray:
    """Return sine and cosine of each angle side by side, flattened."""
    found = np.empty(angles.shape + (2,))
    np.sin(angles, out=found[..., 0])
    np.cos(angles, out=found[..., 1])
    return found.reshape(len(angles), -1)


GRID = Family("space2vec-grid", "Waves along longitude and latitude, in degrees", _grid, lambda scales: 4 * scales,
              "4 × scales", _DEFAULT, _TAKES, least_scales=2, seamless=False)
THEORY = Family("space2vec-theory", "Waves along three directions 120° apart, in degrees", _theory,
                lambda scales: 6 * scales, "6 × scales", _DEFAULT, _TAKES, least_scales=2, seamless=False)

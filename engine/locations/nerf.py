"""Waves of doubling frequency on the unit sphere, as neural radiance fields use them."""

from __future__ import annotations

import numpy as np

from .cartesian import unit_sphere
from .family import Family
from .settings import SCALES, Settings


def _nerf(places: np.ndarray, settings: Settings) -> np.ndarray:
    """Return sines of x, y, z, then their cosines, each over all frequencies π·2^k."""
    frequencies = np.pi * 2.0 ** np.arange(settings.scales)
    angles = (unit_sphere(places)[:, :, None] * frequencies).reshape(len(places), -1)
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1)


NERF = Family("nerf", "Waves of doubling frequency on the unit sphere", _nerf, lambda scales: 6 * scales, "6 × scales",
              Settings(scales=8), frozenset({SCALES}))

"""The scales of the multi-scale encoders: a geometric series from the finest to the coarsest radius."""

from __future__ import annotations

import numpy as np

from .settings import Settings


def factors(settings: Settings) -> np.ndarray:
    """Return what angles are multiplied by, the finest scale first; whole numbers where no seam shall show."""
    plain = plain_factors(settings)
    return np.maximum(np.rint(plain), 1.0) if settings.seamless else plain


def plain_factors(settings: Settings) -> np.ndarray:
    """Return the inverse of each radius, the finest first."""
    steps = np.arange(settings.scales) / (settings.scales - 1)
    return 1.0 / (settings.min_radius * (settings.max_radius / settings.min_radius) ** steps)


def coarsest_only(settings: Settings) -> np.ndarray:
    """Return the factors that TorchSpatial's double Fourier series and sphereM+ have: its finest radius does nothing.

    With its usual coarsest radius of 1 all of them are 1.
    """
    found = settings.max_radius ** (-np.arange(settings.scales) / (settings.scales - 1))
    return np.maximum(np.rint(found), 1.0) if settings.seamless else found

"""The scales of the multi-scale encoders: a geometric series from the finest to the coarsest radius."""

from __future__ import annotations

import numpy as np

from .settings import Settings


def factors(settings: Settings) -> np.ndarray:
    """Return what angles are multiplied by, the finest scale first; whole numbers where no seam shall show."""
    steps = np.arange(settings.scales) / (settings.scales - 1)
    radii = settings.min_radius * (settings.max_radius / settings.min_radius) ** steps
    return np.maximum(np.rint(1.0 / radii), 1.0) if settings.seamless else 1.0 / radii

"""Sine and cosine of longitude and latitude: the classic input of presence-only species models."""

from __future__ import annotations

import numpy as np

from .family import Family
from .settings import Settings


def _wrap(places: np.ndarray, settings: Settings) -> np.ndarray:
    """Return both sines, then both cosines; latitude is its true angle, so that the two poles differ."""
    angles = np.radians(places)
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1)


WRAP = Family("wrap", "Sine and cosine of longitude and latitude", _wrap, lambda scales: 4, "4")
WRAP_FFN = Family("wrap-ffn", "The same four numbers, as the position part of the network of that name", _wrap,
                  lambda scales: 4, "4")

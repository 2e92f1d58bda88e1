"""What an import needs of a published raster, whatever it lies in."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from ..coding import Coding
from ..grid import Grid, Window
from .catalogue import Product


class PublishedField(Protocol):
    """A raster of vectors: where it lies, what it is of, and its vectors in windows.

    `coding` is what a copy is written in without loss; `reason` says what the product was told by.
    """

    path: str
    product: Product
    reason: str
    grid: Grid
    dimensions: int
    coding: Coding

    def vectors(self, window: Window) -> np.ndarray:
        """Return `(dims, rows, cols)` float32, NaN where there is nothing."""

    def impossible(self, window: Window) -> int:
        """Return how many cells of a window hold what the product can't have."""

"""A small picture of a large raster, put together from the blocks of a pass that reads it anyway."""

from __future__ import annotations

from typing import Sequence

import numpy as np

from ...grid import Grid, Window

_SIDE = 600


class Thumbnail:
    """Every so many cells of a raster, white where there is no value."""

    def __init__(self, grid: Grid) -> None:
        """Choose the step that makes the longer side fit."""
        self.step = max(1, -(-max(grid.width, grid.height) // _SIDE))
        self.pixels = np.full((-(-grid.height // self.step), -(-grid.width // self.step), 3), 255, dtype=np.uint8)

    def take(self, window: Window, extras: "Sequence[np.ndarray]") -> None:
        """Put a block's part `(3, rows, cols)` in its place."""
        part = extras[0].transpose(1, 2, 0)
        top, left = -(-window.y // self.step), -(-window.x // self.step)
        place = self.pixels[top:top + part.shape[0], left:left + part.shape[1]]
        place[:] = np.where(part.any(axis=2, keepdims=True), part, 255)


def thinned(values: np.ndarray, window: Window, step: int) -> np.ndarray:
    """Return those cells of a block `(bands, rows, cols)` that a thumbnail shows."""
    return values[:, -window.y % step::step, -window.x % step::step]

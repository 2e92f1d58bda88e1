"""The vector of the cell that holds a place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

import numpy as np

from ..dataset import open_raster
from ..field import Field, open_field
from ..field_pass import read_block, source_of
from ..grid import Window


@dataclass(frozen=True)
class Probe:
    """A vector (float32), its length, and the cell that it belongs to: column and row, and bounds in the field's CRS.

    `bounds` are xmin, ymin, xmax, ymax; `x`, `y` the cell's middle.
    """

    path: str
    key: str
    vector: np.ndarray
    norm: float
    column: int
    row: int
    x: float
    y: float
    bounds: "tuple[float, float, float, float]"


def probe_field(path: str, x: float, y: float) -> Optional[Probe]:
    """Return the vector of the cell that holds a place in the field's CRS; None outside and where there is no value."""
    return probe_opened(open_field(path), x, y)


def probe_opened(opened: Field, x: float, y: float) -> Optional[Probe]:
    """Return what `probe_field` does, for a field of which the facts are known: quicker where many places are asked."""
    grid = opened.info.grid
    left, dx, _, top, _, dy = grid.transform
    if not (np.isfinite(x) and np.isfinite(y)):
        return None
    column, row = int(np.floor((x - left) / dx)), int(np.floor((y - top) / dy))
    if not (0 <= column < grid.width and 0 <= row < grid.height):
        return None
    window = Window(column, row, 1, 1)
    vector = read_block(open_raster(opened.info.path), source_of(opened), window).vectors()[:, 0, 0]
    if not np.isfinite(vector).all():
        return None
    return Probe(opened.info.path, opened.key, vector, norm_of(vector), column, row,
                 *grid.centre(column + 0.5, row + 0.5), grid.part(window).extent())


def norm_of(vector: np.ndarray) -> float:
    """Return the length of a vector."""
    return float(np.linalg.norm(vector.astype(np.float64)))

"""What a canvas shows of a field: at most one vector a pixel of the canvas, kept as it lies on disk."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..field_pass import FieldBlock
from ..grid import Grid


@dataclass(frozen=True)
class ViewBlock:
    """Vectors of an extent (xmin, ymin, xmax, ymax) in the field's CRS; north is up and west is left in any field.

    `block` holds them as coded on disk, `lengths` `(pixels,)` how long they are in the numbers that scores are computed
    of, NaN where a pixel has no vector or one of zeros. `xs` and `ys` are the middles of columns and rows, `cells` is
    how many cells of the field a pixel is wide: 1 is full resolution.
    """

    path: str
    key: str
    metric: str
    wkt: str
    block: FieldBlock
    lengths: np.ndarray
    extent: "tuple[float, float, float, float]"
    xs: np.ndarray
    ys: np.ndarray
    cells: float

    @property
    def rows(self) -> int:
        """Return how many rows of pixels there are."""
        return len(self.ys)

    @property
    def cols(self) -> int:
        """Return how many columns of pixels there are."""
        return len(self.xs)

    @property
    def dimensions(self) -> int:
        """Return the length of a vector."""
        return self.block.source.dimensions

    @property
    def valid(self) -> np.ndarray:
        """Return `(pixels,)` True where there is a vector that has a direction."""
        return np.isfinite(self.lengths)

    @property
    def nbytes(self) -> int:
        """Return how much memory this takes."""
        mask = 0 if self.block.valid is None else self.block.valid.nbytes
        return self.block.raw.nbytes + self.lengths.nbytes + mask

    @property
    def grid(self) -> Grid:
        """Return the pixels as a grid, north up."""
        xmin, ymin, xmax, ymax = self.extent
        return Grid(self.cols, self.rows, (xmin, (xmax - xmin) / self.cols, 0.0, ymax, 0.0, (ymin - ymax) / self.rows),
                    self.wkt)

    def pixels_at(self, points: np.ndarray) -> np.ndarray:
        """Return which pixels `(n,)` hold points `(n, 2)` of the field's CRS, −1 outside and for NaN."""
        xmin, ymin, xmax, ymax = self.extent
        points = np.asarray(points, dtype=np.float64).reshape(-1, 2)
        with np.errstate(invalid="ignore"):
            columns = np.floor((points[:, 0] - xmin) / (xmax - xmin) * self.cols)
            rows = np.floor((ymax - points[:, 1]) / (ymax - ymin) * self.rows)
            inside = (columns >= 0) & (rows >= 0) & (columns < self.cols) & (rows < self.rows)
        found = np.full(len(points), -1, dtype=np.int64)
        found[inside] = rows[inside].astype(np.int64) * self.cols + columns[inside].astype(np.int64)
        return found

    def places_of(self, pixels: np.ndarray) -> np.ndarray:
        """Return the middles `(n, 2)` of pixels in the field's CRS."""
        return np.stack([self.xs[pixels % self.cols], self.ys[pixels // self.cols]], axis=-1)

    def vectors_of(self, pixels: np.ndarray) -> np.ndarray:
        """Return the vectors `(n, dims)` of pixels as float32, NaN in all dimensions where there is none."""
        pixels = np.asarray(pixels, dtype=np.int64)
        raw = self.block.raw.reshape(self.dimensions, -1)[:, pixels]
        found = np.array(self.block.source.coding.decode(raw).T, dtype=np.float32)
        missing = ~np.isfinite(found).all(axis=1)
        if self.block.valid is not None:
            missing |= ~self.block.valid.ravel()[pixels]
        found[missing] = np.nan
        return found

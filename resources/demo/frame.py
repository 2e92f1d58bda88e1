"""The ground that a scene covers: positions in metres, on a grid finer than the sensor's pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence, Tuple

import numpy as np
from osgeo import gdal

PIXEL = 10.0
FINE = 2
CELL = PIXEL / FINE


@dataclass(frozen=True)
class Frame:
    """The size of the scene in pixels of 10 m; all is drawn in cells of 5 m, so that pixels at edges are mixed."""

    columns: int
    rows: int

    @property
    def shape(self) -> Tuple[int, int]:
        """Return rows and columns of the fine grid."""
        return self.rows * FINE, self.columns * FINE

    @property
    def span(self) -> float:
        """Return the shorter side in metres: towns and lakes are sized by it, fields and houses are not."""
        return min(self.rows, self.columns) * PIXEL

    def coordinates(self) -> Tuple[np.ndarray, np.ndarray]:
        """Return metres east of the left edge and south of the upper edge, for each fine cell."""
        rows, columns = self.shape
        east = (np.arange(columns, dtype=np.float32) + 0.5) * np.float32(CELL)
        south = (np.arange(rows, dtype=np.float32) + 0.5) * np.float32(CELL)
        return np.meshgrid(east, south)

    def place(self, across: float, down: float) -> Tuple[float, float]:
        """Return metres east and south of a place given as shares of the scene's sides."""
        return across * self.columns * PIXEL, down * self.rows * PIXEL

    def lookup(self, field: np.ndarray, east: np.ndarray, south: np.ndarray) -> np.ndarray:
        """Return the field's values at positions in metres; positions outside take the nearest edge."""
        rows, columns = self.shape
        row = np.clip((south / CELL).astype(np.int32), 0, rows - 1)
        column = np.clip((east / CELL).astype(np.int32), 0, columns - 1)
        return field[row, column]

    def distance_to(self, lines: Sequence[np.ndarray], reach: float) -> np.ndarray:
        """Return metres to the nearest of some dense lines of (east, south) points, `reach` where further away."""
        rows, columns = self.shape
        burnt = np.zeros(self.shape, dtype=np.uint8)
        for line in lines:
            column, row = np.floor(line / CELL).astype(int).T
            inside = (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
            burnt[row[inside], column[inside]] = 1
        source = gdal.GetDriverByName("MEM").Create("", columns, rows, 1, gdal.GDT_Byte)
        source.GetRasterBand(1).WriteArray(burnt)
        target = gdal.GetDriverByName("MEM").Create("", columns, rows, 1, gdal.GDT_Float32)
        limit = reach / CELL
        gdal.ComputeProximity(
            source.GetRasterBand(1), target.GetRasterBand(1), ["VALUES=1", f"MAXDIST={limit}", f"NODATA={limit}"]
        )
        return target.GetRasterBand(1).ReadAsArray() * np.float32(CELL)


def rotated(
    east: np.ndarray, south: np.ndarray, centre: Tuple[float, float], degrees: float
) -> Tuple[np.ndarray, np.ndarray]:
    """Return coordinates along and across a direction, measured from a centre."""
    angle = np.float32(np.radians(degrees))
    x, y = east - np.float32(centre[0]), south - np.float32(centre[1])
    return x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)


def dense_line(points: Sequence[Tuple[float, float]], wobble: float, rng: np.random.Generator) -> np.ndarray:
    """Return a wavering line through some points, with a point at least every fine cell."""
    pieces = []
    for (x0, y0), (x1, y1) in zip(points[:-1], points[1:]):
        length = float(np.hypot(x1 - x0, y1 - y0))
        t = np.linspace(0, 1, max(2, int(length / (0.45 * CELL))))
        aside = 0.1 * wobble * sum(rng.normal() / k * np.sin(np.pi * k * t) for k in range(1, 5))
        east = x0 + (x1 - x0) * t - (y1 - y0) * aside
        south = y0 + (y1 - y0) * t + (x1 - x0) * aside
        pieces.append(np.stack([east, south], axis=1))
    return np.concatenate(pieces)

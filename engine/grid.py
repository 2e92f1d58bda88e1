"""Where pixels and cells lie: windows, grids, and the cells that are a whole number of pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Iterator, Optional, Sequence

from .errors import InputError


@dataclass(frozen=True)
class Window:
    """A rectangle of pixels or cells: first column and row, and how many."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """Return the column after the last."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """Return the row after the last."""
        return self.y + self.height

    def intersection(self, other: "Window") -> "Window":
        """Return the shared rectangle, of size 0 where there is none."""
        x, y = max(self.x, other.x), max(self.y, other.y)
        return Window(x, y, max(0, min(self.right, other.right) - x), max(0, min(self.bottom, other.bottom) - y))


@dataclass(frozen=True)
class Grid:
    """A raster's size and place: affine transform without rotation, and the CRS as WKT."""

    width: int
    height: int
    transform: "tuple[float, float, float, float, float, float]"
    wkt: str

    @property
    def south_up(self) -> bool:
        """Tell whether the first row is the southernmost."""
        return self.transform[5] > 0

    @property
    def mirrored(self) -> bool:
        """Tell whether the first column is the easternmost."""
        return self.transform[1] < 0

    @property
    def whole(self) -> Window:
        """Return the window of all pixels."""
        return Window(0, 0, self.width, self.height)

    def cells(self, cell: int) -> "Grid":
        """Return the grid of square cells of so many pixels, anchored at the origin; the last ones may stick out."""
        x, dx, rx, y, ry, dy = self.transform
        return Grid(math.ceil(self.width / cell), math.ceil(self.height / cell),
                    (x, dx * cell, rx * cell, y, ry * cell, dy * cell), self.wkt)

    def part(self, window: Window) -> "Grid":
        """Return the grid of a window of this one."""
        x, dx, rx, y, ry, dy = self.transform
        return Grid(window.width, window.height, (x + window.x * dx, dx, rx, y + window.y * dy, ry, dy), self.wkt)

    def extent(self) -> "tuple[float, float, float, float]":
        """Return xmin, ymin, xmax, ymax."""
        x, dx, _, y, _, dy = self.transform
        xs, ys = sorted((x, x + dx * self.width)), sorted((y, y + dy * self.height))
        return xs[0], ys[0], xs[1], ys[1]

    def centre(self, column: float, row: float) -> "tuple[float, float]":
        """Return the place of the point so many columns and rows from the origin."""
        x, dx, rx, y, ry, dy = self.transform
        return x + column * dx + row * rx, y + column * ry + row * dy

    def window_of(self, extent: "Sequence[float]", name: str) -> Window:
        """Return the window of all cells that an extent (xmin, ymin, xmax, ymax) touches."""
        x, dx, _, y, _, dy = self.transform
        columns = sorted(((extent[0] - x) / dx, (extent[2] - x) / dx))
        rows = sorted(((extent[1] - y) / dy, (extent[3] - y) / dy))
        slack = 1e-6
        first = Window(math.floor(columns[0] + slack), math.floor(rows[0] + slack), 0, 0)
        wanted = Window(first.x, first.y, max(1, math.ceil(columns[1] - slack) - first.x),
                        max(1, math.ceil(rows[1] - slack) - first.y)).intersection(self.whole)
        if not wanted.width or not wanted.height:
            raise InputError("extent-outside", "The extent doesn't touch {name}: draw it over the raster, "
                             "or leave it empty.", name=name)
        return wanted


def blocks(window: Window, size: int) -> "Iterator[Window]":
    """Cut a window into squares aligned to multiples of `size` from the window's own corner, row by row."""
    for y in range(window.y, window.bottom, size):
        for x in range(window.x, window.right, size):
            yield Window(x, y, min(size, window.right - x), min(size, window.bottom - y))


def metres_per_pixel(grid: Grid, linear_unit: Optional[float]) -> float:
    """Return the pixel size on the ground; `linear_unit` is metres per unit, or None where units are degrees."""
    size = abs(grid.transform[1])
    if linear_unit is not None:
        return size * linear_unit
    latitude = grid.centre(grid.width / 2, grid.height / 2)[1]
    height = abs(grid.transform[5]) * 110_574.0
    width = size * 111_320.0 * max(math.cos(math.radians(min(max(latitude, -89.9), 89.9))), 1e-3)
    return math.sqrt(width * height)

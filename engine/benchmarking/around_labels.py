"""The parts of a raster that labels lie in, so that an encoder needn't see all of a large scene."""

from __future__ import annotations

from typing import Optional, Tuple

import numpy as np
from osgeo import ogr

from ..features.outlines import Outlines
from ..features.placing import bring_over
from ..grid import Grid
from ..progress import Progress
from .questions import Question

_TILE_CELLS = 16
_BEYOND_CELLS = 3
_WORTH = 0.5


def around_labels(question: Question, grid: Grid, path: str, cell: int,
                  progress: Progress) -> "Optional[Tuple[bytes, ...]]":
    """Return rectangles around the labels as WKB in the raster's CRS; None where most of the raster is near a label.

    None at all where no label is near the raster. Rectangles follow the cells' grid, so that a cell's vector doesn't
    depend on which labels there are.
    """
    outlines = Outlines()
    outlines.add(question.labels.wkb)
    rows = question.gather.rows
    moved = bring_over(outlines, rows.wkt, rows.name, grid.wkt, path, progress)
    tile = _TILE_CELLS * cell
    wanted = np.zeros((-(-grid.height // tile), -(-grid.width // tile)), dtype=bool)
    beyond = _BEYOND_CELLS * cell
    for vertices in moved.vertices:
        known = vertices[np.isfinite(vertices).all(axis=1)]
        if not len(known):
            continue
        columns = (known[:, 0] - grid.transform[0]) / grid.transform[1]
        lines = (known[:, 1] - grid.transform[3]) / grid.transform[5]
        first = [int(np.floor((values.min() - beyond) / tile)) for values in (lines, columns)]
        last = [int(np.floor((values.max() + beyond) / tile)) for values in (lines, columns)]
        wanted[max(first[0], 0):max(last[0] + 1, 0), max(first[1], 0):max(last[1] + 1, 0)] = True
    if wanted.mean() > _WORTH:
        return None
    return tuple(_rectangle(grid, tile, line, start, end) for line, row in enumerate(wanted)
                 for start, end in _runs(row))


def _runs(row: np.ndarray) -> "list[Tuple[int, int]]":
    """Return the first and the one after the last of each run of wanted tiles."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], row, [False]]).astype(np.int8)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist()))


def _rectangle(grid: Grid, tile: int, line: int, start: int, end: int) -> bytes:
    """Return a run of tiles, a hair smaller than it is, so that it doesn't touch cells beside it."""
    x, dx, _, y, _, dy = grid.transform
    hair = 1e-3
    left, right = x + dx * (start * tile + hair), x + dx * (end * tile - hair)
    top, bottom = y + dy * (line * tile + hair), y + dy * ((line + 1) * tile - hair)
    corners = ((left, top), (right, top), (right, bottom), (left, bottom), (left, top))
    ring = ", ".join(f"{across!r} {down!r}" for across, down in corners)
    return bytes(ogr.CreateGeometryFromWkt(f"POLYGON (({ring}))").ExportToWkb(ogr.wkbNDR))

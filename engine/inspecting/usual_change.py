"""How far what the map shows has moved away from a reference date: what a single place's change is measured by."""

from __future__ import annotations

from typing import Optional, Sequence

import numpy as np

from ..analyses.change.measures import cosine_distance, euclidean_distance
from ..dataset import open_raster
from ..errors import InputError
from ..field import Field, open_field
from ..field_pass import read_block, source_of
from ..grid import Grid, Window
from ..progress import Progress, check
from ..sample import spread
from .raster_values import transformed

_SIDE, _WINDOWS = 16, 24
_SLACK = 1e-3


def usual_change(paths: "Sequence[str]", reference: int, extent: "Sequence[float]", wkt: str, progress: Progress,
                 shares: "tuple[float, float]" = (0.25, 0.75), seed: int = 0) -> np.ndarray:
    """Return `(dates, 2)`: between which distances to the reference half of what an extent shows lies.

    An even sample of small windows is read of each date. Dates on another grid than the reference get NaN, since their
    cells are not the same ground.
    """
    found = np.full((len(paths), 2), np.nan)
    base = open_field(paths[reference])
    windows = _windows(base, extent, wkt, seed)
    if not windows:
        return found
    before = _vectors(base, windows)
    measure = cosine_distance if base.space.metric == "cosine" else euclidean_distance
    for number, path in enumerate(paths):
        check(progress)
        progress.report(number / len(paths), "Reading what the map shows" if not number else None)
        moved = None if number == reference else _moved(base.info.grid, open_field(path), windows)
        if number == reference:
            found[number] = 0.0
        elif moved is not None:
            apart = measure(before, _vectors(open_field(path), moved)).astype(np.float64)
            apart = apart[np.isfinite(apart)]
            if len(apart):
                found[number] = np.quantile(apart, shares)
    return found


def _windows(base: Field, extent: "Sequence[float]", wkt: str, seed: int) -> "list[Window]":
    """Return small windows spread over an extent, in the order of storage blocks; none beside the field."""
    grid = base.info.grid
    xmin, ymin, xmax, ymax = extent
    edge = np.linspace(0.0, 1.0, 9)
    across, up = xmin + edge * (xmax - xmin), ymin + edge * (ymax - ymin)
    outline = np.concatenate([np.stack([across, np.full(9, ymin)], 1), np.stack([across, np.full(9, ymax)], 1),
                              np.stack([np.full(9, xmin), up], 1), np.stack([np.full(9, xmax), up], 1)])
    moved = transformed(outline, wkt, grid.wkt)
    moved = moved[np.isfinite(moved).all(axis=1)]
    if not len(moved):
        return []
    try:
        region = grid.window_of((*moved.min(axis=0).tolist(), *moved.max(axis=0).tolist()), base.info.path)
    except InputError:
        return []
    width, height = base.info.block
    return sorted(spread(region, _SIDE, _WINDOWS, seed),
                  key=lambda window: (window.y // height, window.x // width, window.y, window.x))


def _moved(grid: Grid, other: Field, windows: "list[Window]") -> "Optional[list[Window]]":
    """Return the same ground in another date's cells, None where its cells are others."""
    x, dx, _, y, _, dy = grid.transform
    x1, dx1, _, y1, _, dy1 = other.info.grid.transform
    columns, rows = (x - x1) / dx, (y - y1) / dy
    whole = abs(columns - round(columns)) < _SLACK and abs(rows - round(rows)) < _SLACK
    reach = max(grid.width, grid.height) * _SLACK
    if not whole or abs(dx1 - dx) * reach > abs(dx) * _SLACK or abs(dy1 - dy) * reach > abs(dy) * _SLACK:
        return None
    corner = np.array([[x, y]])
    if not np.allclose(transformed(corner, grid.wkt, other.info.grid.wkt), corner, rtol=0, atol=abs(dx) * _SLACK):
        return None
    return [Window(window.x + round(columns), window.y + round(rows), window.width, window.height)
            for window in windows]


def _vectors(opened: Field, windows: "list[Window]") -> np.ndarray:
    """Return the vectors `(dims, pixels)` of windows one after the other, NaN outside of the field."""
    dataset, source = open_raster(opened.info.path), source_of(opened)
    parts = []
    for window in windows:
        part = np.full((source.dimensions, window.height, window.width), np.nan, dtype=np.float32)
        inner = window.intersection(opened.info.grid.whole)
        if inner.width > 0 and inner.height > 0:
            top, left = inner.y - window.y, inner.x - window.x
            part[:, top:top + inner.height, left:left + inner.width] = read_block(dataset, source, inner).vectors()
        parts.append(part.reshape(source.dimensions, -1))
    return np.concatenate(parts, axis=1)

"""What another raster, such as clusters or a prediction, holds at places of the map."""

from __future__ import annotations

import numpy as np
from osgeo import osr

from ..dataset import open_raster, quiet, raster_info, spatial_reference
from ..grid import Window
from ..progress import Progress, check
from ..validity import read_valid, rule_for


def raster_values(path: str, points: np.ndarray, wkt: str, progress: Progress, band: int = 1) -> np.ndarray:
    """Return the values `(n,)` of a raster's band at points `(n, 2)` of any CRS; NaN outside and where there is none.

    Each storage block that holds points is read once.
    """
    info = raster_info(path)
    moved = transformed(points, wkt, info.grid.wkt)
    x, dx, _, y, _, dy = info.grid.transform
    with np.errstate(invalid="ignore"):
        columns, rows = np.floor((moved[:, 0] - x) / dx), np.floor((moved[:, 1] - y) / dy)
        inside = np.flatnonzero((columns >= 0) & (rows >= 0) & (columns < info.grid.width) & (rows < info.grid.height))
    found = np.full(len(moved), np.nan)
    if not len(inside):
        return found
    columns, rows = columns[inside].astype(np.int64), rows[inside].astype(np.int64)
    keys = rows // info.block[1] * (info.grid.width // info.block[0] + 1) + columns // info.block[0]
    order = np.argsort(keys, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(keys[order])) + 1)
    dataset, rule = open_raster(path), rule_for(info, [band])
    for done, group in enumerate(groups):
        check(progress)
        progress.report(done / len(groups))
        left, top = int(columns[group].min()), int(rows[group].min())
        window = Window(left, top, int(np.ptp(columns[group])) + 1, int(np.ptp(rows[group])) + 1)
        values, valid = read_valid(dataset, window, [band], info.bands[band - 1].dtype, rule, path)
        place = rows[group] - top, columns[group] - left
        found[inside[group]] = np.where(valid[place], values[0][place].astype(np.float64), np.nan)
    return found


def transformed(points: np.ndarray, wkt: str, target: str) -> np.ndarray:
    """Return points `(n, 2)` in another CRS, NaN where there is no way; without a CRS they are taken as they are."""
    points = np.array(points, dtype=np.float64).reshape(-1, 2)
    if not wkt or not target or wkt == target or not len(points):
        return points
    source, other = spatial_reference(wkt), spatial_reference(target)
    with quiet():
        if source.IsSame(other):
            return points
        try:
            way = osr.CoordinateTransformation(source, other)
            found = np.asarray(way.TransformPoints(points.tolist()), dtype=np.float64)[:, :2]
        except RuntimeError:
            return np.full(points.shape, np.nan)
    found[~np.isfinite(found).all(axis=1)] = np.nan
    return found

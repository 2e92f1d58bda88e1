"""The rows of a table as a canvas sees them: which row each pixel shows."""

from __future__ import annotations

from typing import Optional, Sequence

import numpy as np
from osgeo import gdal, ogr

from ..centres import centres_of
from ..dataset import quiet
from ..grid import Grid
from ..progress import Progress, check

_POINT_RADIUS = 4
_LINE_RADIUS = 1
_MANY = 2000
POINTS, LINES, AREAS, NOTHING = 0, 1, 2, 3
_KINDS = {1: POINTS, 4: POINTS, 2: LINES, 5: LINES, 8: LINES, 9: LINES, 11: LINES}


class Outlines:
    """Geometries of rows, ready to be drawn into any extent."""

    def __init__(self, shapes: "Sequence[Optional[bytes]]") -> None:
        """Note where each geometry lies and of what kind it is."""
        self.shapes = list(shapes)
        self.kinds = np.array([_kind(shape) for shape in self.shapes], dtype=np.int8)
        self.centres = centres_of(self.shapes)
        self.boxes = np.full((len(self.shapes), 4), np.nan)
        with quiet():
            for row in np.flatnonzero((self.kinds == LINES) | (self.kinds == AREAS)).tolist():
                geometry = ogr.CreateGeometryFromWkb(self.shapes[row])
                if geometry is None or geometry.IsEmpty():
                    self.kinds[row] = NOTHING
                else:
                    self.boxes[row] = geometry.GetEnvelope()

    def drawn(self, grid: Grid, progress: Progress) -> np.ndarray:
        """Return int32 `(rows, cols)`: the row of the table that each pixel shows, −1 for none.

        Areas lie below lines and these below points; areas smaller than a pixel still show. Points are discs.
        """
        found = np.full((grid.height, grid.width), -1, dtype=np.int32)
        areas, lines = (self._in_view(kind, grid) for kind in (AREAS, LINES))
        small = self._smaller_than_pixels(areas, grid)
        if not small.all():
            source = self._layer(areas[~small], progress)
            _burn(found, source, grid, ["ALL_TOUCHED=TRUE"])
            _burn(found, source, grid, [])
        if small.any():
            _burn(found, self._layer(areas[small], progress), grid, ["ALL_TOUCHED=TRUE"])
        if len(lines):
            thin = np.full_like(found, -1)
            _burn(thin, self._layer(lines, progress), grid, ["ALL_TOUCHED=TRUE"])
            rows, columns = np.nonzero(thin >= 0)
            _stamp(found, rows, columns, thin[rows, columns], _LINE_RADIUS)
        points = np.flatnonzero((self.kinds == POINTS) & np.isfinite(self.centres).all(axis=1))
        xmin, ymin, xmax, ymax = grid.extent()
        columns = np.floor((self.centres[points, 0] - xmin) / (xmax - xmin) * grid.width)
        rows = np.floor((ymax - self.centres[points, 1]) / (ymax - ymin) * grid.height)
        near = ((columns >= -_POINT_RADIUS) & (columns < grid.width + _POINT_RADIUS) & (rows >= -_POINT_RADIUS)
                & (rows < grid.height + _POINT_RADIUS))
        _stamp(found, rows[near].astype(np.int64), columns[near].astype(np.int64), points[near], _POINT_RADIUS)
        return found

    def _in_view(self, kind: int, grid: Grid) -> np.ndarray:
        """Return the rows of a kind whose boxes touch the extent."""
        xmin, ymin, xmax, ymax = grid.extent()
        west, east, south, north = self.boxes.T
        with np.errstate(invalid="ignore"):
            touching = (west <= xmax) & (east >= xmin) & (south <= ymax) & (north >= ymin)
        return np.flatnonzero(touching & (self.kinds == kind))

    def _smaller_than_pixels(self, rows: np.ndarray, grid: Grid) -> np.ndarray:
        """Return which of some rows are no wider and no higher than a pixel, so that few hold the middle of one."""
        west, east, south, north = self.boxes[rows].T
        return (east - west <= abs(grid.transform[1])) & (north - south <= abs(grid.transform[5]))

    def _layer(self, rows: np.ndarray, progress: Progress) -> gdal.Dataset:
        """Return geometries with the numbers of their rows as a layer in memory."""
        source = (gdal.GetDriverByName("Memory") or gdal.GetDriverByName("MEM")).Create("", 0, 0, 0, gdal.GDT_Unknown)
        layer = source.CreateLayer("rows", None, ogr.wkbUnknown)
        layer.CreateField(ogr.FieldDefn("row", ogr.OFTInteger))
        definition = layer.GetLayerDefn()
        for count, row in enumerate(rows.tolist()):
            if count % _MANY == 0:
                check(progress)
            feature = ogr.Feature(definition)
            feature.SetField(0, row)
            feature.SetGeometryDirectly(ogr.CreateGeometryFromWkb(self.shapes[row]))
            layer.CreateFeature(feature)
        return source


def _burn(target: np.ndarray, source: gdal.Dataset, grid: Grid, options: "Sequence[str]") -> None:
    """Write the rows' numbers into the pixels of their geometries."""
    dataset = gdal.GetDriverByName("MEM").Create("", grid.width, grid.height, 1, gdal.GDT_Int32)
    dataset.SetGeoTransform(grid.transform)
    dataset.GetRasterBand(1).Fill(-1)
    with quiet():
        gdal.RasterizeLayer(dataset, [1], source.GetLayer(0), options=[*options, "ATTRIBUTE=row"])
    burned = np.frombuffer(dataset.ReadRaster(), dtype=np.int32).reshape(target.shape)
    np.copyto(target, burned, where=burned >= 0)


def _stamp(target: np.ndarray, rows: np.ndarray, columns: np.ndarray, numbers: np.ndarray, radius: int) -> None:
    """Write numbers into discs of pixels; what lies beyond the edge is cut off."""
    height, width = target.shape
    for down in range(-radius, radius + 1):
        for across in range(-radius, radius + 1):
            if down * down + across * across > radius * radius + 1:
                continue
            y, x = rows + down, columns + across
            inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
            target[y[inside], x[inside]] = numbers[inside]


def _kind(shape: Optional[bytes]) -> int:
    """Return whether a geometry is points, lines or areas, by its head alone."""
    if shape is None or len(shape) < 5:
        return NOTHING
    number = int.from_bytes(shape[1:5], "little" if shape[0] == 1 else "big")
    return _KINDS.get((number & 0x0FFFFFFF) % 1000, AREAS)

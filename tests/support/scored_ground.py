"""Small score rasters and true places for the tests of recall against area."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

import numpy as np
from osgeo import gdal, ogr, osr

KM = 1000.0


def wkt_of(epsg: int) -> str:
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(epsg)
    return reference.ExportToWkt()


def write_scores(path: Path, scores: np.ndarray, wkt: str = "", transform: Sequence[float] = (0, KM, 0, 0, 0, -KM),
                 nodata: Optional[float] = None, scale: Optional[float] = None, tiled: bool = False) -> str:
    """Write one band, or several; without a CRS its cells of 1000 units are 1 km²."""
    bands = scores if scores.ndim == 3 else scores[None]
    kind = {"f4": gdal.GDT_Float32, "f8": gdal.GDT_Float64, "u1": gdal.GDT_Byte, "i2": gdal.GDT_Int16}[
        bands.dtype.str[1:]]
    options = ["TILED=YES", "BLOCKXSIZE=64", "BLOCKYSIZE=64"] if tiled else []
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), bands.shape[2], bands.shape[1], len(bands), kind, options)
    dataset.SetGeoTransform(list(transform))
    dataset.SetProjection(wkt)
    for number, values in enumerate(bands):
        band = dataset.GetRasterBand(number + 1)
        if nodata is not None:
            band.SetNoDataValue(nodata)
        if scale is not None:
            band.SetScale(scale)
        band.WriteArray(values)
    dataset = None
    return str(path)


class Places:
    """Rows in memory, as the engine takes them."""

    def __init__(self, shapes: Sequence[Optional[bytes]], wkt: str = "", columns: Optional[Dict[str, List[Any]]] = None,
                 name: str = "“places”") -> None:
        self.name, self.wkt, self.geometry_type, self.count = name, wkt, ogr.wkbUnknown, len(shapes)
        self._shapes, self._columns = list(shapes), columns or {}
        self.columns: List[Any] = []

    def rows(self, size: int = 4096) -> Any:
        from earthprint.engine.table.parts import RowChunk

        for start in range(0, self.count, size):
            part = slice(start, start + size)
            yield RowChunk(list(range(self.count))[part], self._shapes[part],
                           {name: cells[part] for name, cells in self._columns.items()})

    def distinct(self, column: str) -> List[Any]:
        return list(dict.fromkeys(self._columns[column]))


def point(x: float, y: float) -> bytes:
    geometry = ogr.Geometry(ogr.wkbPoint)
    geometry.AddPoint_2D(float(x), float(y))
    return bytes(geometry.ExportToIsoWkb(ogr.wkbNDR))


def in_cell(column: float, row: float) -> bytes:
    """Return the middle of a cell of a raster from `write_scores`."""
    return point((column + 0.5) * KM, -(row + 0.5) * KM)


def box(west: float, south: float, east: float, north: float) -> bytes:
    geometry = ogr.CreateGeometryFromWkt(
        f"POLYGON(({west} {south},{east} {south},{east} {north},{west} {north},{west} {south}))")
    return bytes(geometry.ExportToIsoWkb(ogr.wkbNDR))


def cells_box(column: float, row: float, right: float, bottom: float) -> bytes:
    """Return a rectangle in cells of a raster from `write_scores`."""
    return box(column * KM, -bottom * KM, right * KM, -row * KM)

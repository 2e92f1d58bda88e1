"""Small embedding rasters and layers with known values, made where a test needs them."""

from __future__ import annotations

from pathlib import Path
from typing import Optional, Sequence

import numpy as np
from osgeo import gdal, ogr, osr

from earthprint.engine.coding import FLOAT32, Coding
from earthprint.engine.dataset import write
from earthprint.engine.field import create_field
from earthprint.engine.grid import Grid
from earthprint.engine.plain_layer import LayerWriter
from earthprint.engine.space import Space
from earthprint.engine.table import ColumnSpec


def wkt_of(epsg: int) -> str:
    """Return a CRS as text, empty for 0."""
    if not epsg:
        return ""
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(epsg)
    return reference.ExportToWkt(["FORMAT=WKT2_2019"])


def write_field(path: Path, values: np.ndarray, transform: Sequence[float], epsg: int = 32633,
                space: Optional[Space] = None, coding: Coding = FLOAT32) -> str:
    """Write `(dims, rows, cols)` as an embedding raster and return its path."""
    dims, rows, columns = values.shape
    grid = Grid(columns, rows, tuple(transform), wkt_of(epsg))
    dataset = create_field(str(path), grid, space or Space("small", dims), coding)
    write(dataset, grid.whole, range(1, dims + 1), coding.encode(values.astype(np.float32)), str(path))
    dataset = None
    return str(path)


def write_bands(path: Path, values: np.ndarray, transform: Sequence[float], epsg: int, nodata: float) -> str:
    """Write `(bands, rows, cols)` as anybody's raster, in blocks of 16 pixels."""
    bands, rows, columns = values.shape
    dataset = gdal.GetDriverByName("GTiff").Create(
        str(path), columns, rows, bands, gdal.GDT_Float32, ["TILED=YES", "BLOCKXSIZE=16", "BLOCKYSIZE=16"])
    dataset.SetGeoTransform(tuple(transform))
    if epsg:
        dataset.SetProjection(wkt_of(epsg))
    for band in range(bands):
        dataset.GetRasterBand(band + 1).SetNoDataValue(nodata)
        dataset.GetRasterBand(band + 1).WriteArray(np.where(np.isnan(values[band]), nodata, values[band]))
    dataset = None
    return str(path)


def write_layer(path: Path, shapes: Sequence[Optional[str]], epsg: int = 32633) -> str:
    """Write geometries given as text, with their number in the column `name`, and return the path."""
    wkb = [None if text is None else bytes(ogr.CreateGeometryFromWkt(text).ExportToIsoWkb(ogr.wkbNDR))
           for text in shapes]
    with LayerWriter(str(path), wkt_of(epsg), ogr.wkbUnknown, [ColumnSpec("name", "text")]) as writer:
        writer.write(wkb, {"name": [f"n{number}" for number in range(len(shapes))]})
    return str(path)

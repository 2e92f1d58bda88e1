"""Small rasters with known values, made where a test needs them."""

from __future__ import annotations

from pathlib import Path
from typing import Optional, Sequence, Tuple

import numpy as np
from osgeo import gdal, osr


def write_raster(path: Path, values: np.ndarray, epsg: int = 32633, origin: Tuple[float, float] = (500000.0, 5700000.0),
                 pixel: float = 10.0, nodata: Optional[float] = None, names: Sequence[str] = (),
                 transform: Optional[Sequence[float]] = None) -> Path:
    """Write `(bands, rows, cols)` as a GeoTIFF and return its path."""
    kind = {"uint8": gdal.GDT_Byte, "uint16": gdal.GDT_UInt16, "int16": gdal.GDT_Int16, "float32": gdal.GDT_Float32}
    bands, rows, columns = values.shape
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), columns, rows, bands, kind[str(values.dtype)])
    dataset.SetGeoTransform(transform or (origin[0], pixel, 0.0, origin[1], 0.0, -pixel))
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(epsg)
    dataset.SetProjection(reference.ExportToWkt())
    for number in range(bands):
        band = dataset.GetRasterBand(number + 1)
        if names:
            band.SetDescription(names[number])
        if nodata is not None:
            band.SetNoDataValue(nodata)
        band.WriteArray(values[number])
    dataset = None
    return path


def landscape(bands: int = 4, rows: int = 96, columns: int = 128, seed: int = 5) -> np.ndarray:
    """Return a smooth field with texture that differs from left to right, as uint16."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:rows, 0:columns]
    layers = [1000 + 400 * np.sin(x / (7.0 + band)) * np.cos(y / (9.0 + band))
              + random.normal(0, 20 + 60 * (x > columns // 2), (rows, columns)) for band in range(bands)]
    return np.clip(np.stack(layers), 1, 10000).astype(np.uint16)


def read_raster(path: "Path | str") -> np.ndarray:
    """Return all bands of a raster as `(bands, rows, cols)`."""
    dataset = gdal.Open(str(path))
    values = dataset.ReadAsArray()
    return values if values.ndim == 3 else values[None]

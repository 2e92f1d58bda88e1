"""A small raster that looks like land seen from above, from a formula and a seed, so that no data need be there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from osgeo import gdal, osr

ROWS, COLUMNS, BANDS = 96, 128, 4
GEOTRANSFORM = (500000, 10, 0, 5600000, 0, -10)


def values() -> np.ndarray:
    """Return fields and slopes of different brightness in every band, with a little noise, as reflectance x 10000."""
    generator = np.random.default_rng(4)
    rows, columns = np.mgrid[:ROWS, :COLUMNS]
    fields = generator.uniform(300, 3000, (BANDS, ROWS // 12, COLUMNS // 16)).repeat(12, axis=1).repeat(16, axis=2)
    slopes = np.stack([400 * np.sin(rows / (9 + band)) * np.cos(columns / (11 + band)) for band in range(BANDS)])
    return (fields + slopes + 500 + generator.normal(0, 20, fields.shape)).astype(np.float32)


def write_scene(path: Path) -> Path:
    """Write the raster as a GeoTIFF in UTM zone 32 and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32632)
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), COLUMNS, ROWS, BANDS, gdal.GDT_Float32)
    dataset.SetGeoTransform(GEOTRANSFORM)
    dataset.SetProjection(reference.ExportToWkt())
    dataset.WriteArray(values())
    for index, name in enumerate(("blue", "green", "red", "nir"), start=1):
        dataset.GetRasterBand(index).SetDescription(name)
    dataset.FlushCache()
    return path

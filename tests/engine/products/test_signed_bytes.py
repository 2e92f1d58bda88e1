"""Signed bytes in whichever form the GDAL at hand has them: a type of its own since 3.7, a mark on bytes before."""

from __future__ import annotations

import numpy as np
import pytest
from osgeo import gdal

from earthprint.engine.coding import ALPHAEARTH
from earthprint.engine.dataset import open_raster, raster_info, write
from earthprint.engine.field import create_field, open_field
from earthprint.engine.field_pass import read_block, source_of
from earthprint.engine.grid import Grid
from earthprint.engine.products.importing_field import FieldImport, import_field
from earthprint.engine.progress import Silent
from earthprint.engine.space import Space

INT8 = getattr(gdal, "GDT_Int8", None)
CRS = "EPSG:32633"


def all_codes():
    """Return 64 bands of 16 × 16 cells in which each band holds each of the 256 codes, −128 everywhere at once."""
    cells = np.arange(256)
    found = np.empty((64, 256), np.int8)
    for band in range(64):
        # Another order in each band; the cell of −128 stays where it is.
        order = np.concatenate([[-128], (cells[1:] - 1 + 3 * band) % 255 - 127])
        found[band] = order.astype(np.int8)
    return found.reshape(64, 16, 16)


def written(path, codes, how):
    """Write the codes as GDAL's own type, or as bytes that are marked as signed."""
    options = ["PIXELTYPE=SIGNEDBYTE"] if how == "marked" else []
    kind = INT8 if how == "type" else gdal.GDT_Byte
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), 16, 16, 64, kind, options)
    dataset.SetGeoTransform((500000, 10, 0, 4000000, 0, 10))
    dataset.SetProjection(CRS)
    for number in range(64):
        dataset.GetRasterBand(number + 1).SetNoDataValue(-128)
        dataset.GetRasterBand(number + 1).WriteRaster(0, 0, 16, 16, codes[number].tobytes(), buf_type=kind)
    dataset = None
    return str(path)


HOWS = [pytest.param("type", marks=pytest.mark.skipif(INT8 is None, reason="this GDAL has no Int8")),
        pytest.param("marked", marks=pytest.mark.skipif(INT8 is not None, reason="this GDAL has Int8 instead"))]


def decoded(codes):
    values = codes.astype(np.float64)
    found = np.sign(values) * (values / 127.5) ** 2
    found[codes == -128] = np.nan
    return found


@pytest.mark.parametrize("how", HOWS)
def test_all_codes_of_a_published_tile(tmp_path, how, monkeypatch):
    codes = all_codes()
    path = written(tmp_path / "t.tif", codes, how)
    assert raster_info(path).dtype == np.int8
    # Vectors of all codes are no unit vectors, so that their lengths would tell that these are none of AlphaEarth.
    monkeypatch.setattr("earthprint.engine.products.raster_field._UNIT", (0.0, 99.0))
    monkeypatch.setattr("earthprint.engine.statement._HOPELESS", (0.0, 99.0))
    for ending in (".vrt", ".tif"):
        result = import_field(FieldImport(path, str(tmp_path / f"o{ending}")), Silent())
        field = open_field(result.output)
        dataset = open_raster(result.output)
        expected = decoded(codes[:, ::-1])
        np.testing.assert_allclose(field.read(dataset, field.info.grid.whole), expected, rtol=1e-6)
        block = read_block(dataset, source_of(field), field.info.grid.whole)
        np.testing.assert_allclose(block.vectors(), expected, rtol=1e-6)
        assert block.raw.dtype == np.int8 and (block.raw == -128).sum() == 64
        # A copy with GDAL's own tools keeps the codes.
        moved = str(tmp_path / f"copy{ending}.tif")
        gdal.Translate(moved, gdal.Open(result.output))
        kept = np.frombuffer(gdal.Open(moved).ReadRaster(), np.int8).reshape(64, 16, 16)
        np.testing.assert_array_equal(kept, codes[:, ::-1])


def test_all_codes_are_written_and_read(tmp_path):
    codes = all_codes()
    grid = Grid(16, 16, (500000, 10, 0, 4000000, 0, -10), "")
    dataset = create_field(str(tmp_path / "f.tif"), grid, Space("alphaearth", 64, unit_norm=True), ALPHAEARTH)
    write(dataset, grid.whole, range(1, 65), ALPHAEARTH.encode(decoded(codes).astype(np.float32)), "f.tif")
    dataset = None
    stored = gdal.Open(str(tmp_path / "f.tif"))
    assert stored.GetRasterBand(1).DataType == (INT8 or gdal.GDT_Byte)
    found = np.frombuffer(stored.ReadRaster(), np.int8).reshape(64, 16, 16)
    np.testing.assert_array_equal(found, codes)
    field = open_field(str(tmp_path / "f.tif"))
    read = field.read(open_raster(str(tmp_path / "f.tif")), grid.whole)
    np.testing.assert_allclose(read, decoded(codes), rtol=1e-6)
    assert np.isnan(read).sum() == 64

"""Embedding rasters in other codings: exact, or within the error that is stated, and the same space."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from osgeo import gdal, ogr
from small_fields import write_bands, write_field

from earthprint.engine.coding import ALPHAEARTH
from earthprint.engine.dataset import open_raster
from earthprint.engine.errors import InputError, OutputError
from earthprint.engine.exporting.raster import RasterExportRequest, export_raster
from earthprint.engine.field import CODING_ITEM, open_field
from earthprint.engine.provenance import KNOWN
from earthprint.engine.space import Space

PLACE = (500000, 10, 0, 4000000, 0, -10)
UNIT = Space("alphaearth", 64, unit_norm=True, provenance=(KNOWN["alphaearth"],))


class Recorder:
    """A progress that keeps what it was told."""

    def __init__(self):
        self.warnings, self.infos = [], []

    def report(self, fraction, text=None):
        assert 0 <= fraction <= 1

    def info(self, text):
        self.infos.append(text)

    def warn(self, text):
        self.warnings.append(text)

    def cancelled(self):
        return False


def unit(rows=300, cols=270, dimensions=64):
    values = np.random.default_rng(0).normal(size=(dimensions, rows, cols))
    values = (values / np.linalg.norm(values, axis=0)).astype(np.float32)
    values[:, :7, :9] = np.nan
    values[:, 250:280, 100:] = np.nan
    return values


def wild(rows=90, cols=70):
    """Return vectors whose dimensions have very different ranges, one of them none at all."""
    chance = np.random.default_rng(1)
    values = chance.normal(size=(5, rows, cols)) * np.array([1e-3, 1, 300, 0, 20])[:, None, None]
    values += np.array([0, -4, 1e4, 7, 0])[:, None, None]
    values = values.astype(np.float32)
    values[:, 3, 5:60] = np.nan
    return values


def everything(path):
    """Return all vectors as the engine reads them."""
    field = open_field(str(path))
    return field, field.read(open_raster(str(path)), field.info.grid.whole)


def exported(tmp_path, source, coding, progress=None, **more):
    request = RasterExportRequest(str(source), str(tmp_path / f"{coding}.tif"), coding, **more)
    return export_raster(request, progress or Recorder())


def test_float32_is_exact_from_any_coding(tmp_path):
    values = unit(40, 30)
    codes = write_field(tmp_path / "a1.tif", values, PLACE, space=UNIT, coding=ALPHAEARTH)
    result = exported(tmp_path, codes, "float32")
    before, after = everything(codes), everything(result.output)
    np.testing.assert_array_equal(after[1], before[1])
    assert (result.stated_error, result.found_error) == (0, 0)
    assert after[0].space == UNIT and after[0].key == UNIT.key("f4")
    assert after[0].info.grid == before[0].info.grid


@pytest.mark.parametrize("coding, dtype, steps, nodata", [("int16", np.int16, 65534, -32768),
                                                         ("uint8", np.uint8, 254, 0)])
@pytest.mark.parametrize("make", [unit, wild])
def test_scaled_codings_are_within_half_a_step_of_each_dimension(tmp_path, coding, dtype, steps, nodata, make):
    values = make()
    space = UNIT if make is unit else Space("wild", 5)
    progress = Recorder()
    result = exported(tmp_path, write_field(tmp_path / "in.tif", values, PLACE, space=space), coding, progress)
    # Read by GDAL alone, with the scale and offset that it tells.
    dataset = gdal.Open(result.output)
    assert np.dtype(dtype) == dataset.ReadAsArray().dtype
    largest = 0.0
    for number, wanted in enumerate(values, start=1):
        band = dataset.GetRasterBand(number)
        raw = band.ReadAsArray()
        missing = np.isnan(wanted)
        assert band.GetNoDataValue() == nodata
        np.testing.assert_array_equal(raw == nodata, missing)
        found = raw.astype(np.float64) * band.GetScale() + band.GetOffset()
        span = float(np.nanmax(wanted)) - float(np.nanmin(wanted))
        allowed = span / steps / 2 * (1 + 1e-6) + 1.2e-7 * float(np.nanmax(np.abs(wanted)))
        apart = np.abs(found - wanted)[~missing].max()
        assert apart <= allowed
        assert band.GetScale() == pytest.approx(max(span, 1e-12) / steps, rel=1e-6)
        largest = max(largest, span / steps / 2)
    assert result.stated_error == pytest.approx(largest)
    assert result.found_error == pytest.approx(largest, rel=0.05)
    field, read = everything(result.output)
    np.testing.assert_array_equal(np.isnan(read), np.isnan(values))
    assert np.nanmax(np.abs(read - values)) == pytest.approx(result.found_error)
    assert field.space == space
    assert json.loads(field.info.metadata[CODING_ITEM]) == {"coding": coding, "largest_error": result.stated_error}
    assert any(f"off by {largest:.3g} at most" in text for text in progress.infos)
    assert progress.warnings == []


@pytest.mark.parametrize("max_error", [0.05, 0.001])
@pytest.mark.parametrize("memory_mib", [1024, 8])
def test_lerc_keeps_to_its_error_and_says_it(tmp_path, max_error, memory_mib):
    values = unit(dimensions=16)
    source = write_field(tmp_path / "in.tif", values, PLACE, space=Space("small", 16))
    progress = Recorder()
    result = exported(tmp_path, source, "lerc", progress, max_error=max_error, memory_mib=memory_mib)
    found = gdal.Open(result.output).ReadAsArray()
    np.testing.assert_array_equal(np.isnan(found), np.isnan(values))
    apart = np.nanmax(np.abs(found - values))
    assert 0.2 * max_error < apart <= max_error * (1 + 1e-4)
    assert result.found_error == pytest.approx(float(apart))
    field, read = everything(result.output)
    np.testing.assert_array_equal(read, found)
    assert (field.coding.largest_error, field.coding.code) == (max_error, "f4")
    assert gdal.Open(result.output).GetMetadata("IMAGE_STRUCTURE")["COMPRESSION"] == "LERC_ZSTD"
    assert any(f"off by {max_error:.3g} at most" in text for text in progress.infos)
    assert progress.warnings == []


def test_alphaearth_s_coding_is_for_unit_vectors(tmp_path):
    values = unit(60, 50)
    result = exported(tmp_path, write_field(tmp_path / "in.tif", values, PLACE, space=UNIT), "alphaearth")
    field, found = everything(result.output)
    codes = np.clip(np.rint(np.sign(values) * np.sqrt(np.abs(values)) * 127.5), -127, 127)
    np.testing.assert_allclose(found, np.sign(codes) * (codes / 127.5) ** 2, rtol=1e-6)
    assert result.found_error <= result.stated_error == pytest.approx(1 - (127 / 127.5) ** 2)
    assert "/a1/" in field.key and field.space == UNIT
    assert field.space.provenance[0].attribution == KNOWN["alphaearth"].attribution
    with pytest.raises(InputError, match="for vectors of length 1"):
        exported(tmp_path, write_field(tmp_path / "any.tif", wild(), PLACE, space=Space("wild", 5)), "alphaearth")


def test_published_vectors_of_a_clearing(tmp_path, sample_data):
    layer = ogr.Open(str(sample_data / "alphaearth_clearing" / "alphaearth_clearing_west.gpkg"))
    rows = [[feature[f"A{number:02d}"] for number in range(64)] for feature in layer.GetLayer(0)]
    values = np.array(rows, dtype=np.float32)[:294].reshape(14, 21, 64).transpose(2, 0, 1).copy()
    values /= np.linalg.norm(values, axis=0)
    source = write_field(tmp_path / "in.tif", values, PLACE, space=UNIT)
    for coding in ("float32", "int16", "uint8", "alphaearth", "lerc"):
        result = exported(tmp_path, source, coding, max_error=0.002)
        found = everything(result.output)[1]
        apart = float(np.abs(found - values).max())
        assert apart <= result.stated_error + 1e-7
        assert apart == pytest.approx(result.found_error)
        # The angle to the exact vector stays small in every coding.
        cosine = (found * values).sum(axis=0) / np.linalg.norm(found, axis=0)
        assert cosine.min() > 0.999


def test_a_raster_of_anybody_keeps_its_undeclared_space_and_its_names(tmp_path):
    values = wild()
    source = write_bands(tmp_path / "in.tif", values, PLACE, 32633, -9999)
    result = exported(tmp_path, source, "int16")
    before, after = open_field(source), everything(result.output)
    assert after[0].space == before.space and not after[0].space.declared
    np.testing.assert_array_equal(np.isnan(after[1]), np.isnan(values))
    assert result.cells == int(np.isfinite(values[0]).sum())


def test_wrong_requests_are_told(tmp_path):
    source = write_field(tmp_path / "in.tif", wild(), PLACE, space=Space("wild", 5))
    with pytest.raises(OutputError, match="end OUTPUT in .tif"):
        export_raster(RasterExportRequest(source, str(tmp_path / "o.gpkg")), Recorder())
    with pytest.raises(OutputError, match="written over itself"):
        export_raster(RasterExportRequest(source, source), Recorder())
    with pytest.raises(InputError, match="LERC needs an error above 0"):
        exported(tmp_path, source, "lerc", max_error=0)
    with pytest.raises(InputError, match="single band"):
        exported(tmp_path, write_bands(tmp_path / "one.tif", wild()[:1], PLACE, 32633, -9999), "int16")
    empty = write_field(tmp_path / "e.tif", np.full((5, 9, 9), math.nan), PLACE, space=Space("wild", 5))
    with pytest.raises(InputError, match="no cell with a vector"):
        exported(tmp_path, empty, "uint8")
    assert not list(tmp_path.glob("int16.tif")) and not list(tmp_path.glob("uint8.tif"))


def test_a_gdal_without_lerc_is_told(tmp_path, monkeypatch):
    source = write_field(tmp_path / "in.tif", wild(), PLACE, space=Space("wild", 5))
    monkeypatch.setattr("earthprint.engine.dataset.has_lerc", lambda: False)
    with pytest.raises(OutputError, match="GDAL lacks: choose another CODING"):
        exported(tmp_path, source, "lerc")
    assert not (tmp_path / "lerc.tif").exists()

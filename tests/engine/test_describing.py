"""What somebody states of a raster or layer is checked, and then travels with it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import struct

import numpy as np
import pytest
from osgeo import gdal, ogr, osr

from earthprint.engine.coding import ALPHAEARTH
from earthprint.engine.describing import (
    DescribeRasterRequest,
    DescribeTableRequest,
    describe_raster,
    describe_table,
)
from earthprint.engine.errors import InputError, OutputError, SpaceError
from earthprint.engine.field import open_field
from earthprint.engine.progress import Silent
from earthprint.engine.registry import Registry
from earthprint.engine.space import Band, Space, parse_key
from earthprint.engine.statement import KnownSpace, SpaceStatement, parse_bands
from earthprint.engine.table import ColumnSpec, TableWriter, open_rows, open_table


class Warnings(Silent):
    """A progress that keeps its warnings."""

    def __init__(self) -> None:
        self.warnings = []

    def warn(self, text):
        self.warnings.append(text)


def unit(rows, dimensions, seed=0):
    vectors = np.random.default_rng(seed).normal(size=(rows, dimensions))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def raster(path, values, nodata=None, south_up=False):
    """Write `(bands, rows, cols)`."""
    kind, options = gdal.GDT_Float32, []
    if values.dtype == np.int8:
        kind = getattr(gdal, "GDT_Int8", gdal.GDT_Byte)
        options = [] if hasattr(gdal, "GDT_Int8") else ["PIXELTYPE=SIGNEDBYTE"]
    elif values.dtype == np.int16:
        kind = gdal.GDT_Int16
    bands, rows, cols = values.shape
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), cols, rows, bands, kind, options)
    dataset.SetGeoTransform((100, 10, 0, 200, 0, 10 if south_up else -10))
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32632)
    dataset.SetSpatialRef(reference)
    for index, band in enumerate(values, start=1):
        target = dataset.GetRasterBand(index)
        target.SetDescription(f"B{index}")
        if nodata is not None:
            target.SetNoDataValue(nodata)
        target.WriteRaster(0, 0, cols, rows, np.ascontiguousarray(band).tobytes())
    dataset = None
    return str(path)


def unit_raster(path, dimensions=6, rows=40, cols=50):
    return raster(path, unit(rows * cols, dimensions).T.reshape(dimensions, rows, cols))


STATEMENT = SpaceStatement("product", bands=(Band("B02", "reflectance"),))


def test_a_copy_shows_the_same_pixels_and_carries_the_space(tmp_path):
    source = unit_raster(tmp_path / "in.tif")
    before = (tmp_path / "in.tif").read_bytes()
    registry = Registry(tmp_path / "spaces")
    result = describe_raster(
        DescribeRasterRequest(source, STATEMENT, str(tmp_path / "out.vrt"), registry=registry), Silent())
    space = Space("product", 6, metric="cosine", unit_norm=True, bands=(Band("B02", "reflectance"),))
    assert result.space == space
    field = open_field(str(tmp_path / "out.vrt"))
    assert field.space == space
    assert field.key == result.key == space.key("f4")
    copy, original = gdal.OpenEx(str(tmp_path / "out.vrt")), gdal.OpenEx(source)
    assert copy.ReadRaster() == original.ReadRaster()
    assert copy.GetGeoTransform() == original.GetGeoTransform()
    assert [copy.GetRasterBand(index).GetDescription() for index in range(1, 7)] == [f"B{n}" for n in range(1, 7)]
    assert (tmp_path / "in.tif").read_bytes() == before
    assert not (tmp_path / "in.tif.aux.xml").exists()
    assert registry.find(space.digest()) == space
    copy = original = None
    # A folder that is moved as a whole keeps working, since the copy names its source relative to itself.
    shutil.copytree(tmp_path, tmp_path / "moved" / "here", ignore=shutil.ignore_patterns("moved"))
    os.remove(source)
    assert gdal.OpenEx(str(tmp_path / "moved" / "here" / "out.vrt")).ReadRaster() is not None


def test_in_place_leaves_the_tiff_alone(tmp_path):
    source = unit_raster(tmp_path / "in.tif")
    before = (tmp_path / "in.tif").read_bytes()
    result = describe_raster(DescribeRasterRequest(source, STATEMENT), Silent())
    assert open_field(source).space == result.space
    assert (tmp_path / "in.tif").read_bytes() == before
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["in.tif", "in.tif.aux.xml"]
    progress = Warnings()
    describe_raster(DescribeRasterRequest(source, SpaceStatement("other")), progress)
    assert open_field(source).space.encoder == "other"
    assert "stated another space until now" in progress.warnings[0]


def test_in_place_of_a_virtual_raster_rewrites_that(tmp_path):
    source = unit_raster(tmp_path / "in.tif")
    describe_raster(DescribeRasterRequest(source, STATEMENT, str(tmp_path / "a.vrt")), Silent())
    describe_raster(DescribeRasterRequest(str(tmp_path / "a.vrt"), SpaceStatement("other")), Silent())
    assert open_field(str(tmp_path / "a.vrt")).space.encoder == "other"
    assert gdal.OpenEx(str(tmp_path / "a.vrt")).ReadRaster() == gdal.OpenEx(source).ReadRaster()


def test_alphaearth_codes_are_decoded_before_they_are_judged(tmp_path):
    vectors = unit(40 * 50, 64)
    codes = ALPHAEARTH.encode(vectors.T.reshape(64, 40, 50))
    codes[:, 3, 4] = -128
    source = raster(tmp_path / "aef.tif", codes, -128, south_up=True)
    with pytest.raises(InputError, match="no unit vectors"):
        describe_raster(DescribeRasterRequest(source, SpaceStatement("alphaearth", norm="unit"), None), Silent())
    result = describe_raster(DescribeRasterRequest(
        source, SpaceStatement("alphaearth", norm="unit"), str(tmp_path / "aef.vrt"), "alphaearth"), Silent())
    assert result.key.split("/")[2] == "a1"
    assert result.lengths.median == pytest.approx(1, abs=0.01)
    field = open_field(str(tmp_path / "aef.vrt"))
    values = field.read(gdal.OpenEx(str(tmp_path / "aef.vrt")), field.info.grid.whole)
    assert np.isnan(values[:, 3, 4]).all()
    assert np.isnan(values).sum() == 64
    np.testing.assert_allclose(np.delete(values.reshape(64, -1).T, 154, axis=0), np.delete(vectors, 154, axis=0),
                               atol=0.008)
    with pytest.raises(InputError, match="signed bytes"):
        describe_raster(DescribeRasterRequest(unit_raster(tmp_path / "f.tif"), STATEMENT, None, "alphaearth"), Silent())


@pytest.mark.parametrize(("scale", "norm", "expected"), [
    (1, "measured", True), (1.2, "measured", False), (5, "measured", False), (1, "any", False), (5, "any", False),
    (0.9, "unit", True), (5, "unit", None), (0.1, "unit", None)])
def test_unit_length_is_believed_measured_or_refused(tmp_path, scale, norm, expected):
    values = scale * unit(2000, 6).T.reshape(6, 40, 50)
    source = raster(tmp_path / "in.tif", values.astype(np.float32))
    request = DescribeRasterRequest(source, SpaceStatement("e", norm=norm), str(tmp_path / "o.vrt"))
    progress = Warnings()
    if expected is None:
        with pytest.raises(InputError, match="no unit vectors, their lengths are"):
            describe_raster(request, progress)
        assert not (tmp_path / "o.vrt").exists()
        return
    assert describe_raster(request, progress).space.unit_norm is expected
    assert len(progress.warnings) == (1 if scale == 0.9 else 0)


def test_a_known_space_has_to_fit(tmp_path):
    source = unit_raster(tmp_path / "in.tif")
    known = Space("rcf", 6, "ab" * 32, unit_norm=True, normalisation="image")
    result = describe_raster(DescribeRasterRequest(source, KnownSpace(known), str(tmp_path / "o.vrt")), Silent())
    assert result.space == known
    with pytest.raises(SpaceError, match="vectors of 6 numbers.*“rcf” have 7"):
        describe_raster(DescribeRasterRequest(source, KnownSpace(Space("rcf", 7)), str(tmp_path / "p.vrt")), Silent())


def test_raster_outputs_that_are_no_copy_are_refused(tmp_path):
    source = unit_raster(tmp_path / "in.tif")
    with pytest.raises(OutputError, match=r"\.vrt"):
        describe_raster(DescribeRasterRequest(source, STATEMENT, str(tmp_path / "o.tif")), Silent())
    describe_raster(DescribeRasterRequest(source, STATEMENT, str(tmp_path / "o.vrt")), Silent())
    with pytest.raises(OutputError, match="copy of itself"):
        describe_raster(DescribeRasterRequest(str(tmp_path / "o.vrt"), STATEMENT, str(tmp_path / "o.vrt")), Silent())
    empty = raster(tmp_path / "e.tif", np.full((3, 20, 20), np.nan, np.float32), float("nan"))
    with pytest.raises(InputError, match="no valid pixel"):
        describe_raster(DescribeRasterRequest(empty, STATEMENT, str(tmp_path / "e.vrt")), Silent())


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="the superuser may write everywhere")
def test_in_place_where_nothing_may_be_written_is_told(tmp_path):
    source = unit_raster(tmp_path / "in.tif")
    tmp_path.chmod(0o555)
    with pytest.raises(OutputError, match="beside.*IN_PLACE off"):
        describe_raster(DescribeRasterRequest(source, STATEMENT), Silent())
    tmp_path.chmod(0o755)


def table(path, vectors, identity, coding="f4"):
    with TableWriter(path, "", ogr.wkbPoint, [ColumnSpec("fid", "integer"), ColumnSpec("name", "text")], identity,
                     coding) as writer:
        writer.write([struct.pack("<BIdd", 1, 1, row, 2) for row in range(len(vectors))],
                     {"fid": [3 * row for row in range(len(vectors))], "name": [f"n{row}" for row in
                                                                                range(len(vectors))]}, vectors)
    return str(path)


@pytest.mark.parametrize("coding", ["f4", "f2", "i1"])
def test_a_table_is_restated_with_the_same_bytes(tmp_path, coding):
    source = table(tmp_path / "t.gpkg", unit(9, 5), Space("old", 5), coding)
    progress = Warnings()
    result = describe_table(DescribeTableRequest(open_rows(source), STATEMENT, str(tmp_path / "o.gpkg")), progress)
    found = open_table(tmp_path / "o.gpkg")
    assert found.space() == result.space
    assert result.space.unit_norm is True
    assert parse_key(found.space_key).coding == coding
    rows = []
    for name in ("t", "o"):
        with sqlite3.connect(tmp_path / f"{name}.gpkg") as connection:
            rows.append(connection.execute(f"SELECT fid, geom, name, embedding FROM {name} ORDER BY fid").fetchall())
    assert rows[0] == rows[1]
    assert "stated another space until now (old-" in progress.warnings[0]


def test_bytes_without_a_space_and_hexadecimal_text_are_described(tmp_path):
    vectors = unit(9, 5)
    source = table(tmp_path / "t.gpkg", vectors, Space("old", 5))
    gdal.VectorTranslate(str(tmp_path / "bare.gpkg"), source, selectFields=["name", "embedding"])
    gdal.VectorTranslate(str(tmp_path / "bare.geojson"), source, selectFields=["name", "embedding"], format="GeoJSON")
    for name in ("bare.gpkg", "bare.geojson"):
        rows = open_rows(tmp_path / name)
        assert "embedding_space" not in [column.name for column in rows.columns]
        result = describe_table(DescribeTableRequest(rows, STATEMENT, str(tmp_path / "o.gpkg")), Silent())
        found = open_table(tmp_path / "o.gpkg")
        assert found.space() == result.space
        assert b"".join(chunk.vectors.tobytes() for chunk in found.chunks()) == vectors.tobytes()


def test_wide_columns_are_described_as_they_are_imported(tmp_path, sample_data):
    rows = open_rows(sample_data / "alphaearth_clearing" / "alphaearth_clearing_west.gpkg")
    progress = Warnings()
    result = describe_table(DescribeTableRequest(rows, SpaceStatement("alphaearth", norm="unit"),
                                                 str(tmp_path / "o.gpkg"), "A00-A63"), progress)
    found = open_table(tmp_path / "o.gpkg")
    assert found.space() == result.space == Space("alphaearth", 64, unit_norm=True)
    assert found.count == 294
    with pytest.raises(InputError, match="no unit vectors"):
        describe_table(DescribeTableRequest(rows, SpaceStatement("alphaearth", norm="unit"),
                                            str(tmp_path / "p.gpkg"), "D00-D63"), progress)
    assert not (tmp_path / "p.gpkg").exists()


def test_the_same_statement_makes_raster_and_table_comparable(tmp_path):
    raster_space = describe_raster(DescribeRasterRequest(
        unit_raster(tmp_path / "in.tif"), STATEMENT, str(tmp_path / "o.vrt")), Silent())
    source = table(tmp_path / "t.gpkg", unit(9, 6), Space("old", 6))
    table_space = describe_table(DescribeTableRequest(open_rows(source), STATEMENT, str(tmp_path / "o.gpkg")), Silent())
    assert parse_key(raster_space.key).same_space(parse_key(table_space.key))


def test_bands_are_read_with_their_units():
    assert parse_bands(" B02 (reflectance x 10000); red;nir (W/m²) ;") == (
        Band("B02", "reflectance x 10000"), Band("red"), Band("nir", "W/m²"))


@pytest.mark.parametrize(("encoder", "metric", "norm"), [
    ("", "cosine", "any"), ("undeclared:0123456789ab", "cosine", "any"), ("e", "manhattan", "any"),
    ("e", "cosine", "two")])
def test_statements_that_state_nothing_are_refused(encoder, metric, norm):
    with pytest.raises(SpaceError):
        SpaceStatement(encoder, metric, norm)

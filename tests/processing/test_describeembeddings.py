""""Describe embeddings" through processing.run: the statement is checked, and then travels with the data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from osgeo import gdal, ogr
from qgis.core import QgsProcessingException, QgsRasterLayer, QgsVectorLayer
from test_importembeddings import wide_layer

from earthprint.engine.field import open_field
from earthprint.engine.space import Band, Space, from_json
from earthprint.engine.table import ColumnSpec, TableWriter, open_table
from earthprint.processing_provider.environment import folders


def unit(rows: int, dimensions: int) -> np.ndarray:
    vectors = np.random.default_rng(0).normal(size=(rows, dimensions))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def field(tmp_path: Path) -> str:
    """Return a raster of unit vectors that says nothing of itself."""
    dataset = gdal.GetDriverByName("GTiff").Create(str(tmp_path / "in.tif"), 30, 20, 5, gdal.GDT_Float32)
    dataset.SetGeoTransform((0, 1, 0, 20, 0, -1))
    dataset.WriteRaster(0, 0, 30, 20, unit(600, 5).T.tobytes())
    dataset = None
    return str(tmp_path / "in.tif")


@pytest.fixture
def table(tmp_path: Path) -> str:
    """Return a table of unit vectors in another space."""
    with TableWriter(tmp_path / "t.gpkg", "", ogr.wkbNone, [ColumnSpec("name", "text")], Space("old", 5)) as writer:
        writer.write([None] * 7, {"name": list("abcdefg")}, unit(7, 5))
    return str(tmp_path / "t.gpkg")


def test_a_raster_gets_a_copy_that_says_what_it_is(run_algorithm: Any, field: str, tmp_path: Path) -> None:
    before = Path(field).read_bytes()
    found = run_algorithm("describeembeddings", {
        "INPUT": field, "ENCODER": " my product ", "BANDS": "B02 (reflectance);B03", "OUTPUT": str(tmp_path / "o.vrt")})
    expected = Space("my product", 5, unit_norm=True, bands=(Band("B02", "reflectance"), Band("B03")))
    assert from_json(found["SPACE"]) == expected
    assert found["KEY"] == expected.key("f4")
    assert open_field(found["OUTPUT"]).space == expected
    assert QgsRasterLayer(found["OUTPUT"], "o").bandCount() == 5
    assert gdal.OpenEx(found["OUTPUT"]).ReadRaster() == gdal.OpenEx(field).ReadRaster()
    assert Path(field).read_bytes() == before
    assert (folders().spaces / f"{expected.digest()}.json").exists()


def test_in_place_writes_beside_the_raster(run_algorithm: Any, field: str) -> None:
    before = Path(field).read_bytes()
    found = run_algorithm("describeembeddings", {
        "INPUT": field, "ENCODER": "p", "IN_PLACE": True, "METRIC": "euclidean", "NORM": "any"})
    assert found["OUTPUT"] == field
    assert open_field(field).space == Space("p", 5, metric="euclidean")
    assert Path(field).read_bytes() == before
    assert Path(field + ".aux.xml").exists()


def test_a_raster_on_the_map_does_not_overwrite_its_description(run_algorithm: Any, field: str) -> None:
    layer = QgsRasterLayer(field, "shown")
    layer.dataProvider().bandStatistics(1)
    run_algorithm("describeembeddings", {"INPUT": layer, "ENCODER": "p", "IN_PLACE": True})
    layer.dataProvider().bandStatistics(2)
    assert open_field(field).space == Space("p", 5, unit_norm=True)
    del layer
    assert open_field(field).space == Space("p", 5, unit_norm=True)


def test_a_table_and_columns_become_tables(run_algorithm: Any, table: str, tmp_path: Path) -> None:
    found = run_algorithm("describeembeddings", {"INPUT": table, "ENCODER": "p", "OUTPUT": str(tmp_path / "o.gpkg")})
    opened = open_table(found["OUTPUT"])
    assert opened.space() == Space("p", 5, unit_norm=True)
    chunk = next(opened.chunks())
    assert chunk.vectors.tobytes() == unit(7, 5).tobytes()
    assert chunk.columns["name"] == list("abcdefg")
    found = run_algorithm("describeembeddings", {
        "INPUT": wide_layer(), "ENCODER": "p", "FIELDS": "emb_0-emb_4", "OUTPUT": "TEMPORARY_OUTPUT"})
    assert found["OUTPUT"].endswith(".gpkg")
    assert open_table(found["OUTPUT"]).space() == Space("p", 5)
    assert QgsVectorLayer(found["OUTPUT"], "o", "ogr").featureCount() == 6


def test_raster_and_table_of_one_statement_compare(run_algorithm: Any, field: str, table: str, tmp_path: Path) -> None:
    first = run_algorithm("describeembeddings", {"INPUT": field, "ENCODER": "p", "OUTPUT": "TEMPORARY_OUTPUT"})
    second = run_algorithm("describeembeddings", {"INPUT": table, "ENCODER": "p", "OUTPUT": str(tmp_path / "o.gpkg")})
    assert first["OUTPUT"].endswith(".vrt")
    assert first["KEY"] == second["KEY"]
    third = run_algorithm("describeembeddings", {
        "INPUT": table, "ENCODER": first["SPACE"], "METRIC": "euclidean", "OUTPUT": str(tmp_path / "p.gpkg")})
    assert third["KEY"] == first["KEY"]


def test_the_name_of_an_encoder_is_its_space(run_algorithm: Any, field: str, tmp_path: Path) -> None:
    from ramps import mean_encoder

    (tmp_path / "encoders").mkdir()
    card = mean_encoder(tmp_path / "encoders", 8)
    with pytest.raises(QgsProcessingException, match="have 3"):
        run_algorithm("describeembeddings", {"INPUT": field, "ENCODER": str(card.path), "OUTPUT": "TEMPORARY_OUTPUT"})
    dataset = gdal.GetDriverByName("GTiff").Create(str(tmp_path / "three.tif"), 4, 4, 3, gdal.GDT_Float32)
    dataset.WriteRaster(0, 0, 4, 4, np.arange(48, dtype=np.float32).tobytes())
    dataset = None
    found = run_algorithm("describeembeddings", {
        "INPUT": str(tmp_path / "three.tif"), "ENCODER": str(card.path), "OUTPUT": "TEMPORARY_OUTPUT"})
    assert json.loads(found["SPACE"]) == card.space().as_json()


@pytest.mark.parametrize(("changes", "message"), [
    ({"ENCODER": " "}, "ENCODER is empty"),
    ({"ENCODER": "/nowhere/card.json"}, "/nowhere/card.json"),
    ({"ENCODER": "{}"}, "can't be read"),
    ({"ENCODER": "undeclared:x"}, "names no encoder"),
    ({"INPUT": "/nowhere/a.tif"}, "INPUT"),
    ({"OUTPUT": "o.tif"}, r"end its name with \.vrt"),
    ({"OUTPUT": "/nowhere/o.vrt"}, "/nowhere doesn't exist"),
    ({"NORM": "long"}, "NORM"),
    ({"CODING": "alphaearth"}, "signed bytes"),
])
def test_wrong_values_of_a_raster_are_told(run_algorithm: Any, field: str, tmp_path: Path, changes: Any,
                                           message: str) -> None:
    with pytest.raises(QgsProcessingException, match=message):
        run_algorithm("describeembeddings", {"INPUT": field, "ENCODER": "p", "OUTPUT": str(tmp_path / "o.vrt"),
                                             **changes})
    assert not (tmp_path / "o.vrt").exists()


@pytest.mark.parametrize(("changes", "message"), [
    ({"IN_PLACE": True}, "only rasters can be described in place"),
    ({"OUTPUT": "o.vrt"}, r"end its name with \.gpkg"),
    ({"FIELDS": "x"}, "no column “x”"),
])
def test_wrong_values_of_a_table_are_told(run_algorithm: Any, table: str, tmp_path: Path, changes: Any,
                                          message: str) -> None:
    with pytest.raises(QgsProcessingException, match=message):
        run_algorithm("describeembeddings", {"INPUT": table, "ENCODER": "p", "OUTPUT": str(tmp_path / "o.gpkg"),
                                             **changes})
    assert not (tmp_path / "o.gpkg").exists()

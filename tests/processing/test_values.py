"""A value that QGIS would only call incorrect is refused in a sentence that names it and says what to give."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from qgis.core import QgsProcessingContext, QgsVectorLayer
from small_rasters import landscape, write_raster


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    """Return a landscape of four bands."""
    return write_raster(tmp_path / "scene.tif", landscape())


def said_of(provider: Any, parameters: "dict[str, Any]", name: str = "embedraster") -> str:
    accepted, message = provider.algorithm(name).create().checkParameterValues(parameters, QgsProcessingContext())
    assert not accepted
    return message


@pytest.mark.parametrize("change, said", [
    ({"CODING": "float64"}, "CODING: “float64” is not one of float32, int16, uint8."),
    ({"CELL": -1}, "CELL: -1 is out of range: give a number between 0 and 100000."),
    ({"CELL": "wide"}, "CELL: “wide” is not a number."),
    ({"MIN_VALID": 2}, "MIN_VALID: 2 is out of range: give a number between 0.001 and 1."),
    ({"EXTENT": "somewhere"}, "EXTENT: “somewhere” is neither an extent nor a layer: write xmin,xmax,ymin,ymax in the "
     "raster's coordinates, with [EPSG:…] after them where they are in others."),
    ({"MASK": "/no/such/mask.gpkg"}, "MASK: there is no file or layer “/no/such/mask.gpkg”: check the path."),
    ({"FURTHER": ["/no/such/date.tif"]}, "FURTHER: there is no file or layer “/no/such/date.tif”: check the path."),
    ({"OUTPUT": "field.img"}, "OUTPUT: a raster is written as GeoTIFF, so “field.img” must end in .tif."),
    ({"ENCODER": "/no/such/encoder.json"}, "ENCODER: there is no file “/no/such/encoder.json”: check the path."),
])
def test_each_value_is_named(provider: Any, scene: Path, change: "dict[str, Any]", said: str) -> None:
    assert said_of(provider, dict({"INPUT": str(scene), "OUTPUT": "field.tif"}, **change)) == said


def test_an_input_that_is_missing_or_no_raster_is_named(provider: Any, tmp_path: Path, qgis_app: Any) -> None:
    missing = tmp_path / "missing.tif"
    assert said_of(provider, {"INPUT": str(missing), "OUTPUT": "f.tif"}) == (
        f"INPUT: there is no file or layer “{missing}”: check the path.")
    text = tmp_path / "notes.txt"
    text.write_text("no raster", encoding="utf-8")
    assert said_of(provider, {"INPUT": str(text), "OUTPUT": "f.tif"}) == (
        f"INPUT: “{text}” can't be read as a raster: the file is damaged or of a kind that GDAL doesn't know.")
    layer = tmp_path / "points.geojson"
    layer.write_text('{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {}, "geometry": '
                     '{"type": "Point", "coordinates": [0, 0]}}]}', encoding="utf-8")
    assert QgsVectorLayer(str(layer), "", "ogr").isValid()
    assert said_of(provider, {"INPUT": str(layer), "OUTPUT": "f.tif"}) == (
        f"INPUT: “{layer}” is not a raster but a vector layer.")
    assert said_of(provider, {"INPUT": str(tmp_path), "OUTPUT": "f.tif"}) == (
        f"INPUT: “{tmp_path}” is a folder: name a raster file in it.")


def test_a_vector_file_that_is_none_is_named(provider: Any, scene: Path, tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("no layer", encoding="utf-8")
    assert said_of(provider, {"INPUT": str(scene), "MASK": str(text), "OUTPUT": "f.tif"}) == (
        f"MASK: “{text}” can't be read as a vector layer.")


def test_an_unknown_encoder_is_told_with_those_of_similar_names(
        provider: Any, scene: Path, encoders_folder: Path) -> None:
    from ramps import mean_encoder

    mean_encoder(encoders_folder, 8, name="landscape-mean")
    said = said_of(provider, {"INPUT": str(scene), "ENCODER": "landscape-maen", "OUTPUT": "f.tif"})
    assert said.startswith("There is no encoder landscape-maen; did you mean ") and "landscape-mean" in said


def test_tables_in_other_formats_are_refused(provider: Any, scene: Path) -> None:
    said = said_of(provider, {"INPUT": str(scene), "OUTPUT": "patches.parquet"}, "embedpatches")
    assert said.startswith("OUTPUT: a table is written as GeoPackage, so “patches.parquet” must end in")

"""Models: drawn once, run by a server. Our outputs feed QGIS's own algorithms, and numbers and texts travel on."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict

import numpy as np
import pytest
from osgeo import gdal, ogr
from qgis.core import (
    QgsProcessingModelAlgorithm,
    QgsProcessingModelChildAlgorithm,
    QgsProcessingModelChildParameterSource,
    QgsProcessingModelOutput,
    QgsProcessingModelParameter,
    QgsProcessingParameterRasterLayer,
)
from ramps import mean_encoder, write_ramp
from small_scene import write_scene


def child(model: QgsProcessingModelAlgorithm, name: str, algorithm: str, values: Dict[str, Any]) -> None:
    """Add a step; a value may be fixed, a model input (`@name`) or another step's output (`step.OUTPUT`)."""
    step = QgsProcessingModelChildAlgorithm(algorithm)
    step.setChildId(name)
    for parameter, value in values.items():
        if isinstance(value, str) and value.startswith("@"):
            source = QgsProcessingModelChildParameterSource.fromModelParameter(value[1:])
        elif isinstance(value, tuple):
            source = QgsProcessingModelChildParameterSource.fromChildOutput(*value)
        else:
            source = QgsProcessingModelChildParameterSource.fromStaticValue(value)
        step.addParameterSources(parameter, [source])
    model.addChildAlgorithm(step)


def result(model: QgsProcessingModelAlgorithm, step: str, output: str, name: str) -> None:
    """Make a step's output one of the model's."""
    made = QgsProcessingModelOutput(name, name)
    made.setChildId(step)
    made.setChildOutputName(output)
    algorithm = model.childAlgorithm(step)
    algorithm.setModelOutputs(dict(algorithm.modelOutputs(), **{name: made}))
    model.setChildAlgorithm(algorithm)


def raster_model(name: str) -> QgsProcessingModelAlgorithm:
    """Return an empty model with one raster input called scene."""
    model = QgsProcessingModelAlgorithm(name, "")
    model.setName(name)
    model.addModelParameter(QgsProcessingParameterRasterLayer("scene", "Scene"), QgsProcessingModelParameter("scene"))
    return model


def argument(model: QgsProcessingModelAlgorithm, name: str, path: Path) -> str:
    """Return the argument that says where an output goes; QGIS versions name it with or without its step."""
    [full] = [made.name() for made in model.destinationParameterDefinitions() if made.name().split(":")[-1] == name]
    return f"{full}={path}"


def saved(model: QgsProcessingModelAlgorithm, path: Path) -> Path:
    """Write the model as the modeler does."""
    model.updateDestinationParameters()
    assert model.toFile(str(path))
    return path


def test_an_embedding_raster_feeds_a_native_step(provider: Any, qgis_process: Any, tmp_path: Path) -> None:
    ramp = write_ramp(tmp_path / "ramp.tif", 64, 48)
    folder = tmp_path / "made"
    folder.mkdir()
    card = mean_encoder(folder, 8)
    model = raster_model("embed_and_sum")
    child(model, "embed", "earthprint:embedraster", {"INPUT": "@scene", "ENCODER": str(card.path), "CODING": "float32"})
    child(model, "fill", "native:fillnodata", {"INPUT": ("embed", "OUTPUT"), "BAND": 1, "FILL_VALUE": 0})
    result(model, "fill", "OUTPUT", "filled")
    path = saved(model, tmp_path / "model.model3")
    qgis_process("run", path, f"scene={ramp}", argument(model, "filled", tmp_path / "filled.tif")).succeeded()
    columns, _ = np.meshgrid((np.arange(8) + 0.5) * 8, np.arange(6))
    assert np.allclose(gdal.Open(str(tmp_path / "filled.tif")).ReadAsArray(), columns, atol=1e-4)


def test_the_encoder_of_one_step_embeds_in_another(provider: Any, qgis_process: Any, tmp_path: Path) -> None:
    scene = write_scene(tmp_path / "scene.tif")
    model = raster_model("one_space")
    child(model, "make", "earthprint:makeencoder", {"INPUTS": "@scene", "FILTERS": 16, "DIMENSIONS": 4})
    child(model, "first", "earthprint:embedraster", {
        "INPUT": "@scene", "ENCODER": ("make", "ENCODER_USED"), "CELL": 16})
    child(model, "second", "earthprint:embedpatches", {
        "INPUT": "@scene", "ENCODER": ("first", "ENCODER_USED"), "SIZE": 16})
    child(model, "some", "native:extractbyexpression", {
        "INPUT": ("second", "OUTPUT"), "EXPRESSION": '"valid_share" > 0.9'})
    result(model, "first", "OUTPUT", "field")
    result(model, "some", "OUTPUT", "patches")
    path = saved(model, tmp_path / "model.model3")
    qgis_process("run", path, f"scene={scene}", argument(model, "field", tmp_path / "field.tif"),
                 argument(model, "patches", tmp_path / "patches.gpkg")).succeeded()
    field = gdal.Open(str(tmp_path / "field.tif"))
    values = field.ReadAsArray()
    transform = field.GetGeoTransform()
    table = ogr.Open(str(tmp_path / "patches.gpkg"))
    layer = table.GetLayer(0)
    assert layer.GetFeatureCount() == values.shape[1] * values.shape[2] == 48
    for feature in layer:
        centre = feature.GetGeometryRef().Centroid()
        column, row = (centre.GetX() - transform[0]) / transform[1], (centre.GetY() - transform[3]) / transform[5]
        vector = np.frombuffer(bytes(feature.GetFieldAsBinary("embedding")), "<f4")
        assert np.allclose(vector, values[:, int(row), int(column)], rtol=1e-4, atol=1e-5)
        assert feature["embedding_space"].endswith(("/4/f4/cosine/any", "/4/f4/cosine/unit"))


def test_a_wrong_step_tells_its_sentence(provider: Any, qgis_process: Any, tmp_path: Path) -> None:
    scene = write_scene(tmp_path / "scene.tif")
    model = raster_model("wrong")
    child(model, "embed", "earthprint:embedraster", {"INPUT": "@scene", "BANDS": "1;77"})
    result(model, "embed", "OUTPUT", "field")
    path = saved(model, tmp_path / "model.model3")
    ended = qgis_process("run", path, f"scene={scene}", argument(model, "field", tmp_path / "field.tif"))
    assert ended.code == 1 and "Traceback" not in ended.errors + ended.output
    assert "77" in ended.errors and "scene.tif" in ended.errors
    assert not (tmp_path / "field.tif").exists()


@pytest.mark.parametrize("name, kind", [
    ("embedraster", "outputRaster"), ("embedpatches", "outputVector"), ("makeencoder", "outputFile"),
    ("makeencoder", "outputString"), ("addencoder", "outputFile"), ("importembeddings", "outputVector"),
    ("embedraster", "outputNumber"), ("embedraster", "outputString")])
def test_the_modeler_offers_the_outputs_to_later_steps(provider: Any, name: str, kind: str) -> None:
    model = QgsProcessingModelAlgorithm("outputs", "")
    child(model, "first", f"earthprint:{name}", {})
    child(model, "later", "native:buffer", {})
    offered = model.availableSourcesForChild("later", [], [kind])
    assert [source for source in offered if source.outputChildId() == "first"]

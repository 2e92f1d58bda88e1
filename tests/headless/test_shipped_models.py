"""The models that ship: run by qgis_process as a server does, and equal to what their script draws."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List

import numpy as np
import pytest
from osgeo import gdal, ogr, osr
from qgis.core import QgsProcessingModelAlgorithm
from small_scene import GEOTRANSFORM, values, write_scene
from test_predict_in_a_model import bright_cells, write_labels

from earthprint.resources.models.shipped import shipped_models

FOLDER = Path(__file__).resolve().parent.parent.parent / "resources" / "models"
NAMES = ("embed_train_and_predict", "find_places_like_these", "find_what_changed", "map_what_is_there")


def rewritten(path: Path, scene: np.ndarray) -> Path:
    """Put other values into a scene."""
    dataset = gdal.Open(str(path), gdal.GA_Update)
    dataset.WriteArray(scene)
    dataset = None
    return path


def features(path: Path) -> List[Dict[str, Any]]:
    """Return the attributes of a layer's features, with their geometries."""
    dataset = ogr.Open(str(path))
    return [dict(feature.items(), shape=feature.GetGeometryRef().Clone()) for feature in dataset.GetLayer(0)]


def inputs(model: QgsProcessingModelAlgorithm) -> List[str]:
    """Return the names of what a model asks for; QGIS versions call results differently."""
    return [one.name() for one in model.parameterDefinitions() if not one.isDestination()]


def test_there_is_one_file_for_each_drawing(provider: Any) -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.model3")) == sorted(NAMES)
    assert sorted(drawing.file_name for drawing in shipped_models()) == sorted(NAMES)


@pytest.mark.parametrize("place", range(len(NAMES)))
def test_the_files_are_what_the_script_draws(provider: Any, place: int) -> None:
    drawing = shipped_models()[place]
    drawn = drawing.finished()
    stored = QgsProcessingModelAlgorithm()
    assert stored.fromFile(str(FOLDER / f"{drawing.file_name}.model3"))
    assert stored.name() == drawn.name() and stored.helpContent() == drawn.helpContent()
    assert stored.group() == "Earthprint"
    assert inputs(stored) == inputs(drawn)
    for name, child in drawn.childAlgorithms().items():
        other = stored.childAlgorithms()[name]
        assert other.algorithmId() == child.algorithmId() and other.description() == child.description()
        assert set(other.modelOutputs()) == set(child.modelOutputs())
        ours, theirs = child.parameterSources(), other.parameterSources()
        assert {key: [source.toVariant() for source in parts] for key, parts in theirs.items()} == {
            key: [source.toVariant() for source in parts] for key, parts in ours.items()}
    assert drawn.validate()[0] and stored.validate()[0], stored.validate()


@pytest.mark.parametrize("name", NAMES)
def test_every_input_and_result_has_help(provider: Any, name: str) -> None:
    model = QgsProcessingModelAlgorithm()
    assert model.fromFile(str(FOLDER / f"{name}.model3"))
    told = model.helpContent()
    assert len(told["ALG_DESC"]) > 100 and f"{name}.model3" in told["ALG_DESC"]
    for parameter in model.parameterDefinitions():
        assert len(told[parameter.name()]) > 20, parameter.name()
    assert model.canExecute()[0]


def test_map_what_is_there(run_algorithm: Any, qgis_process: Any, tmp_path: Path) -> None:
    scene = write_scene(tmp_path / "scene.tif")
    qgis_process("run", FOLDER / "map_what_is_there.model3", f"scene={scene}", "clusters=4", "cell=4",
                 f"cluster:Clusters={tmp_path / 'clusters.tif'}",
                 f"cluster:Table of clusters={tmp_path / 'table.gpkg'}",
                 f"cluster:Report={tmp_path / 'report.html'}").succeeded()
    run_algorithm("embedraster", {"INPUT": str(scene), "CELL": 4, "OUTPUT": str(tmp_path / "field.tif")})
    run_algorithm("clusterraster", {"INPUT": str(tmp_path / "field.tif"), "CLUSTERS": 4,
                                    "OUTPUT": str(tmp_path / "alone.tif")})
    found = gdal.Open(str(tmp_path / "clusters.tif")).ReadAsArray()
    assert np.array_equal(found, gdal.Open(str(tmp_path / "alone.tif")).ReadAsArray())
    assert sorted(np.unique(found)) == [1, 2, 3, 4] and found.shape == (24, 32)
    assert len(features(tmp_path / "table.gpkg")) == 4
    assert "cluster" in (tmp_path / "report.html").read_text(encoding="utf-8").lower()


def test_find_what_changed(qgis_process: Any, tmp_path: Path) -> None:
    before = write_scene(tmp_path / "before.tif")
    later = values() + np.random.default_rng(8).normal(0, 20, (4, 96, 128)).astype(np.float32)
    kind = np.array([5200, 200, 4800, 100], dtype=np.float32)[:, None, None]
    later[:, 24:48, 64:96] = kind + np.random.default_rng(9).normal(0, 20, (4, 24, 32))
    after = rewritten(write_scene(tmp_path / "after.tif"), later)
    qgis_process("run", FOLDER / "find_what_changed.model3", f"before={before}", f"after={after}", "cell=4",
                 "least_area=20000", f"change:Outlines={tmp_path / 'changed.gpkg'}",
                 f"change:Magnitude={tmp_path / 'magnitude.tif'}").succeeded()
    found = features(tmp_path / "changed.gpkg")
    wanted = ogr.CreateGeometryFromWkt(
        "POLYGON ((500640 5599760, 500960 5599760, 500960 5599520, 500640 5599520, 500640 5599760))")
    union = found[0]["shape"]
    for feature in found[1:]:
        union = union.Union(feature["shape"])
    assert union.Intersection(wanted).Area() > 0.9 * wanted.Area()
    assert union.Area() < 1.6 * wanted.Area()
    assert all(feature["area"] >= 20000 for feature in found)
    magnitude = gdal.Open(str(tmp_path / "magnitude.tif")).ReadAsArray()
    inside = np.zeros(magnitude.shape, dtype=bool)
    inside[7:11, 17:23] = True
    assert magnitude[inside].min() > 2 * np.median(magnitude[~inside])


def test_find_places_like_these(qgis_process: Any, tmp_path: Path) -> None:
    scene = values()
    kind = np.random.default_rng(5).normal(5000, 900, (4, 16, 16)).astype(np.float32)
    for row, column in ((16, 16), (64, 96)):
        scene[:, row:row + 16, column:column + 16] = kind
    path = rewritten(write_scene(tmp_path / "scene.tif"), scene)
    examples = tmp_path / "examples.gpkg"
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32632)
    dataset = ogr.GetDriverByName("GPKG").CreateDataSource(str(examples))
    layer = dataset.CreateLayer("examples", reference, ogr.wkbPoint)
    feature = ogr.Feature(layer.GetLayerDefn())
    feature.SetGeometry(ogr.CreateGeometryFromWkt(
        f"POINT ({GEOTRANSFORM[0] + 24 * 10} {GEOTRANSFORM[3] - 24 * 10})"))
    layer.CreateFeature(feature)
    feature = layer = dataset = None
    qgis_process("run", FOLDER / "find_places_like_these.model3", f"scene={path}", f"examples={examples}", "cell=4",
                 "places=3", "distance=200", f"similar:Places={tmp_path / 'places.gpkg'}",
                 f"similar:Similarity={tmp_path / 'scores.tif'}").succeeded()
    found = sorted(features(tmp_path / "places.gpkg"), key=lambda place: place["rank"])
    assert len(found) == 3
    first = found[0]["shape"]
    column, row = (first.GetX() - GEOTRANSFORM[0]) / 10, (GEOTRANSFORM[3] - first.GetY()) / 10
    assert 96 <= column <= 112 and 64 <= row <= 80, "the other square of that kind"
    scores = gdal.Open(str(tmp_path / "scores.tif")).ReadAsArray()
    assert found[0]["similarity"] == pytest.approx(np.nanmax(scores), abs=1e-6)
    for one, place in enumerate(found):
        for other in found[:one]:
            assert place["shape"].Distance(other["shape"]) >= 199



def test_embed_train_and_predict(qgis_process: Any, tmp_path: Path) -> None:
    scene, labels = write_scene(tmp_path / "scene.tif"), write_labels(tmp_path / "labels.gpkg")
    qgis_process("run", FOLDER / "embed_train_and_predict.model3", f"scene={scene}", f"labels={labels}", "class=kind",
                 "cell=4", f"predict:Map={tmp_path / 'map.tif'}", f"train:Predictor={tmp_path / 'kind.onnx'}",
                 f"train:Report={tmp_path / 'report.html'}", f"embed:Vectors={tmp_path / 'vectors.tif'}").succeeded()
    source = gdal.Open(str(tmp_path / "map.tif"))
    bands = [source.GetRasterBand(number + 1).GetDescription() for number in range(source.RasterCount)]
    assert bands == ["predicted", "applicable", "dissimilarity"]
    names = source.GetRasterBand(1).GetCategoryNames()
    found = source.ReadAsArray()
    named = np.array(names)[found[0].astype(int)]
    assert ((named == "bright") == bright_cells()).mean() > 0.9
    assert set(np.unique(found[1])) <= {0, 1} and found[1].mean() > 0.5
    report = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "kind" in report and "balanced accuracy" in report.lower()
    # The next scene: the kept predictor, and the encoder that lies beside the vectors.
    qgis_process("run", "earthprint:embedraster", f"INPUT={scene}", "CELL=4",
                 f"ENCODER={tmp_path / 'vectors.encoder.json'}", f"OUTPUT={tmp_path / 'next.tif'}").succeeded()
    qgis_process("run", "earthprint:predictraster", f"INPUT={tmp_path / 'next.tif'}",
                 f"PREDICTOR={tmp_path / 'kind.onnx'}", f"OUTPUT={tmp_path / 'next_map.tif'}").succeeded()
    assert np.array_equal(gdal.Open(str(tmp_path / "next_map.tif")).ReadAsArray(), found)

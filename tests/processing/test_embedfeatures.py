""""Embed features from a field" through processing.run: layers of every kind, selections, models' outputs, words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qgis.core import (
    QgsFeature,
    QgsGeometry,
    QgsProcessing,
    QgsProcessingException,
    QgsProcessingFeatureSourceDefinition,
    QgsProject,
    QgsVectorLayer,
)
from small_fields import write_field, write_layer

from earthprint.engine.table import open_table

X, Y, CELL = 500000.0, 5700000.0, 10.0
TRANSFORM = (X, CELL, 0.0, Y, 0.0, -CELL)
SHAPES = [f"POLYGON(({X + 20} {Y - 20},{X + 50} {Y - 20},{X + 50} {Y - 45},{X + 20} {Y - 45},{X + 20} {Y - 20}))",
          f"POINT({X + 105} {Y - 55})", f"POINT({X - 100} {Y})", f"LINESTRING({X + 5} {Y - 65},{X + 35} {Y - 65})"]


@pytest.fixture
def values() -> np.ndarray:
    return np.random.default_rng(0).normal(0, 1, (4, 20, 30)).astype(np.float32)


@pytest.fixture
def field(tmp_path: Path, values: np.ndarray) -> str:
    return write_field(tmp_path / "field.tif", values, TRANSFORM)


def expected(values: np.ndarray) -> np.ndarray:
    """Return the vectors of the shapes that have one."""
    rows = np.array([1, 1, 0.5])
    polygon = (values[:, 2:5, 2:5] * rows[:, None]).sum(axis=(1, 2)) / (3 * rows.sum())
    line = (values[:, 6, :4] * np.array([5, 10, 10, 5.0])).sum(axis=1) / 30
    return np.stack([polygon, values[:, 5, 10], line])


def test_a_layer_of_all_kinds(run_algorithm: Any, tmp_path: Path, field: str, values: np.ndarray) -> None:
    layer = write_layer(tmp_path / "shapes.gpkg", SHAPES)
    found = run_algorithm("embedfeatures", {"INPUT": layer, "EMBEDDINGS": field,
                                            "OUTPUT": str(tmp_path / "out.gpkg")})
    assert (found["COVERED"], found["OUTSIDE"], found["DIMENSIONS_OUT"]) == (3, 1, 4)
    [chunk] = list(open_table(found["OUTPUT"]).chunks())
    assert np.allclose(chunk.vectors, expected(values), atol=1e-5)
    assert chunk.columns["name"] == ["n0", "n1", "n3"] and np.allclose(chunk.columns["valid_share"], 1.0)
    assert QgsVectorLayer(found["OUTPUT"], "", "ogr").featureCount() == 3


def test_a_selection_of_a_memory_layer_in_another_crs(run_algorithm: Any, tmp_path: Path, field: str,
                                                      values: np.ndarray, qgis_new_project: Any) -> None:
    layer = QgsVectorLayer("Point?crs=EPSG:32633&field=name:string", "places", "memory")
    for number, (x, y) in enumerate(((15, 15), (105, 55), (205, 115))):
        feature = QgsFeature(layer.fields())
        feature.setGeometry(QgsGeometry.fromWkt(f"POINT({X + x} {Y - y})"))
        feature["name"] = f"p{number}"
        layer.dataProvider().addFeature(feature)
    import processing

    moved = processing.run("native:reprojectlayer", {"INPUT": layer, "TARGET_CRS": "EPSG:4326",
                                                     "OUTPUT": QgsProcessing.TEMPORARY_OUTPUT})["OUTPUT"]
    QgsProject.instance().addMapLayer(moved)
    moved.selectByExpression("name <> 'p1'")
    found = run_algorithm("embedfeatures", {
        "INPUT": QgsProcessingFeatureSourceDefinition(moved.id(), True), "EMBEDDINGS": field, "SAMPLING": "nearest",
        "OUTPUT": QgsProcessing.TEMPORARY_OUTPUT})
    [chunk] = list(open_table(found["OUTPUT"]).chunks())
    assert chunk.columns["name"] == ["p0", "p2"]
    assert np.array_equal(chunk.vectors, [values[:, 1, 1], values[:, 11, 20]])


@pytest.mark.parametrize("changed, said", [
    ({"STATISTIC": "mode"}, "STATISTIC: “mode” is not one of mean, median, max, std"),
    ({"SAMPLING": "cubic"}, "SAMPLING: “cubic” is not one of bilinear, nearest"),
    ({"OUTPUT": "out.shp"}, "must end in .gpkg"),
    ({"EMBEDDINGS": "none.tif"}, "EMBEDDINGS: there is no file or layer “none.tif”"),
    ({"INPUT": "none.gpkg"}, "INPUT"),
])
def test_wrong_values_are_told_in_words(run_algorithm: Any, tmp_path: Path, field: str, changed: Any,
                                        said: str) -> None:
    parameters = {"INPUT": write_layer(tmp_path / "shapes.gpkg", SHAPES), "EMBEDDINGS": field,
                  "OUTPUT": str(tmp_path / "out.gpkg")}
    with pytest.raises(QgsProcessingException) as caught:
        run_algorithm("embedfeatures", dict(parameters, **changed))
    assert said in str(caught.value)


def test_no_feature_on_the_field_is_one_sentence(run_algorithm: Any, tmp_path: Path, field: str) -> None:
    with pytest.raises(QgsProcessingException) as caught:
        run_algorithm("embedfeatures", {"INPUT": write_layer(tmp_path / "away.gpkg", SHAPES[2:3]),
                                        "EMBEDDINGS": field, "OUTPUT": str(tmp_path / "out.gpkg")})
    assert "lies on valid cells of" in str(caught.value) and not (tmp_path / "out.gpkg").exists()

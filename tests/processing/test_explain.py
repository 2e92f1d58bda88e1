""""Explain a predictor" through processing.run and qgis_process: outputs, layers of any kind, wrong input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qgis.core import (
    QgsProcessingException,
    QgsProcessingFeatureSourceDefinition,
    QgsProject,
    QgsRasterLayer,
    QgsVectorLayer,
)
from small_predictors import invented_vectors, train_on, truth_of, write_invented, write_labels, write_table

from earthprint.engine.space import Space


@pytest.fixture(scope="module")
def made(tmp_path_factory: Any) -> "dict[str, Any]":
    """Return labels over a field, and a predictor of them that uses a column, too."""
    folder = tmp_path_factory.mktemp("explained")
    vectors = invented_vectors()
    age = np.random.default_rng(3).uniform(0, 100, vectors.shape[1:])
    truth = truth_of(vectors) + 0.04 * age
    field = write_invented(folder / "field.tif", vectors)
    columns = {"y": ("real", truth), "age": ("real", age)}
    labels = write_labels(folder / "labels.gpkg", vectors, columns, 150)
    rows = invented_vectors(20, 30, 3).reshape(6, -1).T[200:]
    table = write_table(folder / "table.gpkg", rows, {
        "height": ("real", truth_of(rows.T).tolist()), "age": ("real", [0.0] * len(rows))})
    return {"labels": labels.path, "field": field, "table": table, "rows": rows,
            "y": train_on(labels.path, field, ["y"], folder / "y.onnx", columns=("age",))}


def cells(path: str, name: str) -> "list[Any]":
    layer = QgsVectorLayer(path, "t", "ogr")
    assert layer.isValid()
    return [feature[name] for feature in layer.getFeatures()]


def test_labels_over_a_field_with_all_outputs(run_algorithm: Any, made: Any, tmp_path: Path) -> None:
    paths = {name: str(tmp_path / f"{name}.gpkg") for name in ("OUTPUT", "DEPENDENCE", "EXAMPLES", "DIMENSIONS")}
    found = run_algorithm("explain", {
        "PREDICTOR": made["y"], "INPUT": made["labels"], "EMBEDDINGS": made["field"], "GROUPS": "a=0-1; b=2-5",
        "COORDINATES": "500405,5699695", "NEIGHBOURS": 3, "REPEATS": 3, "REPORT": str(tmp_path / "why.html"), **paths})
    assert {name: found[name] for name in paths} == paths
    assert found["ROWS"] == 150 and found["SCORE"] == pytest.approx(1, abs=1e-3)
    assert "All 150 rows were in the predictor's training" in found["WARNINGS"]
    groups = cells(paths["OUTPUT"], "group")
    assert groups == ["embedding", "a", "b", "age"]
    worth = dict(zip(groups, cells(paths["OUTPUT"], "importance")))
    assert found["MOST_IMPORTANT"] == max(groups[1:], key=worth.__getitem__)
    # A linear column's loss is twice its share of the variance.
    y, age = np.array(cells(made["labels"], "y")), np.array(cells(made["labels"], "age"))
    assert worth["age"] == pytest.approx(2 * (0.04 * age).var() / y.var(), rel=0.15)
    numbers, means = (np.array(cells(paths["DEPENDENCE"], name)) for name in ("number", "mean"))
    np.testing.assert_allclose(np.diff(means) / np.diff(numbers), 0.04, atol=2e-3)
    assert len(cells(paths["EXAMPLES"], "source_id")) == 3 and len(cells(paths["DIMENSIONS"], "moran")) == 6
    assert QgsVectorLayer(paths["EXAMPLES"], "e", "ogr").crs().authid() == "EPSG:32633"
    assert "Predicted from these" in (tmp_path / "why.html").read_text(encoding="utf-8")


def test_selected_rows_of_a_table_by_layers_and_a_target_of_another_name(run_algorithm: Any, made: Any,
                                                                         tmp_path: Path) -> None:
    layer = QgsVectorLayer(made["table"], "table", "ogr")
    QgsProject.instance().addMapLayer(layer)
    layer.selectByExpression('"height" > 10')
    found = run_algorithm("explain", {
        "PREDICTOR": made["y"], "INPUT": QgsProcessingFeatureSourceDefinition(layer.id(), True), "TARGET": ["height"],
        "REPEATS": 1, "OUTPUT": "TEMPORARY_OUTPUT"})
    assert found["ROWS"] == layer.selectedFeatureCount() < len(made["rows"])
    assert found["SCORE"] == pytest.approx(1, abs=1e-3) and "REPORT" not in found and "EXAMPLES" not in found
    QgsProject.instance().removeMapLayer(layer)
    # A layer of labels in memory over a raster layer of the project.
    memory = QgsVectorLayer(made["labels"], "labels", "ogr").materialize(_everything())
    field = QgsRasterLayer(made["field"], "field")
    QgsProject.instance().addMapLayers([memory, field])
    again = run_algorithm("explain", {"PREDICTOR": made["y"].replace(".onnx", ".json"), "INPUT": memory.id(),
                                      "EMBEDDINGS": field.id(), "REPEATS": 1, "OUTPUT": str(tmp_path / "o.gpkg")})
    assert again["ROWS"] == 150
    QgsProject.instance().removeMapLayers([memory.id(), field.id()])


def _everything() -> Any:
    from qgis.core import QgsFeatureRequest

    return QgsFeatureRequest()


def test_wrong_input_names_input_and_remedy(run_algorithm: Any, made: Any, tmp_path: Path) -> None:
    other = write_table(tmp_path / "other.gpkg", made["rows"], {
        "y": ("real", truth_of(made["rows"].T).tolist()), "age": ("real", [0.0] * len(made["rows"]))},
        Space("elsewhere", 6))
    bare = write_table(tmp_path / "bare.gpkg", made["rows"], {"y": ("real", truth_of(made["rows"].T).tolist())})
    base = {"PREDICTOR": made["y"], "INPUT": made["table"], "TARGET": ["height"], "OUTPUT": str(tmp_path / "o.gpkg")}
    for change, words in (
            ({"INPUT": other, "TARGET": None}, "y.onnx and .* hold embeddings of different spaces .*elsewhere"),
            ({"INPUT": bare, "TARGET": None}, "has no column “age”, which the predictor needs"),
            ({"TARGET": None}, "has no column “y”, which .* predicts: name the column"),
            ({"GROUPS": "a=4-6"}, "with dimensions from 0 to 5"),
            ({"REPORT": str(tmp_path / "why.pdf")}, "must end in .html"),
            ({"EXAMPLES": str(tmp_path / "e.gpkg")}, "COORDINATES names none"),
            ({"COORDINATES": "north"}, "is not a list of points")):
        with pytest.raises(QgsProcessingException, match=words):
            run_algorithm("explain", {**base, **change})
    assert not (tmp_path / "o.gpkg").exists()


def test_qgis_process(qgis_process: Any, made: Any, tmp_path: Path) -> None:
    finished = qgis_process("--json", "run", "earthprint:explain", f"PREDICTOR={made['y']}", f"INPUT={made['labels']}",
                            f"EMBEDDINGS={made['field']}", "COORDINATES=500405,5699695; 500300,5699800", "REPEATS=2",
                            f"EXAMPLES={tmp_path / 'e.gpkg'}", f"OUTPUT={tmp_path / 'o.gpkg'}")
    assert finished.code == 0, finished.errors
    results = json.loads(finished.output)["results"]
    assert results["ROWS"] == 150
    assert cells(str(tmp_path / "e.gpkg"), "place") == [1] * 5 + [2] * 5
    assert cells(str(tmp_path / "o.gpkg"), "group") == ["embedding", "age"]

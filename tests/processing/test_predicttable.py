""""Predict table" through processing.run and qgis_process: columns, styles, selections, wrong input."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsGraduatedSymbolRenderer,
    QgsProcessing,
    QgsProcessingException,
    QgsProcessingFeatureSourceDefinition,
    QgsProject,
    QgsVectorLayer,
)
from small_predictors import invented_vectors, train_on, truth_of, write_invented, write_labels, write_table

from earthprint.engine.space import Space


@pytest.fixture(scope="module")
def made(tmp_path_factory: Any) -> "dict[str, Any]":
    """Return a table, its truth, and predictors trained on a field of the same space."""
    folder = tmp_path_factory.mktemp("predictors")
    vectors = invented_vectors()
    truth = truth_of(vectors)
    field = write_invented(folder / "field.tif", vectors)
    kinds = np.array(["low", "high"])[(np.nan_to_num(truth) > 10).astype(int)]
    labels = write_labels(folder / "labels.gpkg", vectors, {"y": ("real", truth), "kind": ("text", kinds)})
    rows = invented_vectors(30, 40, 3).reshape(6, -1).T[240:]
    numbers = list(range(len(rows)))
    return {"table": write_table(folder / "table.gpkg", rows, {"number": ("integer", numbers)}),
            "truth": truth_of(rows.T), "vectors": rows, "y": train_on(labels.path, field, ["y"], folder / "y.onnx"),
            "kind": train_on(labels.path, field, ["kind"], folder / "kind.onnx", "logistic", "classification",
                             colours={"low": "#112233", "high": "#ddeeff"})}


def test_rows_gain_what_is_predicted(run_algorithm: Any, made: Any, tmp_path: Path) -> None:
    found = run_algorithm("predicttable", {"INPUT": made["table"], "PREDICTOR": made["y"],
                                           "OUTPUT": str(tmp_path / "o.gpkg")})
    assert found["OUTPUT"] == str(tmp_path / "o.gpkg") and 0 <= found["SHARE_OUTSIDE"] < 0.5
    layer = QgsVectorLayer(found["OUTPUT"], "o", "ogr")
    assert [field.name() for field in layer.fields()] == [
        "fid", "number", "predicted", "lower", "upper", "applicable", "dissimilarity", "embedding_space", "embedding"]
    rows = list(layer.getFeatures())
    np.testing.assert_allclose([row["predicted"] for row in rows], made["truth"], atol=0.05)
    assert {row["applicable"] for row in rows} <= {True, False}
    again = run_algorithm("predicttable", {"INPUT": found["OUTPUT"], "PREDICTOR": made["kind"],
                                           "OUTPUT": "TEMPORARY_OUTPUT"})
    chained = QgsVectorLayer(again["OUTPUT"], "c", "ogr")
    assert {row["predicted"] for row in chained.getFeatures()} == {"low", "high"}
    np.testing.assert_allclose([row["predicted_1"] for row in chained.getFeatures()], made["truth"], atol=0.05)


def test_selected_rows_of_a_layer(run_algorithm: Any, made: Any, tmp_path: Path) -> None:
    layer = QgsVectorLayer(made["table"], "table", "ogr")
    QgsProject.instance().addMapLayer(layer)
    layer.selectByExpression('"number" >= 900')
    found = run_algorithm("predicttable", {
        "INPUT": QgsProcessingFeatureSourceDefinition(layer.id(), True), "PREDICTOR": made["kind"],
        "PROBABILITIES": True, "APPLICABILITY": False, "OUTPUT": str(tmp_path / "o.gpkg")})
    rows = list(QgsVectorLayer(found["OUTPUT"], "o", "ogr").getFeatures())
    assert [row["number"] for row in rows] == list(range(900, len(made["vectors"])))
    assert all(row["probability_low"] + row["probability_high"] == pytest.approx(1, abs=1e-5) for row in rows)
    QgsProject.instance().removeMapLayer(layer)


def test_results_are_styled(provider: Any, made: Any, qgis_new_project: Any) -> None:
    import processing

    shown = {}
    for name in ("y", "kind"):
        before = set(QgsProject.instance().mapLayers())
        processing.runAndLoadResults("earthprint:predicttable", {
            "INPUT": made["table"], "PREDICTOR": made[name], "OUTPUT": QgsProcessing.TEMPORARY_OUTPUT})
        [new] = set(QgsProject.instance().mapLayers()) - before
        shown[name] = QgsProject.instance().mapLayer(new).renderer()
    assert isinstance(shown["y"], QgsGraduatedSymbolRenderer) and shown["y"].classAttribute() == "predicted"
    assert isinstance(shown["kind"], QgsCategorizedSymbolRenderer)
    assert {(entry.value(), entry.symbol().color().name()) for entry in shown["kind"].categories()} == {
        ("low", "#112233"), ("high", "#ddeeff")}


@pytest.mark.parametrize(("changes", "message"), [
    ({"INTERVAL": 120}, "INTERVAL: 120 is out of range"),
    ({"PREDICTOR": "/nowhere/p.json"}, "PREDICTOR: there is no file or folder"),
    ({"OUTPUT": "/tmp/o.shp"}, "gpkg"),
])
def test_wrong_values_are_told_in_one_sentence(run_algorithm: Any, made: Any, tmp_path: Path, changes: Any,
                                               message: str) -> None:
    with pytest.raises(QgsProcessingException, match=message):
        run_algorithm("predicttable", {"INPUT": made["table"], "PREDICTOR": made["y"],
                                       "OUTPUT": str(tmp_path / "o.gpkg"), **changes})


def test_a_server_predicts_and_refuses(qgis_process: Any, made: Any, tmp_path: Path) -> None:
    qgis_process("run", "earthprint:predicttable", f"INPUT={made['table']}", f"PREDICTOR={made['y']}",
                 f"OUTPUT={tmp_path / 'o.gpkg'}").succeeded()
    rows = list(QgsVectorLayer(str(tmp_path / "o.gpkg"), "o", "ogr").getFeatures())
    np.testing.assert_allclose([row["predicted"] for row in rows], made["truth"], atol=0.05)
    other = write_table(tmp_path / "other.gpkg", made["vectors"], {}, space=Space("elsewhere", 6, "cd" * 32))
    refused = qgis_process("run", "earthprint:predicttable", f"INPUT={other}", f"PREDICTOR={made['y']}",
                           f"OUTPUT={tmp_path / 'x.gpkg'}")
    assert refused.code == 1 and "elsewhere" in refused.errors and not (tmp_path / "x.gpkg").exists()

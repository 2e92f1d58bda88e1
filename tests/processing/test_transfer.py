""""Predict at finer units" through processing.run and qgis_process: totals kept, files written, wrong input."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_tables import cells_of, write_coarse_and_fine
from qgis.core import (
    QgsGraduatedSymbolRenderer,
    QgsProcessing,
    QgsProcessingException,
    QgsProcessingFeatureSourceDefinition,
    QgsProject,
    QgsVectorLayer,
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: Any) -> "dict[str, Any]":
    return write_coarse_and_fine(tmp_path_factory.mktemp("units"))


def call(made: Any, tmp_path: Path, **changes: Any) -> "dict[str, Any]":
    return {"COARSE": made["coarse"], "TARGET": "total", "FINE": made["fine"], "QUANTITY": "total", "WEIGHT": "people",
            "PRESERVE": "totals", "OUTPUT": str(tmp_path / "o.gpkg"), **changes}


def test_totals_are_kept_and_known_values_judge(run_algorithm: Any, made: Any, tmp_path: Path) -> None:
    found = run_algorithm("transfer", call(made, tmp_path, TRUTH="truth", PARENT="block", COARSE_KEY="code",
                                           REPORT=str(tmp_path / "r.html"), MODEL_OUT=str(tmp_path / "p.onnx")))
    cells = cells_of(found["OUTPUT"])
    np.testing.assert_allclose(cells["predicted"], made["truth"], rtol=5e-3)
    np.testing.assert_allclose(np.bincount(made["owner"], cells["predicted"]), made["totals"], rtol=1e-6)
    assert cells["unit"] == cells["block"] and found["KEPT"] == len(made["truth"]) == found["ROWS"]
    assert found["SCORE_FINE"] > 0.99 > found["SCORE_EVEN"]
    assert (tmp_path / "r.html").stat().st_size > 10_000
    # The model of the coarse units goes on as a predictor of its own.
    again = run_algorithm("predicttable", {"INPUT": made["fine"], "PREDICTOR": found["MODEL_OUT"],
                                           "OUTPUT": str(tmp_path / "again.gpkg")})
    rates = np.array(cells["unadjusted"]) / np.array(cells["people"])
    np.testing.assert_allclose(cells_of(again["OUTPUT"])["predicted"], rates, rtol=1e-4)


def test_selected_units_and_a_styled_result(provider: Any, made: Any, qgis_new_project: Any) -> None:
    import processing

    layer = QgsVectorLayer(made["fine"], "fine", "ogr")
    QgsProject.instance().addMapLayer(layer)
    layer.selectByExpression("\"block\" < 'B10'")
    before = set(QgsProject.instance().mapLayers())
    processing.runAndLoadResults("earthprint:transfer", {
        "COARSE": made["coarse"], "TARGET": "rate", "FINE": QgsProcessingFeatureSourceDefinition(layer.id(), True),
        "OUTPUT": QgsProcessing.TEMPORARY_OUTPUT})
    [new] = set(QgsProject.instance().mapLayers()) - before
    result = QgsProject.instance().mapLayer(new)
    assert result.featureCount() == 90 and isinstance(result.renderer(), QgsGraduatedSymbolRenderer)


@pytest.mark.parametrize(("changes", "message"), [
    ({"QUANTITY": "sum"}, "QUANTITY"),
    ({"INTERVAL": 30}, "INTERVAL is 30: give a percentage from 50 to 99"),
    ({"OUTPUT": "/tmp/o.shp"}, "gpkg"),
    ({"MODEL_OUT": "/tmp/p.pkl"}, "must end in .onnx"),
    ({"PARENT": "block"}, "has no column “block”: name in COARSE_KEY"),
    ({"TARGET": "code"}, "no number"),
])
def test_wrong_values_are_told_in_one_sentence(run_algorithm: Any, made: Any, tmp_path: Path, changes: Any,
                                               message: str) -> None:
    with pytest.raises(QgsProcessingException, match=message):
        run_algorithm("transfer", call(made, tmp_path, **changes))
    assert not (tmp_path / "o.gpkg").exists()


def test_a_server_predicts(qgis_process: Any, made: Any, tmp_path: Path) -> None:
    parameters = [f"{name}={value}" for name, value in call(made, tmp_path).items()]
    qgis_process("run", "earthprint:transfer", *parameters).succeeded()
    np.testing.assert_allclose(np.bincount(made["owner"], cells_of(str(tmp_path / "o.gpkg"))["predicted"]),
                               made["totals"], rtol=1e-6)

""""Fill missing values" through processing.run and qgis_process: types, marks, styles and wrong input."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_tables import cells_of, write_gaps
from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsProcessing,
    QgsProcessingException,
    QgsProject,
    QgsVectorLayer,
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: Any) -> "dict[str, Any]":
    return write_gaps(tmp_path_factory.mktemp("gaps"))


def test_numbers_and_classes_are_filled_in_their_own_types(run_algorithm: Any, made: Any, tmp_path: Path) -> None:
    found = run_algorithm("imputetable", {"INPUT": made["path"], "TARGET": ["number", "cover"],
                                          "OUTPUT": str(tmp_path / "o.gpkg"), "REPORT": str(tmp_path / "r.html")})
    cells = cells_of(found["OUTPUT"])
    gaps = made["gaps"]
    assert all(isinstance(one, int) for one in cells["number"])
    np.testing.assert_allclose(cells["number"], made["value"], atol=1)
    np.testing.assert_array_equal(np.array(cells["number"])[~gaps], made["value"][~gaps])
    assert (np.array(cells["cover"]) == made["cover"])[gaps].mean() > 0.85
    assert [bool(mark) for mark in cells["imputed_number"]] == gaps.tolist()
    assert found["FILLED"] == 2 * gaps.sum() and found["LEFT"] == 0 and found["SCORE"] > 0.8
    assert "missing for a reason of their own" in (tmp_path / "r.html").read_text("utf-8")


def test_a_memory_layer_is_filled_and_styled(provider: Any, made: Any, qgis_new_project: Any) -> None:
    import processing

    memory = QgsVectorLayer(made["path"], "gaps", "ogr").materialize(_everything())
    QgsProject.instance().addMapLayer(memory)
    before = set(QgsProject.instance().mapLayers())
    processing.runAndLoadResults("earthprint:imputetable", {
        "INPUT": memory.id(), "TARGET": "cover", "OUTPUT": QgsProcessing.TEMPORARY_OUTPUT})
    [new] = set(QgsProject.instance().mapLayers()) - before
    renderer = QgsProject.instance().mapLayer(new).renderer()
    assert isinstance(renderer, QgsCategorizedSymbolRenderer)
    assert {entry.value() for entry in renderer.categories()} == {"forest", "field"}


def _everything() -> Any:
    from qgis.core import QgsFeatureRequest

    return QgsFeatureRequest()


@pytest.mark.parametrize(("changes", "message"), [
    ({"TARGET": "nothing"}, "nothing"),
    ({"COLUMNS": ["number"]}, "would predict itself"),
    ({"TARGET": "cover", "KIND": "numbers"}, "no number"),
    ({"REPORT": "/tmp/r.pdf"}, "must end in .html"),
    ({"FOLDS": "group"}, "name the column as GROUP"),
])
def test_wrong_values_are_told_in_one_sentence(run_algorithm: Any, made: Any, tmp_path: Path, changes: Any,
                                               message: str) -> None:
    with pytest.raises(QgsProcessingException, match=message):
        run_algorithm("imputetable", {"INPUT": made["path"], "TARGET": "number", "OUTPUT": str(tmp_path / "o.gpkg"),
                                      **changes})
    assert not (tmp_path / "o.gpkg").exists()


def test_a_server_fills(qgis_process: Any, made: Any, tmp_path: Path) -> None:
    qgis_process("run", "earthprint:imputetable", f"INPUT={made['path']}", "TARGET=number",
                 f"OUTPUT={tmp_path / 'o.gpkg'}").succeeded()
    np.testing.assert_allclose(cells_of(str(tmp_path / "o.gpkg"))["number"], made["value"], atol=1)

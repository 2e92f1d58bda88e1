""""Forecast table" through processing.run and qgis_process: dates of a QGIS layer, figures, files and wrong input."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_tables import cells_of, write_series
from qgis.core import (
    QgsFeatureRequest,
    QgsProcessingException,
    QgsProject,
    QgsVectorLayer,
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: Any) -> "dict[str, Any]":
    return write_series(tmp_path_factory.mktemp("series"))


def call(made: Any, tmp_path: Path, **changes: Any) -> "dict[str, Any]":
    return {"INPUT": made["path"], "TARGET": "value", "ID_FIELD": "place", "DATE_FIELD": "day",
            "OUTPUT": str(tmp_path / "o.gpkg"), **changes}


def test_growth_that_the_vectors_tell_is_forecast(run_algorithm: Any, made: Any, tmp_path: Path) -> None:
    found = run_algorithm("forecasttable", call(made, tmp_path, STEPS=2, REPORT=str(tmp_path / "r.html")))
    layer = QgsVectorLayer(found["OUTPUT"], "o", "ogr")
    assert [field.name() for field in layer.fields()] == ["fid", "place", "day", "step", "predicted", "lower", "upper"]
    rows = list(layer.getFeatures())
    assert [row["day"].toString("yyyy-MM-dd") for row in rows[:2]] == ["2018-07-01", "2019-07-01"]
    assert rows[0].geometry().area() == pytest.approx(1e6)
    first = np.array([row["predicted"] for row in rows if row["step"] == 1])
    assert np.sqrt(((first - made["next"]) ** 2).mean()) < 0.75
    inside = [row["lower"] <= truth <= row["upper"] for row, truth in
              zip((row for row in rows if row["step"] == 1), made["next"])]
    assert np.mean(inside) >= 0.75
    assert found["SKILL"] > 0.8 and found["RMSE"] < found["RMSE_LAST"] and found["STEP"] == "year"
    assert found["ROWS"] == 80 and found["UNITS"] == 40 and "What comes" in (tmp_path / "r.html").read_text("utf-8")


def test_a_memory_layer_with_dates_of_qgis(run_algorithm: Any, made: Any, tmp_path: Path,
                                           qgis_new_project: Any) -> None:
    memory = QgsVectorLayer(made["path"], "series", "ogr").materialize(QgsFeatureRequest())
    QgsProject.instance().addMapLayer(memory)
    found = run_algorithm("forecasttable", call(made, tmp_path, INPUT=memory.id()))
    plain = run_algorithm("forecasttable", call(made, tmp_path, OUTPUT=str(tmp_path / "plain.gpkg")))
    assert cells_of(found["OUTPUT"]) == cells_of(plain["OUTPUT"])


@pytest.mark.parametrize(("changes", "message"), [
    ({"STEPS": 12}, "too few to learn a step of"),
    ({"STEPS": 0}, "STEPS"),
    ({"DATE_FIELD": "place"}, "is no date"),
    ({"ID_FIELD": "day", "DATE_FIELD": "day"}, "two rows"),
    ({"TARGET": "place"}, "no number"),
    ({"DATE_FIELD": ""}, "DATE_FIELD"),
])
def test_wrong_values_are_told_in_one_sentence(run_algorithm: Any, made: Any, tmp_path: Path, changes: Any,
                                               message: str) -> None:
    with pytest.raises(QgsProcessingException, match=message):
        run_algorithm("forecasttable", call(made, tmp_path, **changes))
    assert not (tmp_path / "o.gpkg").exists()


def test_a_server_forecasts(qgis_process: Any, made: Any, tmp_path: Path) -> None:
    parameters = [f"{name}={value}" for name, value in call(made, tmp_path).items()]
    qgis_process("run", "earthprint:forecasttable", *parameters).succeeded()
    assert len(cells_of(str(tmp_path / "o.gpkg"))["predicted"]) == 40

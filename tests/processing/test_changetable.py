""""Change between rows" through processing.run: every kind of layer, and what is refused."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from change_rasters import space, utm
from osgeo import ogr
from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsProcessing,
    QgsProcessingException,
    QgsProject,
    QgsVectorLayer,
)

from earthprint.engine.table import ColumnSpec, TableWriter

DAYS = ("2019-06-01", "2021-06-01", "2020-06-01")


@pytest.fixture
def plots(tmp_path: Path) -> str:
    """Return a table of 8 plots at 3 dates, not in order; the vector of plot 3 turns around at the last."""
    random = np.random.default_rng(0)
    base = random.normal(size=(8, 4))
    with TableWriter(str(tmp_path / "plots.gpkg"), utm(), ogr.wkbPoint,
                     [ColumnSpec("plot", "integer"), ColumnSpec("day", "date")], space(4)) as writer:
        for day in DAYS:
            vectors = base + random.normal(0, 0.05, base.shape)
            if day == "2021-06-01":
                vectors[3] *= -1
            writer.write([struct.pack("<BIdd", 1, 1, plot, 0) for plot in range(8)],
                         {"plot": list(range(8)), "day": [day] * 8}, vectors.astype(np.float32))
    return str(tmp_path / "plots.gpkg")


def test_a_table_of_dates_gets_its_change(run_algorithm: Any, plots: str, tmp_path: Path) -> None:
    found = run_algorithm("changetable", {"INPUT": plots, "ID_FIELD": "plot", "DATE_FIELD": "day", "THRESHOLD": "1",
                                          "OUTPUT": str(tmp_path / "out.gpkg")})
    rows = list(QgsVectorLayer(found["OUTPUT"], "out").getFeatures())
    assert [row["plot"] for row in rows] == list(range(8)) * 3
    changed = [(row["plot"], row["day"].toString("yyyy"), row["previous"].toString("yyyy"))
               for row in rows if row["changed"] is True]
    assert changed == [(3, "2021", "2020")] and found["CHANGED_ROWS"] == 1 and found["COMPARED"] == 16
    assert found["THRESHOLD_OUT"] == 1


def test_filtered_and_selected_layers_count_as_they_show(run_algorithm: Any, plots: str, tmp_path: Path) -> None:
    layer = QgsVectorLayer(plots, "plots")
    layer.setSubsetString("day <> '2020-06-01'")
    found = run_algorithm("changetable", {"INPUT": layer, "ID_FIELD": "plot", "DATE_FIELD": "day", "THRESHOLD": "1",
                                          "OUTPUT": str(tmp_path / "out.gpkg")})
    rows = list(QgsVectorLayer(found["OUTPUT"], "out").getFeatures())
    assert len(rows) == 16
    assert {row["previous"].toString("yyyy") for row in rows if row["changed"] is True} == {"2019"}


def test_two_tables(run_algorithm: Any, plots: str, tmp_path: Path) -> None:
    layers = []
    for day in ("2020-06-01", "2021-06-01"):
        layer = QgsVectorLayer(plots, day)
        layer.setSubsetString(f"day = '{day}'")
        layers.append(layer)
    found = run_algorithm("changetable", {"BEFORE": layers[0], "AFTER": layers[1], "ID_FIELD": "plot",
                                          "THRESHOLD": "1", "OUTPUT": str(tmp_path / "out.gpkg")})
    rows = list(QgsVectorLayer(found["OUTPUT"], "out").getFeatures())
    assert [row["changed"] for row in rows] == [plot == 3 for plot in range(8)]


def test_the_result_is_styled_when_it_is_loaded(provider: Any, plots: str, qgis_new_project: Any) -> None:
    import processing

    processing.runAndLoadResults("earthprint:changetable", {
        "INPUT": plots, "ID_FIELD": "plot", "DATE_FIELD": "day", "OUTPUT": QgsProcessing.TEMPORARY_OUTPUT})
    [layer] = QgsProject.instance().mapLayers().values()
    renderer = layer.renderer()
    assert isinstance(renderer, QgsCategorizedSymbolRenderer) and renderer.classAttribute() == "changed"
    assert [category.label() for category in renderer.categories()] == ["changed", "unchanged", "not compared"]


def test_what_does_not_go_together_is_said_in_words(run_algorithm: Any, plots: str, tmp_path: Path) -> None:
    def refused(words: str, **parameters: Any) -> None:
        with pytest.raises(QgsProcessingException) as raised:
            run_algorithm("changetable", dict(parameters, OUTPUT=str(tmp_path / "out.gpkg")))
        assert words in str(raised.value), str(raised.value)
        assert not (tmp_path / "out.gpkg").exists()

    refused("INPUT is missing")
    refused("AFTER is missing", BEFORE=plots)
    refused("BEFORE and INPUT are given", BEFORE=plots, INPUT=plots)
    refused("ID_FIELD and DATE_FIELD must name the columns", INPUT=plots)
    refused("needs at least 4 dates", INPUT=plots, ID_FIELD="plot", DATE_FIELD="day", METHOD="history")
    refused("has no column “when”", INPUT=plots, ID_FIELD="plot", DATE_FIELD="when")


def test_it_runs_headless(qgis_process: Any, plots: str, tmp_path: Path) -> None:
    ended = qgis_process("run", "earthprint:changetable", f"INPUT={plots}", "ID_FIELD=plot", "DATE_FIELD=day",
                         "METHOD=standardised", "THRESHOLD=triangle", f"OUTPUT={tmp_path / 'out.gpkg'}").succeeded()
    assert ended.results()["COMPARED"] == "16" and (tmp_path / "out.gpkg").exists()

""""Compare encoders" through processing.run, qgis_process and a model: what comes out, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from osgeo import ogr
from qgis.core import (
    QgsFeature,
    QgsFeatureRequest,
    QgsGeometry,
    QgsPointXY,
    QgsProcessingException,
    QgsVectorLayer,
)
from small_fields import wkt_of, write_field

from earthprint.engine.plain_layer import LayerWriter
from earthprint.engine.space import Space
from earthprint.engine.table import ColumnSpec
from earthprint.processing_provider.benchmark_inputs import results_beside, targets_of

SIDE, CELL = 30, 100.0
TRANSFORM = (500000.0, CELL, 0.0, 5700000.0, 0.0, -CELL)
VALUES = np.random.default_rng(0).standard_normal((3, SIDE, SIDE))
CELLS = np.random.default_rng(1).choice(SIDE * SIDE, 80, replace=False)
QUICK = {"PROBES": "linear", "LABELS": "0", "GEOBIAS": False}


@pytest.fixture
def field(tmp_path: Path) -> str:
    return write_field(tmp_path / "field.tif", VALUES, TRANSFORM, space=Space("made", 3))


@pytest.fixture
def labels(tmp_path: Path) -> str:
    """Return points in the middle of cells, with a number and a class that the field's first band decides."""
    values = VALUES[0].ravel()[CELLS]
    rows, columns = np.divmod(CELLS, SIDE)
    points = []
    for row, column in zip(rows.tolist(), columns.tolist()):
        point = ogr.Geometry(ogr.wkbPoint)
        point.AddPoint_2D(TRANSFORM[0] + CELL * (column + 0.5), TRANSFORM[3] - CELL * (row + 0.5))
        points.append(bytes(point.ExportToWkb(ogr.wkbNDR)))
    with LayerWriter(str(tmp_path / "labels.gpkg"), wkt_of(32633), ogr.wkbPoint, [
            ColumnSpec("height", "real"), ColumnSpec("kind", "text"), ColumnSpec("same", "real")]) as writer:
        writer.write(points, {"height": values.tolist(), "kind": np.where(values > 0, "high", "low").tolist(),
                              "same": [1.0] * len(points)})
    return str(tmp_path / "labels.gpkg")


def rows_of(path: str) -> "list[dict[str, Any]]":
    layer = QgsVectorLayer(path, "scores", "ogr")
    names = [field.name() for field in layer.fields()]
    return [dict(zip(names, feature.attributes())) for feature in layer.getFeatures()]


def refused(run_algorithm: Any, **parameters: Any) -> str:
    with pytest.raises(QgsProcessingException) as caught:
        run_algorithm("benchmarkencoders", {"OUTPUT": "TEMPORARY_OUTPUT", **QUICK, **parameters})
    return str(caught.value)


def test_two_targets_of_a_memory_layer_and_a_second_run(run_algorithm: Any, field: str, labels: str,
                                                       tmp_path: Path) -> None:
    memory = QgsVectorLayer(labels, "shown", "ogr").materialize(QgsFeatureRequest())
    memory.setName("plots")
    found = run_algorithm("benchmarkencoders", {
        **QUICK, "INPUTS": [memory], "TARGET": "height;kind", "FIELDS": [field], "ENCODERS": "fourier-sphere",
        "OUTPUT": str(tmp_path / "scores.gpkg"), "REPORT": str(tmp_path / "scores.html")})
    rows = rows_of(found["OUTPUT"])
    assert found["BEST"] == "field" and found["SCORE"] > 0.9 and found["ROWS"] == 160 and found["KEPT"] == 0
    assert {(row["layer"], row["target"], row["measure"]) for row in rows} == {
        ("plots", "height", "R²"), ("plots", "kind", "balanced accuracy")}
    assert {row["candidate"] for row in rows} == {"field", "fourier-sphere", "coordinates", "mean", "majority"}
    best = next(row for row in rows if (row["candidate"], row["target"], row["folds"]) == ("field", "height", "blocks"))
    assert best["score"] > 0.99 and best["diff_lower"] > 0 and best["verdict"].startswith("beats")
    assert (tmp_path / "scores.results").is_dir()
    again = run_algorithm("benchmarkencoders", {
        **QUICK, "INPUTS": [memory], "TARGET": "height;kind", "FIELDS": [field], "ENCODERS": "fourier-sphere",
        "OUTPUT": str(tmp_path / "scores.gpkg")})
    assert again["COMPUTED"] == 0 and again["KEPT"] == found["COMPUTED"] and rows_of(again["OUTPUT"]) == rows


def test_headless_with_several_layers(qgis_process: Any, field: str, labels: str, tmp_path: Path) -> None:
    finished = qgis_process(
        "--json", "run", "earthprint:benchmarkencoders", f"INPUTS={labels}", f"INPUTS={labels}", "TARGET=height;kind",
        f"FIELDS={field}", "ENCODERS=", "PROBES=linear", "FOLDS=random", "LABELS=0",
        f"RESULTS={tmp_path / 'kept'}", f"OUTPUT={tmp_path / 'scores.gpkg'}", f"REPORT={tmp_path / 'page.html'}")
    results = finished.succeeded().json()["results"]
    assert results["BEST"] == "field" and results["SCORE"] > 0.9
    assert len(list((tmp_path / "kept").glob("probed-*.npz"))) == 4
    assert "field (linear) reaches R²" in (tmp_path / "page.html").read_text(encoding="utf-8")
    rows = rows_of(str(tmp_path / "scores.gpkg"))
    assert {(row["target"], row["candidate"]) for row in rows} == {
        (target, name) for target, floor in (("height", "mean"), ("kind", "majority"))
        for name in ("field", "coordinates", floor)}


def test_what_is_refused_is_told_in_a_sentence(run_algorithm: Any, field: str, labels: str) -> None:
    given = {"INPUTS": [labels], "FIELDS": [field], "ENCODERS": ""}
    assert "no column “depth”" in refused(run_algorithm, **given, TARGET="depth")
    assert "“same”" in refused(run_algorithm, **given, TARGET="same", TASK="regression")
    assert "TARGET is empty" in refused(run_algorithm, **given, TARGET=" ; ")
    assert "2 entries for 3 layers" in refused(run_algorithm, **{**given, "INPUTS": [labels] * 3}, TARGET="height;kind")
    assert "PROBES: “boosting”" in refused(run_algorithm, **{**given, "PROBES": "knn;boosting"}, TARGET="height")
    assert "LABELS: “many”" in refused(run_algorithm, **{**given, "LABELS": "10;many"}, TARGET="height")
    said = refused(run_algorithm, **{**given, "ENCODERS": "spheric-harmonics"}, TARGET="height")
    assert "no encoder spheric-harmonics" in said and "spherical-harmonics" in said
    assert "not a raster" in refused(run_algorithm, **{**given, "FIELDS": [labels]}, TARGET="height")
    assert "INPUTS" in refused(run_algorithm, **{**given, "INPUTS": [field]}, TARGET="height")


def test_labels_are_not_written_over(run_algorithm: Any, field: str, labels: str) -> None:
    said = refused(run_algorithm, INPUTS=[labels], TARGET="height", FIELDS=[field], OUTPUT=labels)
    assert "OUTPUT: " in said and "labels.gpkg holds INPUTS, which the result would replace: choose another" in said
    assert len(rows_of(labels)) == 80


def test_swapped_coordinates_are_suspected_in_a_sentence(run_algorithm: Any) -> None:
    layer = QgsVectorLayer("Point?crs=EPSG:4326&field=height:double", "swapped", "memory")
    features = []
    for number in range(40):
        feature = QgsFeature(layer.fields())
        feature.setGeometry(QgsGeometry.fromPointXY(QgsPointXY(48 + 0.1 * (number % 7), 101 + 0.1 * number)))
        feature.setAttributes([float(number)])
        features.append(feature)
    assert layer.dataProvider().addFeatures(features)[0]
    said = refused(run_algorithm, INPUTS=[layer], TARGET="height", ENCODERS="xyz")
    assert "has the latitude 101°, beyond a pole, and the longitude 48°: the two seem to be swapped" in said


def test_texts_become_targets_and_folders() -> None:
    assert targets_of("a;b", 1) == (("a", "b"),)
    assert targets_of("a", 3) == (("a",),) * 3
    assert targets_of("a, b;c", 2) == (("a", "b"), ("c",))
    assert results_beside("/x/y/scores.gpkg") == "/x/y/scores.results"
    assert results_beside("/x/all.gpkg|layername=run") == "/x/all.run.results"

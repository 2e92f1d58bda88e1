""""Train regression" through processing.run and qgis_process: sources of vectors, results, styles and wrong input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from osgeo import ogr
from qgis.core import (
    QgsFeature,
    QgsGraduatedSymbolRenderer,
    QgsProcessingException,
    QgsProcessingFeatureSourceDefinition,
    QgsProject,
    QgsVectorLayer,
)
from small_fields import wkt_of, write_field

from earthprint.engine.plain_layer import LayerWriter
from earthprint.engine.predictors.predictor import open_predictor
from earthprint.engine.progress import Silent
from earthprint.engine.space import Space
from earthprint.engine.table import ColumnSpec, TableWriter

SIDE, CELL, DIMENSIONS = 40, 10.0, 5
TRANSFORM = (500000.0, CELL, 0.0, 5700000.0, 0.0, -CELL)
VECTORS = np.random.default_rng(0).standard_normal((DIMENSIONS, SIDE, SIDE)).astype(np.float32)
SLOPES = np.array([3.0, -2.0, 1.0, 0.5, 0.0])
CHOSEN = np.random.default_rng(1).choice(SIDE * SIDE, 150, replace=False)
SPACE = Space("made", DIMENSIONS)


def wkb(text: str) -> bytes:
    return bytes(ogr.CreateGeometryFromWkt(text).ExportToWkb(ogr.wkbNDR))


def centre(cell: int) -> "tuple[float, float]":
    row, column = divmod(int(cell), SIDE)
    return TRANSFORM[0] + CELL * (column + 0.5), TRANSFORM[3] - CELL * (row + 0.5)


def target_of(cells: np.ndarray) -> np.ndarray:
    return 10.0 + SLOPES @ VECTORS.reshape(DIMENSIONS, -1)[:, cells]


@pytest.fixture
def field(tmp_path: Path) -> str:
    return write_field(tmp_path / "field.tif", VECTORS, TRANSFORM, space=SPACE)


@pytest.fixture
def labels(tmp_path: Path) -> str:
    """Return points in the middle of cells, with a target that is a plain function of the vectors."""
    with LayerWriter(str(tmp_path / "labels.gpkg"), wkt_of(32633), ogr.wkbPoint, [
            ColumnSpec("biomass", "real"), ColumnSpec("twice", "real"), ColumnSpec("plot", "text"),
            ColumnSpec("constant", "real"), ColumnSpec("hole", "real")]) as writer:
        values = target_of(CHOSEN).tolist()
        writer.write([wkb("POINT ({} {})".format(*centre(cell))) for cell in CHOSEN], {
            "biomass": values, "twice": [2 * value for value in values],
            "plot": [f"p{number % 3}" for number in range(len(CHOSEN))], "constant": [4.0] * len(CHOSEN),
            "hole": [None if number < 10 else value for number, value in enumerate(values)]})
    return str(tmp_path / "labels.gpkg")


def refused(run_algorithm: Any, **parameters: Any) -> str:
    with pytest.raises(QgsProcessingException) as caught:
        run_algorithm("trainregression", parameters)
    return str(caught.value)


def test_points_over_a_field_give_a_predictor_with_all_beside_it(run_algorithm: Any, field: str, labels: str,
                                                                 tmp_path: Path) -> None:
    found = run_algorithm("trainregression", {
        "INPUT": labels, "TARGET": "biomass", "EMBEDDINGS": field, "UNIT": "t/ha", "OUTPUT": str(tmp_path / "p.onnx"),
        "REPORT": str(tmp_path / "r.html"), "PREDICTIONS": str(tmp_path / "f.gpkg")})
    assert found["SCORE"] > 0.999 and found["ROWS"] == 150 and found["MODEL_USED"] == "ridge"
    # Ridge on what was sampled is the plane itself, so what it stores is its slopes.
    card = open_predictor(str(tmp_path / "p.onnx"), Silent()).card
    assert card.space == SPACE and card.target.units == ("t/ha",)
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "biomass" in page and "<script" not in page and "http" not in page.replace("http://www.w3.org/", "")
    layer = QgsVectorLayer(found["PREDICTIONS"], "folds", "ogr")
    rows = {round(feature["biomass"], 9): feature for feature in layer.getFeatures()}
    assert len(rows) == 150
    for cell, truth in zip(CHOSEN, target_of(CHOSEN)):
        feature = rows[round(truth, 9)]
        assert feature.geometry().asPoint().x() == pytest.approx(centre(cell)[0])
        assert feature["residual"] == pytest.approx(truth - feature["predicted"])
        assert feature["predicted"] == pytest.approx(truth, abs=0.05)


def test_polygons_give_their_cells_and_stay_in_one_fold(run_algorithm: Any, field: str, tmp_path: Path) -> None:
    shapes, values = [], []
    for number in range(60):
        row, column = divmod(number, 10)
        x, y = TRANSFORM[0] + 40 * column, TRANSFORM[3] - 60 * row
        shapes.append(wkb(f"POLYGON (({x} {y}, {x + 30} {y}, {x + 30} {y - 40}, {x} {y - 40}, {x} {y}))"))
        cells = VECTORS[:, 6 * row:6 * row + 4, 4 * column:4 * column + 3]
        values.append(float(SLOPES @ cells.mean(axis=(1, 2))))
    with LayerWriter(str(tmp_path / "plots.gpkg"), wkt_of(32633), ogr.wkbPolygon,
                     [ColumnSpec("yield", "real")]) as writer:
        writer.write(shapes, {"yield": values})
    mean = run_algorithm("trainregression", {
        "INPUT": str(tmp_path / "plots.gpkg"), "TARGET": "yield", "EMBEDDINGS": field, "CELLS": "mean",
        "OUTPUT": str(tmp_path / "mean.onnx")})
    assert mean["ROWS"] == 60 and mean["SCORE"] > 0.999
    cells = run_algorithm("trainregression", {
        "INPUT": str(tmp_path / "plots.gpkg"), "TARGET": "yield", "EMBEDDINGS": field, "CELLS": "all",
        "PREDICTIONS": str(tmp_path / "cells.gpkg"), "OUTPUT": str(tmp_path / "cells.onnx")})
    assert cells["ROWS"] == 60 * 12
    folds: "dict[int, set]" = {}
    for feature in QgsVectorLayer(cells["PREDICTIONS"], "cells", "ogr").getFeatures():
        folds.setdefault(feature["source_id"], set()).add(feature["fold"])
    assert len(folds) == 60 and all(len(found) == 1 for found in folds.values())
    few = run_algorithm("trainregression", {
        "INPUT": str(tmp_path / "plots.gpkg"), "TARGET": "yield", "EMBEDDINGS": field, "MOST_CELLS": 3,
        "OUTPUT": "TEMPORARY_OUTPUT"})
    assert few["ROWS"] == 60 * 3 and Path(few["OUTPUT"]).suffix == ".onnx"


def test_a_table_trains_on_its_own_vectors_and_joins_to_others(run_algorithm: Any, labels: str,
                                                               tmp_path: Path) -> None:
    cells = np.arange(SIDE * SIDE)
    with TableWriter(tmp_path / "t.gpkg", wkt_of(32633), ogr.wkbPoint, [
            ColumnSpec("cell", "text"), ColumnSpec("biomass", "real")], SPACE) as writer:
        writer.write([wkb("POINT ({} {})".format(*centre(cell))) for cell in cells],
                     {"cell": [f"c{cell}" for cell in cells], "biomass": target_of(cells).tolist()},
                     VECTORS.reshape(DIMENSIONS, -1).T)
    own = run_algorithm("trainregression", {"INPUT": str(tmp_path / "t.gpkg"), "TARGET": "biomass",
                                            "OUTPUT": str(tmp_path / "own.onnx")})
    assert own["ROWS"] == SIDE * SIDE and own["SCORE"] > 0.999
    by_place = run_algorithm("trainregression", {
        "INPUT": labels, "TARGET": "biomass", "EMBEDDINGS": str(tmp_path / "t.gpkg"),
        "OUTPUT": str(tmp_path / "place.onnx")})
    assert by_place["ROWS"] == 150 and by_place["SCORE"] > 0.999
    with LayerWriter(str(tmp_path / "keys.gpkg"), "", ogr.wkbNone, [
            ColumnSpec("name", "text"), ColumnSpec("biomass", "real")]) as writer:
        writer.write([None] * 100, {"name": [f"c{cell}" for cell in CHOSEN[:100]],
                                    "biomass": target_of(CHOSEN[:100]).tolist()})
    by_key = run_algorithm("trainregression", {
        "INPUT": str(tmp_path / "keys.gpkg"), "TARGET": "biomass", "EMBEDDINGS": str(tmp_path / "t.gpkg"),
        "KEY": "name", "EMBEDDINGS_KEY": "cell", "OUTPUT": str(tmp_path / "key.onnx")})
    assert by_key["ROWS"] == 100 and by_key["SCORE"] > 0.99


def test_selections_and_memory_layers_are_respected(run_algorithm: Any, field: str, labels: str,
                                                    tmp_path: Path) -> None:
    source = QgsVectorLayer(labels, "labels", "ogr")
    layer = QgsVectorLayer("Point?crs=EPSG:32633&field=biomass:double", "memory", "memory")
    features = []
    for given in source.getFeatures():
        feature = QgsFeature(layer.fields())
        feature.setGeometry(given.geometry())
        feature["biomass"] = given["biomass"]
        features.append(feature)
    layer.dataProvider().addFeatures(features)
    layer.selectByIds([feature.id() for feature in layer.getFeatures()][:80])
    QgsProject.instance().addMapLayer(layer)
    try:
        found = run_algorithm("trainregression", {
            "INPUT": QgsProcessingFeatureSourceDefinition(layer.id(), True), "TARGET": "biomass", "EMBEDDINGS": field,
            "OUTPUT": str(tmp_path / "p.onnx")})
    finally:
        QgsProject.instance().removeMapLayer(layer.id())
    assert found["ROWS"] == 80


def test_out_of_fold_points_are_coloured_by_their_error(provider: Any, labels: str, field: str,
                                                        tmp_path: Path) -> None:
    from earthprint.processing_provider.styles.residual_points import style_residuals

    with LayerWriter(str(tmp_path / "f.gpkg"), wkt_of(32633), ogr.wkbPoint, [ColumnSpec("residual", "real")]) as writer:
        writer.write([wkb(f"POINT ({x} 1)") for x in range(4)], {"residual": [-2.0, -0.1, 0.2, 5.0]})
    layer = QgsVectorLayer(str(tmp_path / "f.gpkg"), "f", "ogr")
    style_residuals(layer, "residual")
    renderer = layer.renderer()
    assert isinstance(renderer, QgsGraduatedSymbolRenderer) and renderer.classAttribute() == "residual"
    ranges = renderer.ranges()
    assert len(ranges) == 5 and ranges[2].lowerValue() == -ranges[2].upperValue()
    assert ranges[0].lowerValue() <= -2.0 and ranges[4].upperValue() >= 5.0


def test_several_targets_have_columns_of_their_own(run_algorithm: Any, field: str, labels: str,
                                                   tmp_path: Path) -> None:
    found = run_algorithm("trainregression", {
        "INPUT": labels, "TARGET": ["biomass", "twice"], "EMBEDDINGS": field, "OUTPUT": str(tmp_path / "p.onnx"),
        "PREDICTIONS": str(tmp_path / "f.gpkg")})
    names = [field.name() for field in QgsVectorLayer(found["PREDICTIONS"], "f", "ogr").fields()]
    assert {"predicted_biomass", "lower_twice", "residual_twice"} <= set(names)
    assert found["SCORE"] > 0.999


def test_missing_values_of_the_target_are_counted(qgis_process: Any, field: str, labels: str, tmp_path: Path) -> None:
    ended = qgis_process("run", "earthprint:trainregression", f"INPUT={labels}", "TARGET=hole", f"EMBEDDINGS={field}",
                         "OUTPUT=p.onnx", cwd=tmp_path)
    assert ended.code == 0, ended.errors
    said = ended.output + ended.errors
    assert "140 of 150 labels" in said and "10 have no value" in said.replace("no target", "no value") or "10" in said
    assert json.loads((tmp_path / "p.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("changed, words", [
    ({"TARGET": "constant"}, "constant"),
    ({"TARGET": "biomass", "FOLDS": "group"}, "GROUP"),
    ({"TARGET": "biomass", "FOLD_COUNT": 50, "FOLDS": "random", "BLOCK_SIZE": -1}, "BLOCK_SIZE"),
    ({"TARGET": "biomass", "COLUMNS": ["biomass"]}, "biomass"),
    ({"TARGET": "biomass", "EMBEDDINGS": "nowhere.tif"}, "nowhere.tif"),
    ({"TARGET": "biomass", "OUTPUT": "p.pkl"}, ".onnx"),
])
def test_wrong_input_is_one_sentence(run_algorithm: Any, field: str, labels: str, tmp_path: Path, changed: dict,
                                     words: str) -> None:
    given = {"INPUT": labels, "EMBEDDINGS": field, "OUTPUT": str(tmp_path / "out" / "p.onnx"), **changed}
    (tmp_path / "out").mkdir()
    if changed.get("OUTPUT"):
        given["OUTPUT"] = str(tmp_path / "out" / changed["OUTPUT"])
    said = refused(run_algorithm, **given)
    assert words in said and "Traceback" not in said
    assert not list((tmp_path / "out").iterdir())


def test_labels_that_lie_elsewhere_are_refused(run_algorithm: Any, field: str, tmp_path: Path) -> None:
    with LayerWriter(str(tmp_path / "far.gpkg"), wkt_of(32633), ogr.wkbPoint, [ColumnSpec("v", "real")]) as writer:
        writer.write([wkb(f"POINT ({x} 0)") for x in range(30)], {"v": [float(x) for x in range(30)]})
    said = refused(run_algorithm, INPUT=str(tmp_path / "far.gpkg"), TARGET="v", EMBEDDINGS=field,
                   OUTPUT=str(tmp_path / "p.onnx"))
    assert "30" in said and said.rstrip().endswith(".")

""""Train classification" through processing.run and qgis_process: classes, merging, weights, and wrong input."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from osgeo import ogr
from qgis.core import QgsCategorizedSymbolRenderer, QgsProcessingException, QgsVectorLayer
from small_fields import wkt_of

from earthprint.engine.predictors.predictor import Wanted, open_predictor
from earthprint.engine.progress import Silent
from earthprint.engine.space import Space
from earthprint.engine.table import ColumnSpec, TableWriter

ROWS, DIMENSIONS = 240, 4
KINDS = ("forest", "meadow", "pasture", "water")


@pytest.fixture
def table(tmp_path: Path) -> str:
    """Return points of four kinds, of which meadow and pasture are near each other and water is rare."""
    chance = np.random.default_rng(0)
    kind = np.where(np.arange(ROWS) % 20 == 0, 3, np.arange(ROWS) % 3)
    centres = np.array([[4, 0, 0, 0], [0, 4, 0, 0], [0, 4, 0.5, 0], [0, 0, 0, 4]], dtype=float)
    vectors = (centres[kind] + chance.normal(0, 0.4, (ROWS, DIMENSIONS))).astype(np.float32)
    places = chance.uniform(0, 20_000, (ROWS, 2))
    with TableWriter(tmp_path / "t.gpkg", wkt_of(32633), ogr.wkbPoint, [
            ColumnSpec("kind", "text"), ColumnSpec("code", "integer"), ColumnSpec("only", "text"),
            ColumnSpec("length", "real")], Space("made", DIMENSIONS)) as writer:
        writer.write([bytes(ogr.CreateGeometryFromWkt(f"POINT ({x} {y})").ExportToWkb(ogr.wkbNDR))
                      for x, y in places.tolist()],
                     {"kind": [KINDS[number] for number in kind], "code": (10 * (kind + 1)).tolist(),
                      "only": ["all"] * ROWS, "length": chance.uniform(0, 1, ROWS).tolist()}, vectors)
    return str(tmp_path / "t.gpkg")


def refused(run_algorithm: Any, **parameters: Any) -> str:
    with pytest.raises(QgsProcessingException) as caught:
        run_algorithm("trainclassification", parameters)
    return str(caught.value)


def test_classes_are_told_apart_and_their_rows_shown(run_algorithm: Any, table: str, tmp_path: Path) -> None:
    from earthprint.processing_provider.styles.residual_points import style_right

    found = run_algorithm("trainclassification", {
        "INPUT": table, "TARGET": "kind", "OUTPUT": str(tmp_path / "p.onnx"), "REPORT": str(tmp_path / "r.html"),
        "PREDICTIONS": str(tmp_path / "f.gpkg")})
    assert 0.7 < found["SCORE"] < 0.95 and found["MODEL_USED"] == "logistic"
    layer = QgsVectorLayer(found["PREDICTIONS"], "f", "ogr")
    truth, named, right, probability = zip(*([feature["kind"], feature["predicted"], feature["right"],
                                              feature["probability"]] for feature in layer.getFeatures()))
    assert [one == two for one, two in zip(truth, named)] == [bool(value) for value in right]
    recalls = [np.mean([name == kind for name, given in zip(named, truth) if given == kind]) for kind in KINDS]
    assert found["SCORE"] == pytest.approx(np.mean(recalls))
    assert abs(np.mean(probability) - np.mean(right)) < 0.05
    style_right(layer)
    assert isinstance(layer.renderer(), QgsCategorizedSymbolRenderer)


def test_merged_classes_are_one_and_small_ones_are_left_out(run_algorithm: Any, table: str, tmp_path: Path) -> None:
    found = run_algorithm("trainclassification", {
        "INPUT": table, "TARGET": "kind", "MERGE": "meadow=grass; pasture=grass", "MIN_CLASS": 20,
        "OUTPUT": str(tmp_path / "p.onnx")})
    plan = open_predictor(str(tmp_path / "p.onnx"), Silent()).card.target
    assert [part.value for part in plan.classes] == ["forest", "grass"]
    assert found["SCORE"] > 0.99 and found["ROWS"] == ROWS - 12


def test_balanced_weights_find_more_of_the_rare_class(run_algorithm: Any, tmp_path: Path) -> None:
    chance = np.random.default_rng(1)
    rare = np.arange(400) % 10 == 0
    vectors = (chance.normal(0, 1, (400, 3)) + 1.2 * rare[:, np.newaxis] * [1, 0, 0]).astype(np.float32)
    with TableWriter(tmp_path / "t.gpkg", "", ogr.wkbNone, [ColumnSpec("kind", "text")], Space("made", 3)) as writer:
        writer.write([None] * 400, {"kind": np.where(rare, "rare", "common").tolist()}, vectors)
    found = {}
    for weights in ("equal", "balanced"):
        run_algorithm("trainclassification", {"INPUT": str(tmp_path / "t.gpkg"), "TARGET": "kind",
                                              "CLASS_WEIGHTS": weights, "OUTPUT": str(tmp_path / f"{weights}.onnx")})
        predictor = open_predictor(str(tmp_path / f"{weights}.onnx"), Silent())
        named = predictor.predict(np.ascontiguousarray(vectors.T), Wanted()).classes
        found[weights] = int((named[rare] == 1).sum())
    assert found["balanced"] > 2 * found["equal"] + 5


def test_whole_numbers_stay_codes(run_algorithm: Any, table: str, tmp_path: Path) -> None:
    run_algorithm("trainclassification", {"INPUT": table, "TARGET": "code", "MODEL": "knn",
                                          "OUTPUT": str(tmp_path / "p.onnx")})
    assert open_predictor(str(tmp_path / "p.onnx"), Silent()).card.target.codes == (10, 20, 30, 40)


@pytest.mark.parametrize("changed, words", [
    ({"TARGET": "only"}, "only"),
    ({"TARGET": "length"}, "Train regression"),
    ({"TARGET": "kind", "MERGE": "meadow"}, "merging of classes"),
    ({"TARGET": "nothing"}, "nothing"),
    ({"TARGET": "kind", "MODEL": "magic"}, "magic"),
])
def test_wrong_input_is_one_sentence(run_algorithm: Any, table: str, tmp_path: Path, changed: dict,
                                     words: str) -> None:
    said = refused(run_algorithm, INPUT=table, OUTPUT=str(tmp_path / "p.onnx"), **changed)
    assert words in said and "Traceback" not in said
    assert not list(tmp_path.glob("p.*"))

"""Whole explanations of stored predictors: tables, examples, report, warnings, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Dict, List

import numpy as np
import pytest
from made_rows import with_vectors
from osgeo import ogr
from small_predictors import (
    SPACE,
    TRANSFORM,
    invented_vectors,
    train_on,
    truth_of,
    write_invented,
    write_labels,
    write_table,
)

from earthprint.engine.errors import Cancelled, EarthprintError
from earthprint.engine.explaining.request import ExplainRequest
from earthprint.engine.explaining.rows import labelled_rows
from earthprint.engine.explaining.run import explain
from earthprint.engine.predictors.predictor import open_predictor
from earthprint.engine.progress import Silent
from earthprint.engine.space import Space
from earthprint.engine.table import open_rows
from earthprint.engine.training.gathering import GatherRequest, gather


class Heard(Silent):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.told: List[str] = []
        self.warned: List[str] = []

    def info(self, text: str) -> None:
        self.told.append(text)

    def warn(self, text: str) -> None:
        self.warned.append(text)


@pytest.fixture(scope="module")
def made(tmp_path_factory: Any) -> Dict[str, Any]:
    """Return a field, labels that were trained on and others, and predictors with two further columns."""
    folder = tmp_path_factory.mktemp("explained")
    vectors = invented_vectors()
    chance = np.random.default_rng(3)
    age = chance.uniform(0, 100, vectors.shape[1:])
    wall = np.array(["brick", "wood", "stone"])[chance.integers(0, 3, vectors.shape[1:])]
    noise = chance.normal(0, 1, vectors.shape[1:])
    truth = truth_of(vectors) + 0.02 * age + 2 * (wall == "wood")
    kinds = np.array(["low", "mid", "high"])[np.digitize(np.nan_to_num(truth), [10, 13])]
    columns = {"y": ("real", truth), "kind": ("text", kinds), "age": ("real", age), "wall": ("text", wall),
               "noise": ("real", noise)}
    field = write_invented(folder / "field.tif", vectors)
    labels = write_labels(folder / "labels.gpkg", vectors, columns, 250)
    # Other cells than those of the training.
    held_vectors = vectors.copy()
    held_vectors[:, labels.rows, labels.columns] = np.nan
    held = write_labels(folder / "held.gpkg", held_vectors, columns, 200, 8)
    further = {"columns": ("age", "wall", "noise")}
    return {"folder": folder, "vectors": vectors, "field": field, "labels": labels, "held": held,
            "y": train_on(labels.path, field, ["y"], folder / "y.onnx", **further),
            "kind": train_on(labels.path, field, ["kind"], folder / "kind.onnx", "logistic", "classification",
                             **further),
            "bare": train_on(labels.path, field, ["y"], folder / "bare.onnx", "knn")}


def request(made: Dict[str, Any], output: Path, predictor: str = "y", labels: str = "held",
            **further: Any) -> ExplainRequest:
    return ExplainRequest(made[predictor], open_rows(made[labels].path), str(output), embeddings=made["field"],
                          **further)


def columns_of(path: str) -> Dict[str, List[Any]]:
    found: Dict[str, List[Any]] = {}
    for chunk in open_rows(path).rows():
        for name, cells in chunk.columns.items():
            found.setdefault(name, []).extend(cells)
    return found


def test_rows_are_encoded_as_in_training(made: Dict[str, Any], tmp_path: Path) -> None:
    for predictor, task, target in (("y", "regression", "y"), ("kind", "classification", "kind")):
        samples = gather(GatherRequest(open_rows(made["labels"].path), (target,), task, made["field"],
                                       columns=("age", "wall", "noise")), Silent())
        found = labelled_rows(request(made, tmp_path / "o.gpkg", predictor, "labels"),
                              open_predictor(made[predictor], Silent()), Silent())
        assert np.array_equal(found.features, samples.features.T)
        truth = samples.targets if samples.classes else samples.target.inverse(samples.targets)
        assert np.array_equal(found.truth, truth) and np.array_equal(found.points, samples.points)


def test_importance_of_a_stored_predictor(made: Dict[str, Any], tmp_path: Path) -> None:
    heard = Heard()
    result = explain(request(made, tmp_path / "o.gpkg", groups="first=0-2;rest=3-5", repeats=4, seed=2), heard)
    table = columns_of(result.output)
    assert table["group"] == ["embedding", "first", "rest", "age", "wall", "noise"]
    assert table["kind"] == ["embedding", "part", "part", "column", "column", "column"]
    assert table["dims"][:4] == ["0-5", "0-2", "3-5", "age"] and set(table["dims"][4].split("; ")) == {
        "wall=brick", "wall=stone", "wall=wood"}
    assert table["features"] == [6, 3, 3, 1, 3, 1]
    # What the columns add is known: R² lost is twice their share of the variance.
    held = made["held"]
    y = np.array(held.values["y"])
    for name, part in (("age", 0.02 * np.array(held.values["age"])),
                       ("wall", 2.0 * (np.array(held.values["wall"]) == "wood"))):
        index = table["group"].index(name)
        assert table["importance"][index] == pytest.approx(2 * part.var() / y.var(), rel=0.12)
        assert table["low"][index] < table["importance"][index] < table["high"][index]
        assert table["rmse_gain"][index] == pytest.approx(np.sqrt(2) * part.std(), rel=0.1)
    assert abs(table["importance"][5]) < 1e-3
    assert result.score > 0.999 and result.rows == 200 and result.most == "first"
    assert result.loss == max(table["importance"][1:]) and result.warnings == ()
    assert heard.told[-1].startswith("The part “first” of the embedding matters most: without it the R² of 1.00 falls")


def test_all_that_can_be_asked_for(made: Dict[str, Any], tmp_path: Path) -> None:
    paths = {name: str(tmp_path / f"{name}.gpkg") for name in ("dependence", "examples", "dimensions")}
    held = made["held"]
    at = TRANSFORM[0] + 405.0, TRANSFORM[3] - 305.0
    explain(request(made, tmp_path / "o.gpkg", "kind", coordinates=f"{at[0]},{at[1]}", neighbours=4, repeats=2,
                    report=str(tmp_path / "why.html"), **paths), Silent())
    dependence = columns_of(paths["dependence"])
    assert list(dict.fromkeys(dependence["column"])) == ["age", "wall", "noise"]
    assert list(dict.fromkeys(dependence["output"])) == ["high", "low", "mid"]
    walls = [index for index, name in enumerate(dependence["column"]) if name == "wall"]
    assert {dependence["level"][index] for index in walls} == {"brick", "stone", "wood"}
    assert {dependence["level"][index]: dependence["rows"][index] for index in walls} == {
        name: held.values["wall"].count(name) for name in ("brick", "stone", "wood")}
    high = {dependence["level"][index]: dependence["mean"][index] for index in walls
            if dependence["output"][index] == "high"}
    assert high["wood"] > 0.15 + max(high["brick"], high["stone"])
    examples = columns_of(paths["examples"])
    own = made["vectors"][:, 30, 40].astype(np.float64)
    others = made["vectors"][:, held.rows, held.columns].astype(np.float64)
    apart = 1 - own @ others / np.linalg.norm(own) / np.linalg.norm(others, axis=0)
    nearest = np.argsort(apart)[:4]
    assert examples["rank"] == [1, 2, 3, 4] and examples["place"] == [1] * 4
    np.testing.assert_allclose(examples["distance"], apart[nearest], atol=1e-5)
    assert examples["kind"] == [held.values["kind"][row] for row in nearest]
    assert examples["source_id"] == (nearest + 1).tolist() and examples["place_predicted"] == [None] * 4
    dataset = ogr.Open(paths["examples"])
    layer = dataset.GetLayer(0)
    for row, feature in zip(nearest, layer):
        point = feature.geometry()
        x, y = TRANSFORM[0] + 10 * (held.columns[row] + 0.5), TRANSFORM[3] - 10 * (held.rows[row] + 0.5)
        assert (point.GetX(), point.GetY()) == (x, y)
        assert feature.GetField("metres") == pytest.approx(np.hypot(x - at[0], y - at[1]), rel=2e-3)
    layer = dataset = None
    dimensions = columns_of(paths["dimensions"])
    assert dimensions["dimension"] == list(range(6)) and min(dimensions["moran"]) > 0.3
    np.testing.assert_allclose(dimensions["mean"], others.mean(axis=1), atol=1e-5)
    assert dimensions["importance"][0] > 5 * abs(dimensions["importance"][3])
    page = (tmp_path / "why.html").read_text(encoding="utf-8")
    for words in ("What “kind” predicts from", "What it uses", "How predictions change with the further columns",
                  "Predicted from these", "Place 1: 500405, 5699695", "How its dimensions lie in space",
                  "200 of 200 features of “held” are used."):
        assert words in page, words
    assert not re.search(r"<script|https?://(?!www\.w3\.org)|nan", page)


def test_rows_of_the_training_are_recognised(made: Dict[str, Any], tmp_path: Path) -> None:
    heard = Heard()
    found = explain(request(made, tmp_path / "o.gpkg", "y", "labels", repeats=1), heard)
    assert found.warnings == tuple(heard.warned)
    assert heard.warned[0].startswith("All 250 rows were in the predictor's training, so its R² of 1.00 here is "
                                      "flattered.")


def test_an_embedding_that_tells_nothing_is_told(made: Dict[str, Any], tmp_path: Path) -> None:
    vectors = made["vectors"]
    wrong = np.random.default_rng(0).normal(50, 1, vectors.shape[1:])
    other = write_labels(tmp_path / "other.gpkg", vectors, {"y": ("real", wrong)}, 60, 4)
    heard = Heard()
    explain(ExplainRequest(made["bare"], open_rows(other.path), str(tmp_path / "o.gpkg"), embeddings=made["field"],
                           repeats=1, dependence=str(tmp_path / "d.gpkg")), heard)
    assert any("next to nothing" in text for text in heard.warned)
    assert any("uses no further columns" in text for text in heard.warned)
    assert open_rows(str(tmp_path / "d.gpkg")).count == 0


def test_a_place_of_the_layer_itself_may_lack_a_label_and_is_not_its_own_example(made: Dict[str, Any],
                                                                                tmp_path: Path) -> None:
    vectors = invented_vectors(20, 30, 5).reshape(6, -1).T[200:300]
    truth = truth_of(vectors.T).astype(np.float64)
    labels: List[Any] = truth.tolist()
    labels[40] = None
    table = write_table(tmp_path / "table.gpkg", vectors, {"y": ("real", labels)})
    heard = Heard()
    explain(ExplainRequest(made["bare"], open_rows(table), str(tmp_path / "o.gpkg"), repeats=1, neighbours=3,
                           coordinates="500010.2,5700000; 500040,5700000; 499800,5700000",
                           examples=str(tmp_path / "e.gpkg"), report=str(tmp_path / "r.html")), heard)
    found = columns_of(str(tmp_path / "e.gpkg"))
    predicted = open_predictor(made["bare"], Silent()).predict(np.ascontiguousarray(vectors.T)).value[0]
    assert "Place 3 of COORDINATES lies in no row of “table”: it takes the vector of the nearest, 200 m away." in (
        heard.told)
    for place, row in ((1, 10), (2, 40), (3, 0)):
        apart = 1 - vectors @ vectors[row]
        apart[[row, 40]] = np.inf
        own = [index for index, number in enumerate(found["place"]) if number == place]
        assert [found["source_id"][index] for index in own] == (np.argsort(apart)[:3] + 1).tolist()
        assert found["place_predicted"][own[0]] == pytest.approx(float(predicted[row]), rel=1e-6)
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "Its vector is that of row 11, which is not among its own examples" in page and "row 41," not in page


def test_a_joined_table_and_a_target_of_another_name(made: Dict[str, Any], tmp_path: Path) -> None:
    vectors = invented_vectors(20, 30, 5).reshape(6, -1).T[200:300]
    truth = truth_of(vectors.T).astype(np.float64)
    table = write_table(tmp_path / "table.gpkg", vectors, {"code": ("text", [f"c{row}" for row in range(100)])})
    rows = with_vectors([None] * 50, {"code": [f"c{2 * number}" for number in range(50)],
                                      "height": truth[::2].tolist()}, [None] * 50)
    asked = ExplainRequest(made["bare"], rows, str(tmp_path / "o.gpkg"), ("height",), open_rows(table), repeats=2)
    found = explain(asked, Silent())
    predicted = open_predictor(made["bare"], Silent()).predict(np.ascontiguousarray(vectors[::2].T)).value[0]
    assert found.rows == 50 and found.score == pytest.approx(
        1 - ((predicted - truth[::2]) ** 2).sum() / ((truth[::2] - truth[::2].mean()) ** 2).sum(), rel=1e-6)
    assert columns_of(found.output)["kind"] == ["embedding"] + ["part"] * 6
    again = labelled_rows(asked, open_predictor(made["bare"], Silent()), Silent())
    np.testing.assert_allclose(again.vectors.T, vectors[::2])
    np.testing.assert_allclose(again.truth[:, 0], truth[::2])


def test_classes_that_the_predictor_does_not_know_are_counted(made: Dict[str, Any], tmp_path: Path) -> None:
    vectors = made["vectors"]
    kinds = np.array(["low", "high", "unheard"])[np.random.default_rng(0).integers(0, 3, vectors.shape[1:])]
    columns = {name: ("real", np.ones(vectors.shape[1:])) for name in ("age", "noise")}
    other = write_labels(tmp_path / "other.gpkg", vectors, {
        "kind": ("text", kinds), "wall": ("text", np.full(kinds.shape, "straw")), **columns}, 90, 4)
    heard = Heard()
    found = explain(ExplainRequest(made["kind"], open_rows(other.path), str(tmp_path / "o.gpkg"),
                                   embeddings=made["field"], repeats=1), heard)
    count = other.values["kind"].count("unheard")
    assert found.rows == 90 - count
    assert f"{count} features of “other” are of classes that the predictor doesn't know." in heard.told


def test_several_targets_each_have_their_columns(made: Dict[str, Any], tmp_path: Path) -> None:
    vectors = made["vectors"]
    first, second = truth_of(vectors), 100.0 * vectors[1]
    labels = write_labels(tmp_path / "two.gpkg", vectors, {"a": ("real", first), "b": ("real", second)}, 120, 5)
    predictor = train_on(labels.path, made["field"], ["a", "b"], tmp_path / "two.onnx")
    explain(ExplainRequest(predictor, open_rows(labels.path), str(tmp_path / "o.gpkg"), embeddings=made["field"],
                           groups="b=1; rest=0,2-5", repeats=3, coordinates="500405,5699695", neighbours=2,
                           examples=str(tmp_path / "e.gpkg"), report=str(tmp_path / "r.html")), Silent())
    table = columns_of(str(tmp_path / "o.gpkg"))
    assert table["group"] == ["embedding", "b", "rest"]
    # The second target is a single dimension.
    assert table["rmse_b_gain"][1] == pytest.approx(np.sqrt(2) * np.std(labels.values["b"]), rel=0.15)
    assert table["rmse_b_gain"][2] == pytest.approx(0, abs=0.1) and table["rmse_a_gain"][2] > 0.5
    examples = columns_of(str(tmp_path / "e.gpkg"))
    place = vectors[:, 30, 40]
    assert examples["place_predicted_a"] == pytest.approx([float(truth_of(place))] * 2, abs=0.1)
    assert examples["place_predicted_b"] == pytest.approx([100 * float(place[1])] * 2, abs=0.5)
    for index, row in enumerate(examples["source_id"]):
        assert [examples[name][index] for name in "ab"] == [labels.values[name][row - 1] for name in "ab"]
        assert examples["predicted_b"][index] == pytest.approx(examples["b"][index], abs=0.5)
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "Growth of RMSE of a" in page and "Growth of RMSE of b" in page


@pytest.mark.parametrize("change, words", [
    ({"groups": "a=0-6"}, "from 0 to 5"),
    ({"target": ("age", "noise")}, "TARGET names 2 columns, and .* predicts 1"),
    ({"target": ("wall",)}, "TARGET names “wall”, which .* predicts from"),
    ({"target": ("kind",)}, "holds “(low|mid|high)” .* no number"),
    ({"target": ("none",)}, "has no column “none”, which TARGET names"),
    ({"repeats": 0}, "REPEATS is 0"), ({"neighbours": 0}, "NEIGHBOURS is 0"),
    ({"examples": "e.gpkg"}, "COORDINATES names none"), ({"coordinates": "here"}, "is not a list of points"),
    ({"coordinates": "0,0"}, "No place of COORDINATES has a vector in .*field.tif"),
    ({"coordinates": ";"}, "is not a list of points"),
    ({"embeddings": None}, "has no vectors of its own"), ({"report": "/nowhere/r.html"}, "doesn't exist")])
def test_wrong_input_is_told_in_one_sentence(made: Dict[str, Any], tmp_path: Path, change: Dict[str, Any],
                                             words: str) -> None:
    asked = request(made, tmp_path / "o.gpkg")
    with pytest.raises(EarthprintError, match=words):
        explain(ExplainRequest(**{**asked.__dict__, **change}), Silent())
    assert not list(tmp_path.iterdir())


def test_layers_that_do_not_fit_are_told_in_one_sentence(made: Dict[str, Any], tmp_path: Path) -> None:
    vectors = invented_vectors(20, 30, 5).reshape(6, -1).T[200:260]
    truth = truth_of(vectors.T).astype(np.float64)
    few: List[Any] = truth.tolist()[:6] + [None] * 54
    bare, y = made["bare"], made["y"]
    cases = (
        (bare, {"y": truth.tolist()}, Space("elsewhere", 6), "hold embeddings of different spaces .*elsewhere"),
        (bare, {"height": truth.tolist()}, SPACE, "has no column “y”, which .*bare.onnx predicts"),
        (bare, {"y": few}, SPACE, "Only 6 rows of “made” have a true value and a vector"),
        (bare, {"y": [5.0] * 60}, SPACE, "“y” of “made” is the same in all 60 rows"),
        (y, {"y": truth.tolist(), "age": [1.0] * 60, "noise": [1.0] * 60}, SPACE, "has no column “wall”"),
        (made["kind"], {"kind": ["a"] * 60, "wall": ["wood"] * 60, "age": [1.0] * 60, "noise": [1.0] * 60}, SPACE,
         "No value of “kind” is a class that the predictor knows"))
    for predictor, columns, space, words in cases:
        rows = with_vectors([f"POINT({number} 0)" for number in range(60)], columns, list(vectors), space)
        with pytest.raises(EarthprintError, match=words):
            explain(ExplainRequest(predictor, rows, str(tmp_path / "o.gpkg")), Silent())
    far = with_vectors(["POINT(0 0)"] * 12, {"y": truth.tolist()[:12]}, [None] * 12)
    with pytest.raises(EarthprintError, match="No label of “made” has a vector in"):
        explain(ExplainRequest(bare, far, str(tmp_path / "o.gpkg"), embeddings=made["field"]), Silent())
    assert not list(tmp_path.iterdir())


def test_a_cancelled_run_leaves_nothing(made: Dict[str, Any], tmp_path: Path) -> None:
    class Impatient(Silent):
        calls = 0

        def cancelled(self) -> bool:
            self.calls += 1
            return self.calls > 12

    with pytest.raises(Cancelled):
        explain(request(made, tmp_path / "o.gpkg", report=str(tmp_path / "r.html")), Impatient())
    assert not list(tmp_path.iterdir())

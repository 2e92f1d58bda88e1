"""A stored predictor comes back as it was, predicts what its graph does, and refuses what was cut or edited."""

import json
from dataclasses import replace

import numpy as np
import pytest
from model_data import FEATURES, data, design

from earthprint.engine import packages
from earthprint.engine.errors import CardError, EarthprintError, ModelError, OutputError, PackageError, SpaceError
from earthprint.engine.onnxgraph import OnnxGraph
from earthprint.engine.predictors.card import PredictorCard
from earthprint.engine.predictors.predictor import Wanted, open_predictor
from earthprint.engine.predictors.storing import PredictorParts, save_predictor
from earthprint.engine.progress import Silent
from earthprint.engine.provenance import Provenance
from earthprint.engine.space import Space
from earthprint.engine.training.applicability import fit_applicability
from earthprint.engine.training.class_calibration import ClassCalibration
from earthprint.engine.training.columns import CategoryColumn, ColumnPlan, NumericColumn
from earthprint.engine.training.conformal import fit_conformal
from earthprint.engine.training.models import Design, fit, kinds
from earthprint.engine.training.target import TargetClass, TargetPlan
from earthprint.engine.training.transforms import TargetTransform

DIMENSIONS = FEATURES - 3
SPACE = Space("tester", DIMENSIONS, provenance=())
COLUMNS = ColumnPlan((NumericColumn("year", 2000.0), CategoryColumn("soil", ("clay", "sand"))))
TRANSFORMS = (TargetTransform("log", 0.5, largest=1e6), TargetTransform(),
              TargetTransform("boxcox", 1.0, 0.4, largest=1e6))


def plan(classes):
    if classes:
        return TargetPlan(("use",), (), ("",), tuple(TargetClass(str(10 * n), f"class {n}", "#aabbcc", n)
                                                     for n in range(classes)), {"9": "10"})
    return TargetPlan(("a", "b", "c"), TRANSFORMS, ("m", "", "t/ha"))


def made(kind, task="three targets", rows=200):
    """Return a fitted model with the parts to store it; targets are small enough to undo logarithms of."""
    asked = design(task, rows)
    if not asked.classes:
        y = asked.y / np.maximum(asked.y.std(axis=0), 1e-9)
        asked = Design(asked.x, y - y.min(axis=0), asked.weights, 0, asked.inner, 0)
    model = fit(kind, asked, Silent())
    interval = None if asked.classes else fit_conformal(asked.y - model.predict(asked.x), None, asked.inner)
    card = PredictorCard(
        "Yield of maize (Kenya)", kind, plan(asked.classes), SPACE.key(), DIMENSIONS, SPACE, COLUMNS,
        dict(model.settings), {"pooled": [{"r2": float("nan"), "rmse": np.float32(0.25)}]},
        {"kind": "blocks", "count": 5}, interval, ClassCalibration(1.7) if asked.classes else None, None, "2026-11-21",
        {"earthprint": "0.1.0"}, (Provenance("Product", "CC BY 4.0", "Thanks."),), rows, ("Mind this.",),
        {"layer": "fields", "target": ["a"]})
    return model, PredictorParts(card, fit_applicability(asked.x, asked.inner, 0))


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """Store each model once and give its path, the fitted model and its parts."""
    kept = {}

    def get(kind, task="three targets"):
        if (kind, task) not in kept:
            path = tmp_path_factory.mktemp("predictors") / f"{kind}.onnx"
            model, parts = made(kind, task)
            save_predictor(path, model, parts)
            kept[kind, task] = path, model, parts
        return kept[kind, task]

    return get


@pytest.fixture
def copied(stored, tmp_path):
    """Return a copy of a stored ridge that may be spoilt."""
    path = stored("ridge")[0]
    for part in (path, path.with_suffix(".json")):
        (tmp_path / part.name).write_bytes(part.read_bytes())
    return tmp_path / path.name


def graph_answers(path, x):
    """Run the file in ONNX Runtime alone."""
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [value.name for value in session.get_outputs()]
    return dict(zip(names, session.run(names, {"embedding": x[:, :DIMENSIONS], "columns": x[:, DIMENSIONS:]})))


@pytest.mark.parametrize("kind", kinds(0))
def test_regression_comes_back_with_interval_and_reach(stored, kind):
    path, model, parts = stored(kind)
    x = data("three targets", 300, 5)[0]
    predictor = open_predictor(path, Silent())
    found = predictor.predict(np.ascontiguousarray(x.T), Wanted(0.9, False, True))
    scores = model.predict(x)
    half = parts.card.interval.half_width(0.9)
    for values, expected in ((found.value, scores), (found.lower, scores - half), (found.upper, scores + half)):
        expected = parts.card.target.inverse(expected)
        assert values.dtype == np.float32 and values.shape == (3, 300)
        assert np.allclose(values.T, expected, rtol=1e-4, atol=1e-4)
    assert np.allclose(found.dissimilarity, parts.applicability.dissimilarity(x), atol=1e-5)
    assert (found.applicable == parts.applicability.applicable(x)).mean() > 0.99 and found.probabilities is None
    graph = graph_answers(path, x)
    assert np.allclose(graph["score"], scores, rtol=1e-4, atol=1e-4)
    assert np.allclose(graph["predicted"], parts.card.target.inverse(scores), rtol=1e-4, atol=1e-4)
    assert np.allclose(graph["dissimilarity"], found.dissimilarity, atol=1e-4)


@pytest.mark.parametrize("task", ["two classes", "five classes"])
@pytest.mark.parametrize("kind", kinds(2))
def test_classification_comes_back_calibrated(stored, kind, task):
    path, model, parts = stored(kind, task)
    x = data(task, 300, 5)[0]
    features = np.ascontiguousarray(x.T)
    predictor = open_predictor(path.with_suffix(".json"), Silent())
    found = predictor.predict(features, Wanted(probabilities=True))
    logs = np.log(np.clip(model.predict(x), 1e-6, 1)) / 1.7
    expected = np.exp(logs) / np.exp(logs).sum(axis=1, keepdims=True)
    assert np.allclose(found.probabilities.T, expected, atol=1e-4)
    assert (found.classes == found.probabilities.argmax(axis=0)).all()
    assert (predictor.predict(features).classes == found.classes).mean() > 0.99
    assert found.value is None and found.dissimilarity is None
    graph = graph_answers(path, x)
    assert np.allclose(graph["probabilities"], expected, atol=1e-4)
    assert (graph["predicted"] == graph["probabilities"].argmax(axis=1)).all()


def test_the_graph_undoes_transforms_at_their_ends():
    """Scores far outside the training data meet the limits of each transform."""
    runtime = pytest.importorskip("onnxruntime")
    from earthprint.engine.predictors.graph import build

    class Straight:
        def add_to(self, graph, features):
            return features

    card = PredictorCard("x", "ridge", plan(0), Space("x", 3).key(), 3)
    graph = build(Straight(), card)
    session = runtime.InferenceSession(graph.to_bytes(), providers=["CPUExecutionProvider"])
    scores = np.linspace(-60, 60, 241, dtype=np.float32)[:, None] * np.ones(3, dtype=np.float32)
    expected = card.target.inverse(scores)
    assert np.allclose(session.run(["predicted"], {"embedding": scores})[0], expected, rtol=1e-5, atol=1e-5)


def test_the_card_comes_back_as_it_was(stored):
    path, _, parts = stored("ridge")
    card = open_predictor(path, Silent()).card
    for name in ("name", "kind", "target", "space", "columns", "folds", "created", "versions", "provenance",
                 "sample_count", "warnings", "source", "settings", "space_key", "dimensions"):
        assert getattr(card, name) == getattr(parts.card, name), name
    assert card.figures == {"pooled": [{"r2": None, "rmse": 0.25}]}
    assert card.interval.levels == parts.card.interval.levels
    assert np.allclose(card.interval.half_widths, parts.card.interval.half_widths)
    assert card.applicability == parts.applicability.as_json() and card.task == "regression"
    calibrated = open_predictor(stored("logistic", "two classes")[0], Silent()).card
    assert calibrated.calibration == ClassCalibration(1.7) and calibrated.task == "classification"


@pytest.mark.parametrize("case", [("ridge", "three targets"), ("logistic", "five classes")])
def test_cards_are_valid_items(stored, case):
    schema = pytest.importorskip("stac_model.schema", reason="stac-model is needed to check the MLM properties")
    pystac = pytest.importorskip("pystac")
    validation = pytest.importorskip("pystac.validation.stac_validator")
    path = stored(*case)[0].with_suffix(".json")
    item = json.loads(path.read_text(encoding="utf-8"))
    schema.MLModelProperties.model_validate(item["properties"])
    validation.JsonSchemaSTACValidator().validate_core(item, pystac.STACObjectType.ITEM, "1.1.0", str(path))


def test_graphs_are_valid_to_onnx(stored):
    onnx = pytest.importorskip("onnx")
    for kind in kinds(0):
        onnx.checker.check_model(onnx.load(str(stored(kind)[0])), full_check=True)
    for kind in kinds(2):
        onnx.checker.check_model(onnx.load(str(stored(kind, "two classes")[0])), full_check=True)


@pytest.mark.parametrize("case", [(kind, task) for kind in ("ridge", "logistic", "knn", "mlp", "gp")
                                  for task in ("three targets", "five classes")
                                  if (kind, task) not in (("ridge", "five classes"), ("logistic", "three targets"))])
def test_without_the_runtime_numpy_gives_the_same(stored, monkeypatch, case):
    path, model, _ = stored(*case)
    x = np.ascontiguousarray(data(case[1], 100, 6)[0].T)
    wanted = Wanted(probabilities=True)
    before = open_predictor(path, Silent()).predict(x, wanted)
    _without_runtime(monkeypatch)
    predictor = open_predictor(path, Silent())
    after = predictor.predict(x, wanted)
    assert predictor.device == "NumPy"
    for name in ("value", "probabilities"):
        if getattr(before, name) is not None:
            assert np.allclose(getattr(before, name), getattr(after, name), rtol=1e-4, atol=1e-4)


def test_trees_without_the_runtime_say_what_to_install(stored, monkeypatch):
    path = stored("forest")[0]
    _without_runtime(monkeypatch)
    with pytest.raises(PackageError, match="onnxruntime is needed"):
        open_predictor(path, Silent())


def _without_runtime(monkeypatch):
    def refuse(name):
        raise PackageError("package-missing", "The Python package {name} is needed but not installed.", name=name)

    monkeypatch.setattr(packages, "require", refuse)


def test_a_single_file_is_enough(copied):
    copied.with_suffix(".json").unlink()
    assert open_predictor(copied, Silent()).card.kind == "ridge"


def test_another_space_is_refused_by_both_names(stored):
    predictor = open_predictor(stored("ridge")[0], Silent())
    predictor.require_space(Space("tester", DIMENSIONS).key("i1"), "field.tif")
    with pytest.raises(SpaceError, match=r"ridge\.onnx and field\.tif hold embeddings of different spaces"):
        predictor.require_space(Space("other", DIMENSIONS).key(), "field.tif")


def changed_card(path, change):
    card = path.with_suffix(".json")
    item = json.loads(card.read_text(encoding="utf-8"))
    change(item, item["properties"]["mlm:hyperparameters"])
    card.write_text(json.dumps(item), encoding="utf-8")


def test_title_and_description_may_be_edited(copied):
    changed_card(copied, lambda item, own: item["properties"].update(title="Mine", description="Words"))
    assert open_predictor(copied, Silent()).card.name == "Mine"


EDITS = {
    "newer": (lambda item, own: own.update({"earthprint.predictor": 2, "earthprint.version": "9.1"}),
              r"newer version of Earthprint \(9\.1\)"),
    "another figure": (lambda item, own: own.update({"earthprint.figures": {}}), "say different things"),
    "checksum": (lambda item, own: item["assets"]["model"].update({"file:checksum": "1220" + "0" * 64}),
                 "is not the file that its card describes"),
    "no checksum": (lambda item, own: item["assets"]["model"].pop("file:checksum"), "states no checksum"),
    "no target": (lambda item, own: own.pop("earthprint.target"), "“target” is missing"),
    "no transform": (lambda item, own: own["earthprint.target"].update(transforms=[]), "target of another shape"),
    "space": (lambda item, own: own.update({"earthprint.space_key": "x-000000000000/9/f4/cosine/any"}),
              "different spaces"),
    "dimensions": (lambda item, own: own.update({"earthprint.dimensions": 10}), "takes 10"),
    "model": (lambda item, own: own.update({"earthprint.model": "oracle"}), "“oracle” is unknown"),
    "interval": (lambda item, own: own["earthprint.interval"].update(half_widths=[[1]]), "contradict themselves"),
    "no predictor": (lambda item, own: own.clear(), "no predictor's card"),
    "no item": (lambda item, own: item.pop("properties"), "no predictor's card"),
}


@pytest.mark.parametrize("edit", EDITS)
def test_edited_cards_are_refused(copied, edit):
    change, words = EDITS[edit]
    changed_card(copied, change)
    for path in (copied, copied.with_suffix(".json")):
        with pytest.raises(EarthprintError, match=words) as caught:
            open_predictor(path, Silent())
        assert len(str(caught.value).split(". ")) == 1


@pytest.mark.parametrize("text", ["", "{", "[]", '{"a": NaN}', '{"a": 1e999}', "\x00", "[" * 100_000])
def test_broken_cards_are_refused(copied, text):
    copied.with_suffix(".json").write_text(text, encoding="utf-8")
    with pytest.raises(CardError):
        open_predictor(copied, Silent())


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("alone", [False, True])
def test_truncated_models_are_refused(copied, share, alone):
    whole = copied.read_bytes()
    copied.write_bytes(whole[: int(share * len(whole))])
    if alone:
        copied.with_suffix(".json").unlink()
    with pytest.raises(ModelError):
        open_predictor(copied, Silent())


def test_models_with_other_shapes_or_without_a_card_are_refused(tmp_path, stored):
    graph = OnnxGraph("x")
    graph.input("embedding", ("N", 4))
    graph.output("score", ("N", 1))
    path = tmp_path / "x.onnx"
    path.write_bytes(graph.to_bytes())
    with pytest.raises(ModelError, match="is no predictor: it carries no card"):
        open_predictor(path, Silent())
    model, parts = made("ridge")
    shortened = replace(model, weight=model.weight[:-1])
    save_predictor(path, shortened, parts)
    with pytest.raises(ModelError, match="“linear_weight” is missing or has another shape"):
        open_predictor(path, Silent())
    save_predictor(path, replace(model, bias=np.array([np.nan, 0, 0])), parts)
    with pytest.raises(ModelError, match="“linear_bias” holds values that are no numbers"):
        open_predictor(path, Silent())
    narrow = PredictorParts(replace(parts.card, columns=ColumnPlan()), parts.applicability)
    save_predictor(path, model, narrow)
    card = json.loads(path.with_suffix(".json").read_text())
    assert len(card["properties"]["mlm:input"]) == 1
    with pytest.raises(ModelError, match="shape"):
        open_predictor(path, Silent())


def test_missing_files_and_other_endings_are_refused(copied, tmp_path):
    with pytest.raises(ModelError, match="There is no predictor"):
        open_predictor(tmp_path / "none.onnx", Silent())
    (tmp_path / "x.txt").write_text("x")
    with pytest.raises(ModelError, match="choose an .onnx file"):
        open_predictor(tmp_path / "x.txt", Silent())
    model, parts = made("ridge")
    with pytest.raises(OutputError, match="doesn't end in .onnx"):
        save_predictor(tmp_path / "x.pkl", model, parts)
    with pytest.raises(OutputError, match="doesn't exist"):
        save_predictor(tmp_path / "nowhere" / "x.onnx", model, parts)
    copied.unlink()
    with pytest.raises(ModelError, match="is not beside it"):
        open_predictor(copied.with_suffix(".json"), Silent())


def test_saving_the_same_gives_the_same_bytes_and_no_leftovers(tmp_path):
    model, parts = made("forest", "two classes")
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        save_predictor(tmp_path / name / "x.onnx", model, parts)
    for end in ("x.onnx", "x.json"):
        assert (tmp_path / "a" / end).read_bytes() == (tmp_path / "b" / end).read_bytes()
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["x.json", "x.onnx"]


def test_trees_in_parts_by_threads_are_the_same_as_row_by_row(stored):
    path = stored("boosting", "five classes")[0]
    predictor = open_predictor(path, Silent())
    x = np.ascontiguousarray(data("five classes", 9000, 8)[0].T)
    wanted = Wanted(probabilities=True)
    whole = predictor.predict(x, wanted).probabilities
    parts = [predictor.predict(x[:, first: first + 700], wanted).probabilities for first in range(0, 9000, 700)]
    assert np.array_equal(whole, np.concatenate(parts, axis=1))


def test_what_is_no_number_stays_none(stored):
    x = np.ascontiguousarray(data("three targets", 20, 5)[0].T)
    x[0, 3] = np.nan
    for kind in ("ridge", "mlp", "gp", "knn"):
        found = open_predictor(stored(kind)[0], Silent()).predict(x, Wanted(0.9)).value
        assert np.isnan(found[:, 3]).all() and np.isfinite(np.delete(found, 3, axis=1)).all(), kind

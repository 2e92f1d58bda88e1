"""Every model's graph gives what the model itself gives, in ONNX Runtime alone and on every row."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from hypothesis.extra.numpy import arrays
from model_data import FEATURES, TASKS, data, design, graph_of

from earthprint.engine.onnxgraph import Node, OnnxGraph, read_graph, read_weights
from earthprint.engine.onnxwire import packed, varint
from earthprint.engine.progress import Silent
from earthprint.engine.training.models import fit, kinds
from earthprint.engine.training.models.bins import fit_bins
from earthprint.engine.training.models.trees import lowered, sums

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("sklearn")
CASES = [(task, kind) for task in TASKS for kind in kinds(5 if "classes" in task else 0)]


def run(graph, x):
    session = onnxruntime.InferenceSession(graph.to_bytes(), providers=["CPUExecutionProvider"])
    return session.run(None, {"features": np.ascontiguousarray(x, dtype=np.float32)})[0]


@pytest.fixture(scope="module")
def fitted():
    """Fit each model once."""
    kept = {}

    def get(task, kind):
        if (task, kind) not in kept:
            kept[task, kind] = fit(kind, design(task), Silent())
        return kept[task, kind]

    return get


@pytest.mark.parametrize(("task", "kind"), CASES)
def test_graph_equals_the_model_on_every_row(fitted, task, kind):
    model = fitted(task, kind)
    x, y, classes = data(task, 700, 1)
    x = np.concatenate([x, design(task).x])
    expected = model.predict(x)
    graph = graph_of(model, FEATURES, expected.shape[1])
    pytest.importorskip("onnx").checker.check_model(graph.to_bytes(), full_check=True)
    found = run(graph, x)
    scale = 1.0 if classes else np.maximum(y.std(axis=0), 1e-9)
    assert found.shape == expected.shape
    assert np.abs((found - expected) / scale).max() < 1e-4
    if classes:
        assert np.allclose(found.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize(("task", "kind"), CASES)
def test_models_learn_what_there_is_to_learn(fitted, task, kind):
    x, y, classes = data(task, 1500, 1)
    predicted = fitted(task, kind).predict(x)
    if classes:
        majority = np.bincount(y).max() / len(y)
        assert (predicted.argmax(axis=1) == y).mean() > majority + 0.15
    else:
        score = 1 - ((predicted - y) ** 2).mean(axis=0) / y.var(axis=0)
        assert score[0] > 0.35 and score[-1] > 0.35


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("kind", ["forest", "boosting"])
def test_rows_that_lie_on_thresholds_go_the_same_way(fitted, task, kind):
    """A row is put on each threshold, and on the next numbers to both sides of it."""
    model = fitted(task, kind)
    x = np.repeat(data(task, 40, 2)[0], 30, axis=0)
    chance = np.random.default_rng(0)
    for row in x:
        tree = model.trees[chance.integers(len(model.trees))]
        inner = np.flatnonzero(tree.left >= 0)
        if len(inner):
            node = chance.choice(inner)
            value = tree.threshold[node]
            row[tree.feature[node]] = chance.choice(
                [value, np.nextafter(value, np.float32(-np.inf)), np.nextafter(value, np.float32(np.inf))])
    expected = model.predict(x)
    scale = np.maximum(np.abs(expected).max(axis=0), 1.0)
    assert np.abs((run(graph_of(model, FEATURES, expected.shape[1]), x) - expected) / scale).max() < 1e-5


@given(arrays(np.float64, 20, elements=some.floats(-1e30, 1e30)), arrays(np.float32, 20, elements=some.floats(
    -(2.0 ** 99), 2.0 ** 99, width=32)))
def test_lowered_thresholds_part_float32_numbers_as_the_exact_ones_do(thresholds, values):
    values = np.concatenate([values, thresholds.astype(np.float32)])
    for threshold, single in zip(thresholds, lowered(thresholds)):
        assert single <= threshold
        assert ((values <= single) == (values.astype(np.float64) <= threshold)).all()


def test_trees_in_numpy_follow_missing_values_as_flagged(fitted):
    model = fitted("one target", "forest")
    x = data("one target", 50, 5)[0]
    x[:, 0] = np.nan
    graph = graph_of(model, FEATURES, 1)
    assert np.allclose(run(graph, x), sums(model.trees, x, 1) + model.base, atol=1e-4)


@given(arrays(np.float32, (60, 2), elements=some.floats(-5, 5, width=32)))
def test_bins_part_values_at_their_edges(x):
    bins = fit_bins(x, 0)
    numbers = bins.numbers(x)
    for feature in range(2):
        for number in np.unique(numbers[:, feature]):
            edge = bins.values(np.array([feature]), np.array([number]))[0]
            assert ((x[:, feature] <= edge) == (numbers[:, feature] <= number)).all()


def test_many_values_get_at_most_255_even_bins():
    x = np.random.default_rng(0).normal(size=(10_000, 1)).astype(np.float32)
    counts = np.bincount(fit_bins(x, 0).numbers(x)[:, 0].astype(int))
    assert len(counts) == 255 and counts.min() > 35 and counts.max() < 45


@given(some.lists(some.integers(-(1 << 63), (1 << 63) - 1), max_size=30))
def test_packed_numbers_are_those_of_the_wire(numbers):
    assert packed(np.array(numbers, dtype=np.int64)) == b"".join(varint(number) for number in numbers)


def test_lists_of_every_kind_survive_and_agree_with_onnx():
    onnx = pytest.importorskip("onnx")
    graph = OnnxGraph("lists")
    graph.input("x", ("N",))
    graph.output("y", ("N",))
    graph.weight("w", np.arange(3.0))
    values = {"ints": [1, -2], "floats": [0.5, -1.5], "strings": ["a", "b", "a"], "many": np.arange(-5, 400),
              "reals": np.linspace(0, 1, 300, dtype=np.float32)}
    graph.nodes.append(Node("Any", ("x",), ("y",), values, "somewhere"))
    data_ = graph.to_bytes()
    node = onnx.load_from_string(data_).graph.node[0]
    theirs = {part.name: onnx.helper.get_attribute_value(part) for part in node.attribute}
    ours = read_graph(data_).nodes[0].attributes
    for name, expected in values.items():
        assert list(ours[name]) == pytest.approx(list(expected)) if name != "strings" else list(ours[name]) == expected
        if name == "strings":
            assert theirs[name] == [text.encode() for text in expected]
        else:
            assert list(theirs[name]) == pytest.approx(list(expected))
    assert read_weights(data_).nodes == [] and (read_weights(data_).weights["w"] == [0, 1, 2]).all()

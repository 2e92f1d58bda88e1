"""The NumPy evaluator, operation by operation, against ONNX Runtime; and its refusal of everything else."""

from __future__ import annotations

from pathlib import Path
from typing import Callable, Dict

import numpy as np
import pytest

from earthprint.engine.encoders.numpy_session import NumpySession
from earthprint.engine.errors import ModelError, PackageError
from earthprint.engine.onnxgraph import OnnxGraph

RNG = np.random.default_rng(0)


def conv(graph: OnnxGraph) -> None:
    """A convolution with even and unequal sides, and an offset."""
    kernel = graph.weight("k", RNG.normal(size=(5, 3, 4, 3)).astype(np.float32))
    graph.node("Conv", ["x", kernel, graph.weight("b", RNG.normal(size=5).astype(np.float32))], "y")


def average(graph: OnnxGraph) -> None:
    """An average whose steps don't divide the image."""
    graph.node("AveragePool", ["x"], "y", kernel_shape=[5, 3], strides=[3, 2])


def largest(graph: OnnxGraph) -> None:
    """A maximum without stated steps."""
    graph.node("MaxPool", ["x"], "y", kernel_shape=[3, 3])


def cut(graph: OnnxGraph) -> None:
    """A margin taken off, the ends counted from behind."""
    names = [
        graph.weight(name, np.array(values, np.int64))
        for name, values in (("s", [2, 1]), ("e", [-2, -1]), ("a", [2, 3]))
    ]
    graph.node("Slice", ["x"] + names, "y")


def choose(graph: OnnxGraph) -> None:
    """Bands taken in another order, and a choice between two sources."""
    some = graph.node("Gather", ["x", graph.weight("i", np.array([2, 0], np.int64))], "some", axis=1)
    positive = graph.node("Greater", [some, graph.weight("zero", np.float32(0))], "positive")
    graph.node("Where", [positive, some, graph.weight("nan", np.float32(np.nan))], "chosen")
    graph.node("Cast", [positive], "cast", to=1)
    graph.node("Concat", ["chosen", "cast"], "y", axis=1)


def arithmetic(graph: OnnxGraph) -> None:
    """Everything that works number by number, and the length of vectors."""
    half = graph.weight("half", np.float32(0.5))
    graph.node("Sub", ["x", half], "a")
    graph.node("Mul", ["a", "x"], "b")
    graph.node("Neg", ["b"], "c")
    graph.node("Relu", ["c"], "d")
    graph.node("Sqrt", ["d"], "e")
    graph.node("Clip", ["e", graph.weight("low", np.float32(0.1)), graph.weight("high", np.float32(0.4))], "f")
    graph.node("Add", ["f", "x"], "g")
    graph.node("Max", ["g", half], "h")
    graph.node("ReduceL2", ["h"], "i", axes=[1], keepdims=1)
    graph.node("Div", ["h", "i"], "j")
    graph.node("Identity", ["j"], "y")


@pytest.mark.parametrize("build", [conv, average, largest, cut, choose, arithmetic])
@pytest.mark.parametrize("shape", [(1, 3, 11, 14), (3, 3, 60, 7)])
def test_operations_agree_with_onnx_runtime(build: Callable[[OnnxGraph], None], shape: tuple) -> None:
    """Same graph, same numbers."""
    runtime = pytest.importorskip("onnxruntime")
    graph = OnnxGraph("operation")
    graph.input("x", ["n", 3, "h", "w"])
    build(graph)
    graph.output("y", ["a", "b", "c", "d"])
    data = graph.to_bytes()
    feeds = {"x": np.random.default_rng(1).normal(size=shape).astype(np.float32)}
    expected = runtime.InferenceSession(data, providers=["CPUExecutionProvider"]).run(None, feeds)[0]
    got = NumpySession(data).run(["y"], feeds)[0]
    assert got.dtype == expected.dtype and got.shape == expected.shape
    assert np.allclose(got, expected, rtol=1e-5, atol=1e-5, equal_nan=True)


def test_large_convolutions_in_pieces_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unfolding by pieces of any size changes nothing."""
    graph = OnnxGraph("pieces")
    graph.input("x", ["n", 3, "h", "w"])
    conv(graph)
    graph.output("y", ["a", "b", "c", "d"])
    feeds = {"x": RNG.normal(size=(2, 3, 40, 30)).astype(np.float32)}
    session = NumpySession(graph.to_bytes())
    whole = session.run(None, feeds)[0]
    monkeypatch.setattr("earthprint.engine.encoders.numpy_session.UNFOLDED", 3000)
    assert np.allclose(session.run(None, feeds)[0], whole, rtol=1e-5, atol=1e-5)


def small(**attributes: object) -> OnnxGraph:
    """A graph with one pooling operation."""
    graph = OnnxGraph("small")
    graph.input("x", ["n", 2, "h", "w"])
    graph.node("MaxPool", ["x"], "y", kernel_shape=[2, 2], **attributes)  # type: ignore[arg-type]
    graph.output("y", ["n", 2, "h", "w"])
    return graph


def test_it_describes_itself_like_a_session(tmp_path: Path) -> None:
    """The names and attributes that callers of ONNX Runtime read are there, from a path as from bytes."""
    path = tmp_path / "small.onnx"
    path.write_bytes(small().to_bytes())
    session = NumpySession(path)
    assert [(i.name, i.type, i.shape) for i in session.get_inputs()] == [("x", "tensor(float)", ("n", 2, "h", "w"))]
    assert [o.name for o in session.get_outputs()] == ["y"] and session.get_providers() == ["NumPy"]


@pytest.mark.parametrize("attributes", [{"pads": [1, 1, 1, 1]}, {"dilations": [2, 2]}, {"ceil_mode": 1}])
def test_unknown_attributes_need_onnx_runtime(attributes: Dict[str, object]) -> None:
    """What would be computed wrongly is refused, with the remedy."""
    with pytest.raises(PackageError, match="install the Python package onnxruntime"):
        NumpySession(small(**attributes).to_bytes())


def test_other_networks_need_onnx_runtime(tmp_path: Path) -> None:
    """A network of somebody else's is refused by the name of its operation."""
    graph = small()
    graph.node("Softmax", ["y"], "z", axis=1)
    path = tmp_path / "other.onnx"
    path.write_bytes(graph.to_bytes())
    with pytest.raises(PackageError, match="other.onnx uses the operation Softmax"):
        NumpySession(path)


def test_wrong_feeds_and_files_are_named(tmp_path: Path) -> None:
    """Missing inputs, other shapes, images too small, broken and missing files: each in one sentence."""
    session = NumpySession(small().to_bytes())
    with pytest.raises(ModelError, match="needs the input x"):
        session.run(None, {})
    with pytest.raises(ModelError, match="expects the input x in the shape"):
        session.run(None, {"x": np.zeros((1, 3, 4, 4), np.float32)})
    with pytest.raises(ModelError, match="doesn't fit"):
        session.run(None, {"x": np.zeros((1, 2, 1, 4), np.float32)})
    path = tmp_path / "cut.onnx"
    path.write_bytes(small().to_bytes()[:40])
    with pytest.raises(ModelError, match="cut.onnx is not a whole ONNX file"):
        NumpySession(path)
    with pytest.raises(ModelError, match="none.onnx can't be read"):
        NumpySession(tmp_path / "none.onnx")

"""The ONNX file layer against the onnx package and ONNX Runtime, and against hostile files."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import List

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from earthprint.engine import onnxwire as wire
from earthprint.engine.errors import Cancelled, EarthprintError, ModelError
from earthprint.engine.onnxfile import check_trustworthy, external_files, read_facts, sha256
from earthprint.engine.onnxgraph import OnnxGraph, read_graph
from earthprint.engine.progress import Silent

onnx = pytest.importorskip("onnx")


def small_graph() -> OnnxGraph:
    """A graph with an input, weights of several types, attributes of every kind we write and a note."""
    graph = OnnxGraph("small")
    image = graph.input("image", ["batch", 2, "height", 4])
    weights = graph.weight("weights", np.arange(2 * 2 * 3 * 3, dtype=np.float32).reshape(2, 2, 3, 3))
    scalar = graph.weight("scalar", np.float32(0.5))
    graph.weight("index", np.array([1, -1], np.int64))
    convolved = graph.node("Conv", [image, weights], "convolved", pads=[1, 1, 1, 1], auto_pad="NOTSET")
    leaky = graph.node("LeakyRelu", [convolved], "leaky", alpha=0.25)
    graph.node("Mul", [leaky, scalar], "scaled")
    graph.node("Gather", ["scaled", "index"], "out", axis=1)
    graph.output("out", ["batch", 2, "height", 4])
    graph.notes["seed"] = "7 · ü"
    return graph


@pytest.fixture(name="model")
def _model(tmp_path: Path) -> Path:
    """The small graph as a file."""
    path = tmp_path / "small.onnx"
    path.write_bytes(small_graph().to_bytes())
    return path


def external_model(folder: Path, location: str, length: int = 400) -> Path:
    """A model whose 100 weights lie at `location`, of which the file w.bin beside it holds `length` bytes."""
    tensor = onnx.helper.make_tensor("w", 1, [100], np.zeros(100, np.float32).tobytes(), raw=True)
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", "0"), ("length", "400")):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Add", ["x", "w"], ["y"])], "g", [value("x", 1, [100])], [value("y", 1, [100])], [tensor]
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    path = folder / "external.onnx"
    path.write_bytes(model.SerializeToString())
    (folder / "w.bin").write_bytes(bytes(length))
    return path


def test_writer_passes_the_full_checker_and_computes_the_same(model: Path) -> None:
    """What is written means to the onnx package and to ONNX Runtime what was meant."""
    runtime = pytest.importorskip("onnxruntime")
    loaded = onnx.load(str(model))
    onnx.checker.check_model(loaded, full_check=True)
    assert loaded.ir_version == 8 and loaded.opset_import[0].version == 17
    assert {entry.key: entry.value for entry in loaded.metadata_props} == {"seed": "7 · ü"}
    image = np.random.default_rng(0).normal(size=(3, 2, 5, 4)).astype(np.float32)
    got = runtime.InferenceSession(str(model)).run(None, {"image": image})[0]
    padded = np.pad(image, [(0, 0), (0, 0), (1, 1), (1, 1)])
    kernel = np.arange(36, dtype=np.float64).reshape(2, 2, 3, 3)
    for row, col, out in ((0, 0, 0), (2, 3, 1), (4, 1, 0)):
        raw = (padded[1, :, row: row + 3, col: col + 3] * kernel[out]).sum()
        expected = 0.5 * (raw if raw > 0 else 0.25 * raw)
        # The gather with [1, -1] takes channel 1 twice.
        if out == 1:
            assert got[1, 0, row, col] == pytest.approx(expected, rel=1e-5)
            assert got[1, 1, row, col] == pytest.approx(expected, rel=1e-5)


def test_what_was_written_is_read_back() -> None:
    """Reading a whole graph gives the same nodes, weights and notes."""
    graph = small_graph()
    back = read_graph(graph.to_bytes())
    assert [(n.op, n.inputs, n.outputs) for n in back.nodes] == [(n.op, n.inputs, n.outputs) for n in graph.nodes]
    assert dict(back.nodes[0].attributes) == {"pads": (1, 1, 1, 1), "auto_pad": "NOTSET"}
    assert dict(back.nodes[1].attributes) == {"alpha": 0.25}
    assert back.inputs == graph.inputs and back.outputs == graph.outputs and back.notes == graph.notes
    for name, array in graph.weights.items():
        assert back.weights[name].dtype == array.dtype and back.weights[name].shape == array.shape
        assert np.array_equal(back.weights[name], array)


def test_facts_agree_with_the_onnx_package(model: Path) -> None:
    """Every fact is what the onnx package reads."""
    facts = read_facts(model)
    assert facts.ir_version == 8 and facts.opsets == {"": 17} and facts.producer == "earthprint"
    assert [(v.name, v.kind, v.shape) for v in facts.inputs] == [("image", "float32", ("batch", 2, "height", 4))]
    assert [(v.name, v.kind, v.shape) for v in facts.outputs] == [("out", "float32", ("batch", 2, "height", 4))]
    assert facts.metadata == {"seed": "7 · ü"} and facts.external == []
    assert facts.weight_bytes == 36 * 4 + 4 + 2 * 8
    assert facts.operations == {"Conv", "LeakyRelu", "Mul", "Gather"} and facts.nodes == 4
    assert facts.size == model.stat().st_size
    assert check_trustworthy(model) == facts


def test_facts_of_a_network_from_elsewhere(tmp_path: Path) -> None:
    """A network from another exporter, with typed tensors, constants and subgraphs, is understood whole."""
    value, node = onnx.helper.make_tensor_value_info, onnx.helper.make_node
    branch = onnx.helper.make_graph(
        [
            node("Constant", [], ["c"], value=onnx.helper.make_tensor("k", 1, [3], [1.0, 2.0, 3.0])),
            node("Add", ["x", "c"], ["a"]),
        ],
        "then",
        [],
        [value("a", 1, None)],
    )
    other = onnx.helper.make_graph([node("Sqrt", ["x"], ["b"])], "else", [], [value("b", 1, None)])
    half = onnx.helper.make_tensor("half", 10, [2], [1.0, 2.0])
    flags = onnx.helper.make_tensor("flags", 9, [4], [1, 0, 1, 1])
    graph = onnx.helper.make_graph(
        [node("If", ["cond"], ["y"], then_branch=branch, else_branch=other)],
        "g",
        [value("cond", 9, []), value("x", 1, [None, 3]), value("half", 10, [2])],
        [value("y", 1, None)],
        [half, flags],
    )
    path = tmp_path / "if.onnx"
    path.write_bytes(
        onnx.helper.make_model(
            graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8
        ).SerializeToString()
    )
    facts = check_trustworthy(path)
    assert facts.operations == {"If", "Constant", "Add", "Sqrt"}
    assert facts.weight_bytes == 3 * 4 + 2 * 2 + 4
    assert [(v.name, v.kind, v.shape) for v in facts.inputs] == [("cond", "bool", ()), ("x", "float32", ("?", 3))]
    assert facts.outputs[0].shape is None


def test_a_file_cut_anywhere_is_refused_in_words(model: Path, tmp_path: Path) -> None:
    """A truncated file gives a ModelError that names it, at every length; only whole trailing notes go unnoticed."""
    data = model.read_bytes()
    cut = tmp_path / "cut.onnx"
    tail = len(wire.bytes_field(14, wire.text_field(1, "seed") + wire.text_field(2, "7 · ü")))
    for length in range(len(data)):
        cut.write_bytes(data[:length])
        if length == len(data) - tail:
            continue
        with pytest.raises(ModelError) as caught:
            check_trustworthy(cut)
        assert "cut.onnx" in str(caught.value) and "again" in str(caught.value)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_damaged_bytes_raise_nothing_but_model_errors(tmp_path: Path, data: st.DataObject) -> None:
    """Any damage to any bytes is either unnoticed or a ModelError: no other exception, no endless work."""
    content = bytearray(small_graph().to_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "damaged.onnx"
    path.write_bytes(bytes(content))
    try:
        check_trustworthy(path)
    except ModelError as error:
        assert "damaged.onnx" in str(error)
    try:
        read_graph(bytes(content))
    except wire.WireError as error:
        assert str(error)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
def test_any_bytes_raise_nothing_but_model_errors(tmp_path: Path, content: bytes) -> None:
    """A file that is no ONNX file at all is a ModelError."""
    path = tmp_path / "any.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError):
        check_trustworthy(path)


def _tensor(dims: List[int], code: int, raw: bytes) -> bytes:
    """A tensor with any claims."""
    return (
        b"".join(wire.integer_field(1, size) for size in dims)
        + wire.integer_field(2, code)
        + wire.text_field(8, "w")
        + wire.bytes_field(9, raw)
    )


def _model_with(graph_fields: bytes) -> bytes:
    """A model around the given fields of a graph."""
    graph = OnnxGraph("g")
    graph.input("x", [1])
    graph.node("Relu", ["x"], "y")
    graph.output("y", [1])
    whole = graph.to_bytes()
    for item in wire.fields(__import__("io").BytesIO(whole), 0, len(whole)):
        if item.number == 7:
            inner = whole[item.start: item.end] + graph_fields
            return (
                wire.integer_field(1, 8) + wire.bytes_field(7, inner) + wire.bytes_field(8, wire.integer_field(2, 17))
            )
    raise ValueError("no graph")


@pytest.mark.parametrize(
    "dims,code,raw,says",
    [
        ([1 << 20, 1 << 20], 1, b"\0" * 8, "claim"),
        ([1 << 60, 1 << 60, 1 << 60], 1, b"", "claim"),
        ([700_000_000], 1, b"\0" * 4, "claim"),
        ([-4], 1, b"", "negative"),
        ([3], 1, b"\0" * 8, "claim"),
        ([2], 99, b"\0" * 8, "unknown type"),
        ([1] * 70, 1, b"\0" * 4, "dimensions"),
    ],
)
def test_claims_of_size_are_compared_with_the_bytes(
    tmp_path: Path, dims: List[int], code: int, raw: bytes, says: str
) -> None:
    """A tensor that claims more than it holds is refused before anything is allocated."""
    path = tmp_path / "claims.onnx"
    path.write_bytes(_model_with(wire.bytes_field(5, _tensor(dims, code, raw))))
    with pytest.raises(ModelError, match=says):
        check_trustworthy(path)


def test_typed_values_fewer_than_claimed_are_refused(tmp_path: Path) -> None:
    """Claims over values that are stored as numbers are compared too."""
    tensor = wire.integer_field(1, 1_000_000) + wire.integer_field(2, 7) + wire.bytes_field(7, b"\1\2\3")
    path = tmp_path / "typed.onnx"
    path.write_bytes(_model_with(wire.bytes_field(5, tensor)))
    with pytest.raises(ModelError, match="1,000,000 values"):
        check_trustworthy(path)


def test_graphs_in_graphs_are_bounded(tmp_path: Path) -> None:
    """A model nested a thousand deep ends in words, not in a stack overflow."""
    graph = b""
    for _ in range(1000):
        graph = wire.bytes_field(
            1, wire.text_field(4, "If") + wire.bytes_field(5, wire.text_field(1, "a") + wire.bytes_field(6, graph))
        )
    path = tmp_path / "deep.onnx"
    path.write_bytes(_model_with(graph))
    with pytest.raises(ModelError, match="nested"):
        check_trustworthy(path)


def test_notes_that_would_fill_the_memory_are_refused(tmp_path: Path) -> None:
    """Many long notes end in words before they are all read."""
    note = wire.bytes_field(14, wire.text_field(1, "k") + wire.text_field(2, "x" * 10_000_000))
    path = tmp_path / "notes.onnx"
    path.write_bytes(small_graph().to_bytes() + note * 8)
    with pytest.raises(ModelError, match="more names and notes"):
        check_trustworthy(path)
    path.write_bytes(small_graph().to_bytes() + note)
    assert len(check_trustworthy(path).metadata["k"]) == 10_000_000


def test_a_sparse_file_of_gigabytes_is_looked_into_without_loading(tmp_path: Path) -> None:
    """A file beyond 2 GB is refused by its size; one just below is walked by seeking, its weights unread."""
    resource = pytest.importorskip("resource")
    path = tmp_path / "huge.onnx"
    with open(path, "wb") as stream:
        stream.truncate(3 * (1 << 30))
    with pytest.raises(ModelError, match="2 GB"):
        check_trustworthy(path)
    length = 1_900_000_000
    tensor = wire.integer_field(1, length) + wire.integer_field(2, 2) + wire.text_field(8, "w")
    header = wire.varint(9 << 3 | 2) + wire.varint(length)
    fields = wire.varint(5 << 3 | 2) + wire.varint(len(tensor) + len(header) + length) + tensor + header
    graph = wire.varint(7 << 3 | 2) + wire.varint(len(fields) + length)
    with open(path, "wb") as stream:
        stream.write(wire.integer_field(1, 8) + wire.bytes_field(8, wire.integer_field(2, 17)) + graph + fields)
        stream.truncate(stream.tell() + length)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert read_facts(path).weight_bytes == length
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


@pytest.mark.parametrize(
    "location",
    ["/etc/passwd", "../w.bin", "a/../../w.bin", "..\\w.bin", "C:\\w.bin", "C:/w.bin", "", "\\\\host\\w", "w.bin\0x"],
)
def test_weights_outside_the_folder_are_refused(tmp_path: Path, location: str) -> None:
    """No model reaches files elsewhere, in the spelling of any system."""
    path = external_model(tmp_path, location)
    with pytest.raises(ModelError, match="outside its own folder"):
        check_trustworthy(path)


def test_weights_behind_a_link_out_of_the_folder_are_refused(tmp_path: Path) -> None:
    """A symbolic link doesn't lead out either."""
    folder = tmp_path / "model"
    folder.mkdir()
    path = external_model(folder, "link.bin")
    (tmp_path / "secret.bin").write_bytes(bytes(400))
    os.symlink(tmp_path / "secret.bin", folder / "link.bin")
    with pytest.raises(ModelError, match="outside its own folder"):
        check_trustworthy(path)


def test_external_weights_must_be_there_and_long_enough(tmp_path: Path) -> None:
    """Missing and truncated weight files are named; a sound one passes and is listed."""
    path = external_model(tmp_path, "w.bin")
    facts = check_trustworthy(path)
    assert facts.weight_bytes == 400 and external_files(facts) == [tmp_path / "w.bin"]
    external_model(tmp_path, "w.bin", length=399)
    with pytest.raises(ModelError, match="w.bin .* truncated"):
        check_trustworthy(path)
    (tmp_path / "w.bin").unlink()
    with pytest.raises(ModelError, match="needs the file w.bin"):
        check_trustworthy(path)


@pytest.mark.parametrize(
    "domain,version,says",
    [
        ("", 99, "operator set 99"),
        ("", 3, "operator set 3"),
        ("evil.ops", 1, "evil.ops"),
        ("ai.onnx.ml", 50, "ai.onnx.ml"),
    ],
)
def test_operators_that_can_not_be_run_are_named(tmp_path: Path, domain: str, version: int, says: str) -> None:
    """Too new, too old and foreign operators are refused before a session is tried."""
    graph = small_graph()
    graph.opsets[domain] = version
    path = tmp_path / "opset.onnx"
    path.write_bytes(graph.to_bytes())
    with pytest.raises(ModelError, match=says):
        check_trustworthy(path)


def test_missing_and_empty_files_are_named(tmp_path: Path) -> None:
    """What the system says is passed on in one sentence."""
    with pytest.raises(ModelError, match="none.onnx can't be read"):
        check_trustworthy(tmp_path / "none.onnx")
    with pytest.raises(ModelError, match="can't be read"):
        check_trustworthy(tmp_path)
    (tmp_path / "empty.onnx").write_bytes(b"")
    with pytest.raises(ModelError, match="empty.onnx is empty"):
        check_trustworthy(tmp_path / "empty.onnx")


class _Stopped(Silent):
    """A user who cancelled."""

    def cancelled(self) -> bool:
        """Always."""
        return True


def test_checksum_is_sha256_and_can_be_cancelled(model: Path) -> None:
    """The checksum is the known one, and waiting for it ends when asked."""
    assert sha256(model) == hashlib.sha256(model.read_bytes()).hexdigest()
    with pytest.raises(Cancelled):
        sha256(model, _Stopped())
    with pytest.raises(EarthprintError, match="can't be read"):
        sha256(model.parent / "none.onnx")

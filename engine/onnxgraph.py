"""A small writer and reader of whole ONNX graphs: what the encoders made here are written with, and evaluated from."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import BinaryIO, Dict, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np

from . import onnxwire as wire

IR_VERSION = 8
OPSET = 17

ELEMENT_TYPES: Dict[str, int] = {
    "float32": 1,
    "uint8": 2,
    "int8": 3,
    "uint16": 4,
    "int16": 5,
    "int32": 6,
    "int64": 7,
    "bool": 9,
    "float16": 10,
    "float64": 11,
    "uint32": 12,
    "uint64": 13,
}
ELEMENT_NAMES: Dict[int, str] = {code: name for name, code in ELEMENT_TYPES.items()}

MAX_ATTRIBUTE_NUMBERS = 1_000_000
MAX_DIMENSIONS = 64

# A list's ONNX type follows from its first element's Python type; an array is a list of its whole or real numbers.
Attribute = Union[int, float, str, Sequence[int], Sequence[float], Sequence[str], np.ndarray]
Dimension = Union[int, str]


@dataclass(frozen=True)
class Node:
    """One operation of a graph."""

    op: str
    inputs: Tuple[str, ...]
    outputs: Tuple[str, ...]
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    domain: str = ""


@dataclass(frozen=True)
class Value:
    """An input or output; a dimension is a number or a free one's name (`?` without a name), an unknown shape None."""

    name: str
    kind: str
    shape: Optional[Tuple[Dimension, ...]]


class OnnxGraph:
    """A graph under construction, or read back: nodes in order of evaluation, weights, inputs, outputs and notes."""

    def __init__(self, name: str) -> None:
        """Start empty."""
        self.name = name
        self.nodes: List[Node] = []
        self.weights: Dict[str, np.ndarray] = {}
        self.inputs: List[Value] = []
        self.outputs: List[Value] = []
        self.notes: Dict[str, str] = {}
        self.opsets: Dict[str, int] = {"": OPSET}

    def input(self, name: str, shape: Sequence[Dimension], kind: str = "float32") -> str:
        """Add an input and give its name."""
        self.inputs.append(Value(name, kind, tuple(shape)))
        return name

    def output(self, name: str, shape: Sequence[Dimension], kind: str = "float32") -> str:
        """Add an output and give its name."""
        self.outputs.append(Value(name, kind, tuple(shape)))
        return name

    def weight(self, name: str, values: np.ndarray) -> str:
        """Add a constant array and give its name."""
        array = np.asarray(values, order="C")
        if array.dtype.name not in ELEMENT_TYPES:
            raise TypeError(f"an ONNX file can't hold arrays of {array.dtype}")
        if name in self.weights and not np.array_equal(self.weights[name], array, equal_nan=array.dtype.kind == "f"):
            raise ValueError(f"two different weights are called {name}")
        self.weights[name] = array
        return name

    def node(self, op: str, inputs: Sequence[str], output: str, domain: str = "", **attributes: Attribute) -> str:
        """Add an operation with one output and give that output's name."""
        self.nodes.append(Node(op, tuple(inputs), (output,), attributes, domain))
        return output

    def to_bytes(self) -> bytes:
        """Serialise as an ONNX model."""
        graph = b"".join(wire.bytes_field(1, _node_bytes(node)) for node in self.nodes)
        graph += wire.text_field(2, self.name)
        graph += b"".join(wire.bytes_field(5, _tensor_bytes(name, array)) for name, array in self.weights.items())
        graph += b"".join(wire.bytes_field(11, _value_bytes(value)) for value in self.inputs)
        graph += b"".join(wire.bytes_field(12, _value_bytes(value)) for value in self.outputs)
        model = wire.integer_field(1, IR_VERSION) + wire.text_field(2, "earthprint") + wire.bytes_field(7, graph)
        for domain, version in self.opsets.items():
            model += wire.bytes_field(8, wire.text_field(1, domain) + wire.integer_field(2, version))
        for key, value in self.notes.items():
            model += wire.bytes_field(14, wire.text_field(1, key) + wire.text_field(2, value))
        return model


def read_graph(data: bytes) -> OnnxGraph:
    """Read a whole model with its weights; meant for small files whose facts were checked before."""
    stream = io.BytesIO(data)
    result = OnnxGraph("")
    for item in wire.fields(stream, *wire.extent(stream)):
        if item.number == 7:
            _read_graph_fields(stream, item, result)
        elif item.number == 8:
            domain, version = read_opset(stream, item)
            result.opsets[domain] = version
        elif item.number == 14:
            key, note = read_note(stream, item)
            result.notes[key] = note
    return result


def read_weights(data: bytes) -> OnnxGraph:
    """Read a model without its nodes: what is wanted of a forest's file, whose nodes hold millions of numbers."""
    stream = io.BytesIO(data)
    result = OnnxGraph("")
    for item in wire.fields(stream, *wire.extent(stream)):
        if item.number == 7:
            for part in wire.fields(stream, item.start, item.end):
                if part.number != 1:
                    _read_graph_part(stream, part, result)
        elif item.number == 14:
            key, note = read_note(stream, item)
            result.notes[key] = note
    return result


def _node_bytes(node: Node) -> bytes:
    """Serialise a node."""
    data = b"".join(wire.text_field(1, name) for name in node.inputs)
    data += b"".join(wire.text_field(2, name) for name in node.outputs)
    data += wire.text_field(3, node.outputs[0]) + wire.text_field(4, node.op)
    data += b"".join(wire.bytes_field(5, _attribute_bytes(name, value)) for name, value in node.attributes.items())
    return data + (wire.text_field(7, node.domain) if node.domain else b"")


def _attribute_bytes(name: str, value: Attribute) -> bytes:
    """Serialise an attribute; its ONNX type follows from the Python type."""
    data = wire.text_field(1, name)
    if isinstance(value, int):
        return data + wire.integer_field(3, value) + wire.integer_field(20, 2)
    if isinstance(value, float):
        return data + wire.float_field(2, value) + wire.integer_field(20, 1)
    if isinstance(value, str):
        return data + wire.text_field(4, value) + wire.integer_field(20, 3)
    return data + _list_bytes(value)


def _list_bytes(values: Union[Sequence[int], Sequence[float], Sequence[str], np.ndarray]) -> bytes:
    """Serialise a list: arrays packed, since those of trees have millions of numbers; short lists one field an item."""
    if isinstance(values, np.ndarray):
        if values.dtype.kind == "f":
            return wire.bytes_field(7, values.astype("<f4", copy=False).tobytes()) + wire.integer_field(20, 6)
        return wire.bytes_field(8, wire.packed(values)) + wire.integer_field(20, 7)
    if len(values) and isinstance(values[0], str):
        return wire.text_fields(9, values) + wire.integer_field(20, 8)
    if len(values) and isinstance(values[0], float):
        return b"".join(wire.float_field(7, item) for item in values) + wire.integer_field(20, 6)
    return b"".join(wire.integer_field(8, int(item)) for item in values) + wire.integer_field(20, 7)


def _tensor_bytes(name: str, array: np.ndarray) -> bytes:
    """Serialise an array as raw little-endian bytes."""
    data = b"".join(wire.integer_field(1, size) for size in array.shape)
    data += wire.integer_field(2, ELEMENT_TYPES[array.dtype.name]) + wire.text_field(8, name)
    return data + wire.bytes_field(9, array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes())


def _value_bytes(value: Value) -> bytes:
    """Serialise an input or output."""
    dims = b""
    for size in value.shape or ():
        dims += wire.bytes_field(1, wire.text_field(2, size) if isinstance(size, str) else wire.integer_field(1, size))
    tensor = wire.integer_field(1, ELEMENT_TYPES[value.kind]) + wire.bytes_field(2, dims)
    return wire.text_field(1, value.name) + wire.bytes_field(2, wire.bytes_field(1, tensor))


def _read_graph_fields(stream: BinaryIO, parent: wire.Field, result: OnnxGraph) -> None:
    """Fill nodes, weights, inputs and outputs from the graph message."""
    for item in wire.fields(stream, parent.start, parent.end):
        _read_graph_part(stream, item, result)


def _read_graph_part(stream: BinaryIO, item: wire.Field, result: OnnxGraph) -> None:
    """Take in one field of the graph message."""
    if item.number == 1:
        result.nodes.append(_read_node(stream, item))
    elif item.number == 2:
        result.name = wire.text(stream, item)
    elif item.number == 5:
        name, array = read_tensor(stream, item)
        result.weights[name] = array
    elif item.number == 11:
        result.inputs.append(read_value(stream, item))
    elif item.number == 12:
        result.outputs.append(read_value(stream, item))


def _read_node(stream: BinaryIO, parent: wire.Field) -> Node:
    """Read a node with the attributes that a plain graph uses."""
    inputs: List[str] = []
    outputs: List[str] = []
    attributes: Dict[str, Attribute] = {}
    op = domain = ""
    for item in wire.fields(stream, parent.start, parent.end):
        if item.number == 1:
            inputs.append(wire.text(stream, item))
        elif item.number == 2:
            outputs.append(wire.text(stream, item))
        elif item.number == 4:
            op = wire.text(stream, item)
        elif item.number == 5:
            name, value = _read_attribute(stream, item)
            attributes[name] = value
        elif item.number == 7:
            domain = wire.text(stream, item)
    return Node(op, tuple(inputs), tuple(outputs), attributes, domain)


def _read_attribute(stream: BinaryIO, parent: wire.Field) -> Tuple[str, Attribute]:
    """Read a number, a text or a list of either; other kinds stay an empty text that no evaluator accepts."""
    name = ""
    value: Attribute = ""
    integers: List[int] = []
    reals: List[float] = []
    texts: List[str] = []
    for item in wire.fields(stream, parent.start, parent.end):
        if item.number == 1:
            name = wire.text(stream, item)
        elif item.number == 2:
            value = wire.single(item.value)
        elif item.number == 3:
            value = wire.signed(item.value)
        elif item.number == 4:
            value = wire.text(stream, item)
        elif item.number == 7:
            reals += wire.singles(stream, item)
        elif item.number == 8:
            integers += wire.numbers(stream, item, MAX_ATTRIBUTE_NUMBERS)
        elif item.number == 9:
            texts.append(wire.text(stream, item))
        if max(len(integers), len(reals), len(texts)) > MAX_ATTRIBUTE_NUMBERS:
            raise wire.WireError(f"an attribute has more than {MAX_ATTRIBUTE_NUMBERS} values")
    return name, tuple(integers) or tuple(reals) or tuple(texts) or value


def read_tensor(stream: BinaryIO, parent: wire.Field) -> Tuple[str, np.ndarray]:
    """Read an array that is stored as raw bytes in the file itself."""
    dims: List[int] = []
    name, code, raw = "", 0, b""
    for item in wire.fields(stream, parent.start, parent.end):
        if item.number == 1:
            dims += wire.numbers(stream, item, MAX_DIMENSIONS)
        elif item.number == 2:
            code = item.value
        elif item.number == 8:
            name = wire.text(stream, item)
        elif item.number == 9:
            raw = wire.content(stream, item)
    if code not in ELEMENT_NAMES:
        raise wire.WireError(f"the weights {name} have the unsupported type {code}")
    dtype = np.dtype(ELEMENT_NAMES[code]).newbyteorder("<")
    count = 1
    for size in dims:
        count *= size
    if any(size < 0 for size in dims) or count * dtype.itemsize != len(raw):
        raise wire.WireError(f"the weights {name} hold {len(raw):,} bytes where their shape needs another number")
    return name, np.frombuffer(raw, dtype).reshape(dims).astype(dtype.newbyteorder("="))


def read_value(stream: BinaryIO, parent: wire.Field) -> Value:
    """Read an input or output; something that is not a tensor has the kind `other`."""
    name, kind = "", "other"
    shape: Optional[Tuple[Dimension, ...]] = None
    for item in wire.fields(stream, parent.start, parent.end):
        if item.number == 1:
            name = wire.text(stream, item)
        elif item.number == 2:
            for option in wire.fields(stream, item.start, item.end):
                if option.number == 1:
                    kind, shape = _read_tensor_type(stream, option)
    return Value(name, kind, shape)


def _read_tensor_type(stream: BinaryIO, parent: wire.Field) -> Tuple[str, Optional[Tuple[Dimension, ...]]]:
    """Read element type and shape."""
    kind = "other"
    shape: Optional[List[Dimension]] = None
    for item in wire.fields(stream, parent.start, parent.end):
        if item.number == 1:
            kind = ELEMENT_NAMES.get(item.value, f"type {item.value}")
        elif item.number == 2:
            shape = []
            for dim in wire.fields(stream, item.start, item.end):
                if dim.number == 1:
                    if len(shape) >= MAX_DIMENSIONS:
                        raise wire.WireError(f"a shape has more than {MAX_DIMENSIONS} dimensions")
                    shape.append(_read_dimension(stream, dim))
    return kind, None if shape is None else tuple(shape)


def _read_dimension(stream: BinaryIO, parent: wire.Field) -> Dimension:
    """Read one dimension of a shape."""
    size: Optional[Dimension] = None
    for item in wire.fields(stream, parent.start, parent.end):
        if item.number == 1:
            size = wire.signed(item.value)
        elif item.number == 2:
            size = wire.text(stream, item) or "?"
    return "?" if size is None or size == -1 else size


def read_opset(stream: BinaryIO, parent: wire.Field) -> Tuple[str, int]:
    """Read an operator set: its domain and version."""
    domain, version = "", 0
    for item in wire.fields(stream, parent.start, parent.end):
        if item.number == 1:
            domain = wire.text(stream, item)
        elif item.number == 2:
            version = wire.signed(item.value)
    return ("" if domain == "ai.onnx" else domain), version


def read_note(stream: BinaryIO, parent: wire.Field) -> Tuple[str, str]:
    """Read a metadata entry: its key and text."""
    key = note = ""
    for item in wire.fields(stream, parent.start, parent.end):
        if item.number == 1:
            key = wire.text(stream, item)
        elif item.number == 2:
            note = wire.text(stream, item)
    return key, note

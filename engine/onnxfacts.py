"""What an ONNX file says about itself: one walk that skips weights and compares claims of size with the bytes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import BinaryIO, Dict, Iterator, List, Optional, Set

from . import onnxwire as wire
from .onnxgraph import MAX_DIMENSIONS, Value, read_note, read_opset, read_value

# Real models stay far below these; a hostile file must neither keep us busy nor fill the memory.
MAX_DEPTH = 16
MAX_FIELDS = 5_000_000
MAX_ENTRIES = 100_000
MAX_KEPT_BYTES = 64 * 1024 * 1024
LARGEST_TENSOR = 1 << 40

BITS = {
    1: 32,
    2: 8,
    3: 8,
    4: 16,
    5: 16,
    6: 32,
    7: 64,
    9: 8,
    10: 16,
    11: 64,
    12: 32,
    13: 64,
    14: 64,
    15: 128,
    16: 16,
    17: 8,
    18: 8,
    19: 8,
    20: 8,
    21: 4,
    22: 4,
    23: 4,
    24: 8,
    25: 2,
    26: 2,
}
TEXT_TYPE = 8
# Fields of a tensor that hold its values as numbers, and the bytes of a number; 0 where the length varies.
TYPED = {4: 4, 5: 0, 7: 0, 10: 8, 11: 0}


@dataclass(frozen=True)
class ExternalData:
    """A part of the weights that lies in another file: where, and how many bytes the tensor's shape asks for."""

    tensor: str
    location: str
    offset: int
    length: int


@dataclass
class OnnxFacts:
    """What an ONNX file says about itself."""

    path: str
    size: int
    ir_version: int = 0
    opsets: Dict[str, int] = field(default_factory=dict)
    producer: str = ""
    inputs: List[Value] = field(default_factory=list)
    outputs: List[Value] = field(default_factory=list)
    metadata: Dict[str, str] = field(default_factory=dict)
    external: List[ExternalData] = field(default_factory=list)
    weight_bytes: int = 0
    operations: Set[str] = field(default_factory=set)
    domains: Set[str] = field(default_factory=set)
    nodes: int = 0


def walk(stream: BinaryIO, path: str, size: int) -> OnnxFacts:
    """Gather the facts of an open file; anything unsound is a WireError."""
    return _Walk(stream, OnnxFacts(path, size)).model()


@dataclass
class _Tensor:
    """What a tensor says of itself, before its claims are compared."""

    name: str = ""
    code: int = 0
    dims: List[int] = field(default_factory=list)
    entries: Dict[str, str] = field(default_factory=dict)
    external: bool = False
    raw: Optional[int] = None
    typed_bytes: int = 0
    exact: int = 0
    texts: int = 0


class _Walk:
    """One pass over the file; it counts what it meets, so that no file keeps it busy for long."""

    def __init__(self, stream: BinaryIO, facts: OnnxFacts) -> None:
        """Start with nothing met."""
        self._stream = stream
        self._facts = facts
        self._met = 0
        self._kept = 0
        self._kept_bytes = 0
        self._weights: Set[str] = set()

    def model(self) -> OnnxFacts:
        """Read the outermost message."""
        facts = self._facts
        graphs = 0
        local: Set[str] = set()
        for item in self._fields(0, facts.size):
            if item.number == 1:
                facts.ir_version = wire.signed(item.value)
            elif item.number == 2:
                facts.producer = wire.text(self._stream, item)
            elif item.number == 7:
                graphs += 1
                self._graph(item, 0)
            elif item.number == 8:
                self._keep(item.size)
                domain, version = read_opset(self._stream, item)
                facts.opsets[domain] = version
            elif item.number == 14:
                self._keep(item.size)
                key, note = read_note(self._stream, item)
                facts.metadata[key] = note
            elif item.number == 25:
                local.add(self._function(item))
        if facts.ir_version == 0:
            raise wire.WireError("it doesn't begin like one")
        if graphs == 0:
            raise wire.TruncatedError("it ends before its graph")
        if not facts.opsets:
            raise wire.TruncatedError("it ends before the version of its operators")
        facts.domains -= local
        # Old exporters list the weights among the inputs.
        facts.inputs = [value for value in facts.inputs if value.name not in self._weights]
        return facts

    def _fields(self, start: int, end: int) -> Iterator[wire.Field]:
        """Walk fields and count them."""
        for item in wire.fields(self._stream, start, end):
            self._met += 1
            if self._met > MAX_FIELDS:
                raise wire.WireError("it has more parts than any real model")
            yield item

    def _keep(self, size: int) -> None:
        """Count what stays in memory, before it is read."""
        self._kept += 1
        self._kept_bytes += size
        if self._kept > MAX_ENTRIES or self._kept_bytes > MAX_KEPT_BYTES:
            raise wire.WireError("it has more names and notes than any real model")

    def _graph(self, parent: wire.Field, depth: int) -> None:
        """Read a graph, or one inside an attribute of a node; only the outermost has inputs and outputs of interest."""
        if depth > MAX_DEPTH:
            raise wire.WireError("its graphs are nested deeper than any real model's")
        for item in self._fields(parent.start, parent.end):
            if item.number == 1:
                self._node(item, depth)
            elif item.number == 5:
                self._tensor(item, depth == 0)
            elif item.number == 15:
                self._sparse(item)
            elif item.number in (11, 12) and depth == 0:
                self._keep(item.size)
                values = self._facts.inputs if item.number == 11 else self._facts.outputs
                values.append(read_value(self._stream, item))

    def _node(self, parent: wire.Field, depth: int) -> None:
        """Read a node's operation and look for tensors and graphs in its attributes."""
        self._facts.nodes += 1
        op = domain = ""
        for item in self._fields(parent.start, parent.end):
            if item.number == 4:
                op = wire.text(self._stream, item)
            elif item.number == 7:
                domain = wire.text(self._stream, item)
            elif item.number == 5:
                self._attribute(item, depth)
        if op not in self._facts.operations:
            self._keep(len(op))
            self._facts.operations.add(op)
        domain = "" if domain == "ai.onnx" else domain
        if domain not in self._facts.domains:
            self._keep(len(domain))
            self._facts.domains.add(domain)

    def _attribute(self, parent: wire.Field, depth: int) -> None:
        """Read the tensors and graphs of an attribute."""
        for item in self._fields(parent.start, parent.end):
            if item.number in (5, 10):
                self._tensor(item, False)
            elif item.number in (6, 11):
                self._graph(item, depth + 1)
            elif item.number in (22, 23):
                self._sparse(item)

    def _function(self, parent: wire.Field) -> str:
        """Read a function that the model brings along and give its domain."""
        domain = ""
        for item in self._fields(parent.start, parent.end):
            if item.number == 7:
                self._node(item, 1)
            elif item.number == 10:
                domain = wire.text(self._stream, item)
        return domain

    def _sparse(self, parent: wire.Field) -> None:
        """Read the two tensors that a sparse one is made of."""
        for item in self._fields(parent.start, parent.end):
            if item.number in (1, 2):
                self._tensor(item, False)

    def _tensor(self, parent: wire.Field, named: bool) -> None:
        """Read a tensor's claims, compare them and count its bytes."""
        tensor = _Tensor()
        for item in self._fields(parent.start, parent.end):
            self._tensor_field(item, tensor)
        if named:
            self._keep(len(tensor.name))
            self._weights.add(tensor.name)
        self._facts.weight_bytes += self._checked_size(tensor)

    def _tensor_field(self, item: wire.Field, tensor: _Tensor) -> None:
        """Take in one field of a tensor."""
        if item.number == 1:
            tensor.dims += wire.numbers(self._stream, item, MAX_DIMENSIONS)
            if len(tensor.dims) > MAX_DIMENSIONS:
                raise wire.WireError(f"weights have more than {MAX_DIMENSIONS} dimensions")
        elif item.number == 2:
            tensor.code = item.value
        elif item.number == 6:
            tensor.texts += 1
        elif item.number == 8:
            tensor.name = wire.text(self._stream, item)
        elif item.number == 9:
            tensor.raw = item.size
        elif item.number == 13:
            self._keep(item.size)
            key, note = read_note(self._stream, item)
            tensor.entries[key] = note
        elif item.number == 14:
            tensor.external = item.value == 1
        elif item.number in TYPED:
            width = TYPED[item.number]
            tensor.typed_bytes += item.size if item.wire == wire.BYTES else max(width, 1)
            tensor.exact = max(tensor.exact, width)

    def _checked_size(self, tensor: _Tensor) -> int:
        """Compare what shape and type ask for with the bytes that are there; give the bytes."""
        name = repr(tensor.name[:80])
        if any(size < 0 for size in tensor.dims):
            raise wire.WireError(f"the weights {name} have a negative size")
        count = 1
        for size in tensor.dims:
            count *= size
        if tensor.code == TEXT_TYPE:
            if tensor.texts != count:
                raise wire.WireError(f"the weights {name} state {count:,} texts and hold {tensor.texts:,}")
            return 0
        if tensor.code not in BITS:
            raise wire.WireError(f"the weights {name} have the unknown type {tensor.code}")
        needed = (count * BITS[tensor.code] + 7) // 8
        if needed > LARGEST_TENSOR:
            raise wire.WireError(f"the weights {name} claim {needed / 1e9:,.0f} GB")
        if tensor.external:
            self._external(tensor, needed)
        elif tensor.raw is not None:
            if tensor.raw != needed:
                raise wire.WireError(f"the weights {name} claim {needed:,} bytes and hold {tensor.raw:,}")
        else:
            self._check_typed(tensor, count, name)
        return needed

    def _check_typed(self, tensor: _Tensor, count: int, name: str) -> None:
        """Compare the count with values stored as numbers; where their length varies, each takes at least a byte."""
        if tensor.exact and tensor.code in (1, 11):
            fits = tensor.typed_bytes == count * tensor.exact
        else:
            # Two complex parts, or two small integers, share a number at most.
            fits = tensor.typed_bytes * 4 >= count
        if not fits:
            raise wire.WireError(f"the weights {name} claim {count:,} values and hold {tensor.typed_bytes:,} bytes")

    def _external(self, tensor: _Tensor, needed: int) -> None:
        """Note where the weights are; whether they are there is checked before a session is made."""
        offset = _whole_number(tensor.entries.get("offset", "0"))
        length = _whole_number(tensor.entries.get("length", str(needed)))
        if length != needed:
            raise wire.WireError(
                f"the weights {tensor.name[:80]!r} claim {needed:,} bytes and {length:,} in another file"
            )
        self._facts.external.append(ExternalData(tensor.name, tensor.entries.get("location", ""), offset, needed))


def _whole_number(text: str) -> int:
    """Read the number of bytes that an entry states as text."""
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise wire.WireError("a place in another file is not a number")
    return int(text)

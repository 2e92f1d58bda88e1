"""The protobuf wire format, read by seeking and written by hand: no package is needed to look into an ONNX file."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO, Iterator, List, Sequence, Tuple

import numpy as np

VARINT = 0
FIXED64 = 1
BYTES = 2
FIXED32 = 5

MAX_TEXT = 16 * 1024 * 1024


class WireError(ValueError):
    """The bytes are not a well-formed message."""


class TruncatedError(WireError):
    """The bytes end, or a stated length reaches past the end."""


@dataclass(frozen=True)
class Field:
    """One field of a message; the content of a length-delimited one stays on disk between `start` and `end`."""

    number: int
    wire: int
    value: int
    start: int
    end: int

    @property
    def size(self) -> int:
        """Bytes of a length-delimited field's content."""
        return self.end - self.start


def read_varint(stream: BinaryIO) -> int:
    """Read one variable-length number of at most 64 bits."""
    value = 0
    for shift in range(0, 70, 7):
        byte = stream.read(1)
        if not byte:
            raise TruncatedError("a number is cut off")
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF
    raise WireError("a number is longer than 64 bits")


def fields(stream: BinaryIO, start: int, end: int) -> Iterator[Field]:
    """Walk the fields between two positions, skipping contents by seeking; the stream may be moved between steps."""
    position = start
    while position < end:
        stream.seek(position)
        key = read_varint(stream)
        number, wire = key >> 3, key & 7
        if number == 0:
            raise WireError("a field has the number 0")
        value, content = 0, stream.tell()
        if wire == VARINT:
            value = read_varint(stream)
            content = position = stream.tell()
        elif wire in (FIXED64, FIXED32):
            width = 8 if wire == FIXED64 else 4
            raw = stream.read(width)
            if len(raw) < width:
                raise TruncatedError("a number is cut off")
            value = int.from_bytes(raw, "little")
            content = position = content + width
        elif wire == BYTES:
            length = read_varint(stream)
            content = stream.tell()
            position = content + length
        else:
            raise WireError(f"a field has the unknown kind {wire}")
        if position > end:
            raise TruncatedError(f"a part states {position - content:,} bytes where {max(end - content, 0):,} are left")
        yield Field(number, wire, value, content, position)


def content(stream: BinaryIO, field: Field) -> bytes:
    """Read the whole content of a length-delimited field."""
    if field.wire != BYTES:
        raise WireError("a text is stored as a number")
    stream.seek(field.start)
    data = stream.read(field.size)
    if len(data) < field.size:
        raise TruncatedError("a part is cut off")
    return data


def text(stream: BinaryIO, field: Field) -> str:
    """Read a name or a note; bounded, because a hostile file may state any length."""
    if field.size > MAX_TEXT:
        raise WireError(f"a text of {field.size:,} bytes is longer than any real one")
    return content(stream, field).decode("utf-8", "replace")


def numbers(stream: BinaryIO, field: Field, limit: int) -> List[int]:
    """Read repeated integers in either form, one a field or packed, as signed 64-bit values, at most `limit`."""
    if field.wire == VARINT:
        return [signed(field.value)]
    if field.wire != BYTES:
        raise WireError("a list of numbers is stored as something else")
    values: List[int] = []
    stream.seek(field.start)
    while stream.tell() < field.end:
        if len(values) >= limit:
            raise WireError(f"a list has more than {limit} numbers")
        values.append(signed(read_varint(stream)))
    if stream.tell() != field.end:
        raise TruncatedError("a list of numbers is cut off")
    return values


def singles(stream: BinaryIO, field: Field) -> List[float]:
    """Read repeated single-precision numbers in either form, one a field or packed."""
    if field.wire == FIXED32:
        return [single(field.value)]
    data = content(stream, field)
    if len(data) % 4:
        raise TruncatedError("a list of numbers is cut off")
    return [float(value) for value in np.frombuffer(data, "<f4")]


def signed(value: int) -> int:
    """Turn the unsigned 64 bits of the wire into the signed number they stand for."""
    return value - (1 << 64) if value >= 1 << 63 else value


def varint(value: int) -> bytes:
    """Write one variable-length number."""
    value &= 0xFFFFFFFFFFFFFFFF
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def packed(values: np.ndarray) -> bytes:
    """Write many variable-length numbers one after the other, as a packed list's content."""
    rest = values.astype(np.int64).view(np.uint64)
    pieces = np.zeros((len(rest), 10), np.uint8)
    lengths = np.ones(len(rest), np.int64)
    for place in range(10):
        low = (rest & np.uint64(0x7F)).astype(np.uint8)
        rest = rest >> np.uint64(7)
        more = rest > 0
        pieces[:, place] = np.where(more, low | 0x80, low)
        lengths += more
        if not more.any():
            break
    return pieces[np.arange(10) < lengths[:, np.newaxis]].tobytes()


def integer_field(number: int, value: int) -> bytes:
    """Write an integer field."""
    return varint(number << 3 | VARINT) + varint(value)


def float_field(number: int, value: float) -> bytes:
    """Write a single-precision field."""
    return varint(number << 3 | FIXED32) + struct.pack("<f", value)


def bytes_field(number: int, value: bytes) -> bytes:
    """Write a length-delimited field: bytes, or a message that is already serialised."""
    return varint(number << 3 | BYTES) + varint(len(value)) + value


def text_field(number: int, value: str) -> bytes:
    """Write a text field."""
    return bytes_field(number, value.encode("utf-8"))


def text_fields(number: int, values: Sequence[str]) -> bytes:
    """Write many text fields of one number, of which few are different."""
    known = {value: text_field(number, value) for value in set(values)}
    return b"".join([known[value] for value in values])


def single(value: int) -> float:
    """Turn the 32 bits of a fixed field into the float they stand for."""
    return struct.unpack("<f", struct.pack("<I", value & 0xFFFFFFFF))[0]


def extent(stream: BinaryIO) -> Tuple[int, int]:
    """Give start and end of the whole stream."""
    stream.seek(0, 2)
    return 0, stream.tell()

"""Reads the safetensors format: a header in JSON, then numbers; it can't hold code."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

import numpy as np

from .checkpoint import Checkpoint, StoredTensor, item_size, numbers, plain_settings
from .refusing import damaged, suspicious

KINDS = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "I64": "int64", "I32": "int32",
         "I16": "int16", "I8": "int8", "U8": "uint8", "BOOL": "bool"}
LARGEST_HEADER = 32 << 20
_LENGTH = 8
_LARGEST = 1 << 62
_MOST_AXES = 16


def read_safetensors(path: Path) -> Checkpoint:
    """Read the header and check every claim of it against the file; the numbers are read when they are asked for."""
    name, size = path.name, os.path.getsize(path)
    with open(path, "rb") as stream:
        length = int.from_bytes(stream.read(_LENGTH), "little")
        if length > LARGEST_HEADER:
            raise suspicious(name, f"its header claims {length:,} bytes")
        text = stream.read(length)
    try:
        header = json.loads(text.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise damaged(name, "its header is no JSON; it may be broken off") from error
    if len(text) < length or not isinstance(header, dict):
        raise damaged(name, "its header is broken off")
    settings = plain_settings(header.pop("__metadata__", {}))
    start = _LENGTH + length
    tensors: "Dict[str, StoredTensor]" = {}
    spans: "List[Tuple[int, int]]" = []
    for key, entry in header.items():
        kind, shape, begin, end = _entry(name, key, entry)
        if start + end > size:
            raise damaged(name, f"the numbers of {key[:80]} are broken off")
        spans.append((begin, end))
        tensors[key] = StoredTensor(kind, shape, _reader(path, kind, shape, (start + begin, end - begin)))
    spans.sort()
    if any(later[0] < earlier[1] for earlier, later in zip(spans, spans[1:])):
        raise suspicious(name, "two tensors share their numbers")
    return Checkpoint(name, tensors, settings)


def _entry(name: str, key: str, entry: Any) -> "Tuple[str, Tuple[int, ...], int, int]":
    """Return kind, shape and place of a tensor."""
    try:
        kind = KINDS.get(entry["dtype"], "other")
        shape = tuple(_whole(size) for size in entry["shape"])
        begin, end = (_whole(place) for place in entry["data_offsets"])
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(name, f"its header says nothing sensible of {key[:80]}") from error
    if len(shape) > _MOST_AXES:
        raise suspicious(name, f"{key[:80]} claims {len(shape)} axes")
    count = 1
    for part in shape:
        count *= part
    if end < begin or kind != "other" and count * item_size(kind) != end - begin:
        raise suspicious(name, f"{key[:80]} claims another number of bytes than its shape has")
    return kind, shape, begin, end


def _whole(value: Any) -> int:
    """Return a whole number that is not negative."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < _LARGEST:
        raise ValueError
    return value


def _reader(path: Path, kind: str, shape: "Tuple[int, ...]", place: "Tuple[int, int]") -> "Callable[[], np.ndarray]":
    """Return what reads one tensor."""
    def read() -> np.ndarray:
        """Read its bytes."""
        try:
            with open(path, "rb") as stream:
                stream.seek(place[0])
                return np.array(numbers(stream.read(place[1]), kind).reshape(shape))
        except (OSError, ValueError) as error:
            raise damaged(path.name, "it changed while it was read") from error
    return read

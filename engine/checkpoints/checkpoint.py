"""A checkpoint as it lies on disk: its tensors by name, none of them read yet, and its plain settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Mapping, Tuple

import numpy as np

FLOATS = ("float32", "float64", "float16", "bfloat16")
_SIZES = {"float64": 8, "int64": 8, "float32": 4, "int32": 4, "float16": 2, "bfloat16": 2, "int16": 2, "int8": 1,
          "uint8": 1, "bool": 1}


@dataclass(frozen=True, eq=False)
class StoredTensor:
    """One tensor: its kind of number, its shape, and how to read it."""

    kind: str
    shape: "Tuple[int, ...]"
    read: "Callable[[], np.ndarray]"


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """What a file of weights holds; `settings` are the plain numbers and words that were stored along.

    A package is named by its own name; `member_checksum` is that of the file of weights in it.
    """

    name: str
    tensors: "Mapping[str, StoredTensor]"
    settings: "Mapping[str, Any]" = field(default_factory=dict)
    checksum: str = ""
    member_checksum: str = ""

    @property
    def weights_checksum(self) -> str:
        """Return the SHA-256 of the file of weights."""
        return self.member_checksum or self.checksum


def item_size(kind: str) -> int:
    """Return the bytes of a number, or 0 where the kind isn't known."""
    return _SIZES.get(kind, 0)


def numbers(raw: bytes, kind: str, order: str = "<") -> np.ndarray:
    """Return the numbers of raw bytes; the short form of float32, which NumPy lacks, as float32."""
    if kind == "bfloat16":
        return (np.frombuffer(raw, np.dtype("u2").newbyteorder(order)).astype(np.uint32) << 16).view(np.float32)
    return np.frombuffer(raw, np.dtype(kind).newbyteorder(order))


def plain_settings(found: Any) -> "Dict[str, Any]":
    """Return the entries of a dictionary that are plain: words, numbers and short lists of numbers."""
    if not isinstance(found, dict):
        return {}
    return {key: value for key, value in found.items() if isinstance(key, str) and _plain(value)}


def _plain(value: Any) -> bool:
    """Tell whether a value is a word, a number, nothing, or a few numbers."""
    if value is None or isinstance(value, (bool, int, float)):
        return True
    if isinstance(value, str):
        return len(value) <= 300
    return isinstance(value, (list, tuple)) and len(value) <= 16 and all(
        isinstance(part, (int, float)) for part in value)

"""How one vector becomes the bytes of a table's row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, Sequence

import numpy as np

from ..errors import InputError
from .alphaearth import ALPHAEARTH
from .floats import FLOAT16, FLOAT32
from .interface import Coding


class VectorCoding(Protocol):
    """How one vector becomes the bytes of a table's row."""

    code: str

    def encode(self, vectors: np.ndarray) -> "list[bytes]":
        """Turn float32 `(rows, dims)` into one byte string a row."""

    def decode(self, blobs: "Sequence[bytes]", dimensions: int) -> np.ndarray:
        """Turn byte strings into float32 `(rows, dims)`."""

    def size(self, dimensions: int) -> int:
        """Return how many bytes a vector takes."""


@dataclass(frozen=True)
class PlainVectors:
    """Vectors written as they are in one little-endian number type, or by a block coding without parameters."""

    coding: Coding

    @property
    def code(self) -> str:
        """Return the code that stands in the key."""
        return self.coding.code

    def encode(self, vectors: np.ndarray) -> "list[bytes]":
        """Cast all rows at once, then cut."""
        raw = np.ascontiguousarray(self.coding.encode(vectors.T).T)
        data, size = raw.tobytes(), raw.shape[1] * raw.itemsize
        return [data[start:start + size] for start in range(0, len(data), size)]

    def decode(self, blobs: "Sequence[bytes]", dimensions: int) -> np.ndarray:
        """Join all rows, then cast at once."""
        raw = np.frombuffer(b"".join(blobs), dtype=self.coding.dtype).reshape(len(blobs), dimensions)
        return np.ascontiguousarray(self.coding.decode(raw.T).T) if raw.size else raw.astype(np.float32)

    def size(self, dimensions: int) -> int:
        """Return how many bytes a vector takes."""
        return dimensions * self.coding.dtype.itemsize


@dataclass(frozen=True)
class ScaledVectors:
    """Signed bytes after a float32 scale of the row's own: a quarter of the size."""

    code: str = "i1"

    def encode(self, vectors: np.ndarray) -> "list[bytes]":
        """Scale each row by its largest magnitude."""
        largest = np.abs(vectors).max(axis=1) if vectors.shape[1] else np.zeros(len(vectors))
        scale = np.where(largest > 0, largest / 127.0, 1.0).astype("<f4")
        codes = np.rint(vectors / scale[:, None]).astype(np.int8)
        return [scale[row].tobytes() + codes[row].tobytes() for row in range(len(vectors))]

    def decode(self, blobs: "Sequence[bytes]", dimensions: int) -> np.ndarray:
        """Multiply each row's bytes by its scale."""
        raw = np.frombuffer(b"".join(blobs), dtype=np.int8).reshape(len(blobs), 4 + dimensions)
        scale = np.ascontiguousarray(raw[:, :4]).view("<f4")
        return raw[:, 4:].astype(np.float32) * scale

    def size(self, dimensions: int) -> int:
        """Return how many bytes a vector takes."""
        return 4 + dimensions


VECTOR_CODINGS: "dict[str, VectorCoding]" = {
    "f4": PlainVectors(FLOAT32), "f2": PlainVectors(FLOAT16), "i1": ScaledVectors(), "a1": PlainVectors(ALPHAEARTH)}


def vector_coding(code: str) -> VectorCoding:
    """Return the coding of a table's vectors by the code in its key."""
    if code not in VECTOR_CODINGS:
        raise InputError("coding-vectors", "Vectors coded as “{code}” can't be read by this version: update the "
                         "plugin, or export them as float32.", code=code)
    return VECTOR_CODINGS[code]

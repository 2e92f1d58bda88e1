"""How vectors are coded on disk: one interface for raster blocks and for the vectors of a table.

Arrays have the dimensions first, `(dims, ...)`, and are decoded to float32 with NaN for nodata.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol, Sequence

import numpy as np

from .errors import InputError

AEF_NODATA = -128
INT16_NODATA = -32768
UINT8_NODATA = 0


class Coding(Protocol):
    """What a reader or writer of blocks needs to know of the numbers on disk."""

    code: str
    dtype: np.dtype
    nodata: float

    def encode(self, values: np.ndarray) -> np.ndarray:
        """Turn float32 `(dims, ...)` with NaN for nodata into what lies on disk."""

    def decode(self, raw: np.ndarray) -> np.ndarray:
        """Turn what lies on disk into float32 `(dims, ...)` with NaN for nodata."""

    def part(self, first: int, last: int) -> "Coding":
        """Return the coding of the dimensions from first up to but without last."""


@dataclass(frozen=True)
class FloatCoding:
    """Plain floating-point numbers, nodata NaN."""

    code: str
    dtype: np.dtype
    nodata: float = float("nan")

    def encode(self, values: np.ndarray) -> np.ndarray:
        """Cast."""
        return values.astype(self.dtype, copy=False)

    def decode(self, raw: np.ndarray) -> np.ndarray:
        """Cast, and let any other declared nodata value become NaN."""
        values = raw.astype(np.float32, copy=False)
        if not np.isnan(self.nodata):
            values = np.where(raw == raw.dtype.type(self.nodata), np.float32(np.nan), values)
        return values

    def part(self, first: int, last: int) -> "FloatCoding":
        """Return itself: every dimension is coded alike."""
        return self


FLOAT32 = FloatCoding("f4", np.dtype("<f4"))
FLOAT16 = FloatCoding("f2", np.dtype("<f2"))


@dataclass(frozen=True)
class ScaledCoding:
    """Whole numbers with a scale and an offset per dimension, as every GIS applies by itself."""

    code: str
    dtype: np.dtype
    nodata: float
    low: int
    high: int
    scale: "tuple[float, ...]"
    offset: "tuple[float, ...]"

    def encode(self, values: np.ndarray) -> np.ndarray:
        """Round to the nearest code, clip to the range, put nodata where a value is NaN."""
        shape = (-1,) + (1,) * (values.ndim - 1)
        scale = np.asarray(self.scale, dtype=np.float32).reshape(shape)
        offset = np.asarray(self.offset, dtype=np.float32).reshape(shape)
        codes = np.rint((values - offset) / scale)
        missing = np.isnan(codes)
        codes = np.clip(np.where(missing, self.low, codes), self.low, self.high).astype(self.dtype)
        codes[missing] = self.dtype.type(self.nodata)
        return codes

    def decode(self, raw: np.ndarray) -> np.ndarray:
        """Scale back; the nodata code becomes NaN."""
        shape = (-1,) + (1,) * (raw.ndim - 1)
        values = raw.astype(np.float32)
        values *= np.asarray(self.scale, dtype=np.float32).reshape(shape)
        values += np.asarray(self.offset, dtype=np.float32).reshape(shape)
        if not np.isnan(self.nodata):
            values[raw == self.dtype.type(self.nodata)] = np.nan
        return values

    def part(self, first: int, last: int) -> "ScaledCoding":
        """Return the coding of some of the dimensions."""
        return replace(self, scale=self.scale[first:last], offset=self.offset[first:last])


@dataclass(frozen=True)
class AlphaEarthCoding:
    """AlphaEarth's signed square-root companding of unit vectors into int8."""

    code: str = "a1"
    dtype: np.dtype = np.dtype("i1")
    nodata: float = AEF_NODATA

    def encode(self, values: np.ndarray) -> np.ndarray:
        """Compand, and put −128 in all dimensions where any is NaN, as the product does."""
        missing = np.isnan(values).any(axis=0)
        safe = np.where(missing, np.float32(0), values)
        codes = np.clip(np.rint(np.sign(safe) * np.sqrt(np.abs(safe)) * 127.5), -127, 127).astype(np.int8)
        codes[:, missing] = AEF_NODATA
        return codes

    def decode(self, raw: np.ndarray) -> np.ndarray:
        """Expand by a table of the 256 codes; −128 is nodata by value, since old GDAL masks signed bytes wrongly."""
        return _AEF_TABLE[raw.view(np.uint8)]

    def part(self, first: int, last: int) -> "AlphaEarthCoding":
        """Return itself: every dimension is coded alike."""
        return self


def _aef_table() -> np.ndarray:
    """Return the decoded value of each byte read as unsigned."""
    codes = np.arange(256, dtype=np.uint8).view(np.int8).astype(np.float32)
    table = np.sign(codes) * (codes / np.float32(127.5)) ** 2
    table[128] = np.nan
    return table.astype(np.float32)


_AEF_TABLE = _aef_table()
ALPHAEARTH = AlphaEarthCoding()


def scaled_for(kind: str, low: "Sequence[float]", high: "Sequence[float]") -> ScaledCoding:
    """Return the uint8 or int16 coding that spans low..high in each dimension."""
    lows = np.asarray(low, dtype=np.float64)
    spans = np.maximum(np.asarray(high, dtype=np.float64) - lows, 1e-12)
    if kind == "uint8":
        first, last, nodata = 1, 255, UINT8_NODATA
        code, dtype = "u1", np.dtype("u1")
    elif kind == "int16":
        first, last, nodata = -32767, 32767, INT16_NODATA
        code, dtype = "i2", np.dtype("<i2")
    else:
        raise InputError("coding-unknown", "“{kind}” is not a coding: choose float32, int16 or uint8.", kind=kind)
    scale = spans / (last - first)
    offset = lows - first * scale
    return ScaledCoding(code, dtype, nodata, first, last, tuple(map(float, scale)), tuple(map(float, offset)))


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
        raw = np.ascontiguousarray(self.coding.encode(np.ascontiguousarray(vectors.T)).T)
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

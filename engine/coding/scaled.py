"""Whole numbers with a scale and an offset per dimension."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Sequence

import numpy as np

from ..errors import InputError

INT16_NODATA = -32768
UINT8_NODATA = 0


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

    @property
    def largest_error(self) -> float:
        """Return half the widest step."""
        return max(map(abs, self.scale), default=0.0) / 2

    def encode(self, values: np.ndarray) -> np.ndarray:
        """Round to the nearest code, clip to the range, put nodata where a value is NaN."""
        codes = np.empty(values.shape, dtype=self.dtype)
        # One dimension at a time, in double precision: a step may be finer than float32 is at the values' size.
        for index, (scale, offset) in enumerate(zip(self.scale, self.offset)):
            steps = np.rint((values[index].astype(np.float64) - offset) / scale)
            missing = np.isnan(steps)
            codes[index] = np.clip(np.where(missing, self.low, steps), self.low, self.high).astype(self.dtype)
            codes[index][missing] = self.dtype.type(self.nodata)
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
    # Numbers that float32 holds, so that decoding in float32 and in double precision give the same.
    scale = np.nextafter((spans / (last - first)).astype(np.float32), np.float32(np.inf)).astype(np.float64)
    offset = (lows - first * scale).astype(np.float32).astype(np.float64)
    return ScaledCoding(code, dtype, nodata, first, last, tuple(map(float, scale)), tuple(map(float, offset)))

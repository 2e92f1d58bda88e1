"""Plain floating-point numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..errors import InputError


@dataclass(frozen=True)
class FloatCoding:
    """Plain floating-point numbers, nodata NaN; with LERC, they may be off by a stated error once compressed."""

    code: str
    dtype: np.dtype
    nodata: float = float("nan")
    lerc_error: float = 0.0

    @property
    def largest_error(self) -> float:
        """Return how far a float32 may move: what LERC may do, and nothing without it."""
        return float("nan") if self.dtype == np.dtype("f2") else self.lerc_error

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


def lerc(largest_error: float) -> FloatCoding:
    """Return float32 that is compressed by LERC, which moves no number by more than the stated error."""
    if not 0 < largest_error < float("inf"):
        raise InputError("coding-error", "MAX_ERROR is {error:g}: LERC needs an error above 0, such as 0.001; choose "
                         "float32 for none.", error=largest_error)
    return replace(FLOAT32, lerc_error=float(largest_error))

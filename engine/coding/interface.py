"""What every coding of raster blocks offers: arrays have the dimensions first, and are float32 with NaN for nodata."""

from __future__ import annotations

from typing import Protocol

import numpy as np


class Coding(Protocol):
    """What a reader or writer of blocks needs to know of the numbers on disk."""

    code: str
    dtype: np.dtype
    nodata: float

    @property
    def largest_error(self) -> float:
        """Return how far a value within the coding's range may move when it is encoded and decoded."""

    def encode(self, values: np.ndarray) -> np.ndarray:
        """Turn float32 `(dims, ...)` with NaN for nodata into what lies on disk."""

    def decode(self, raw: np.ndarray) -> np.ndarray:
        """Turn what lies on disk into float32 `(dims, ...)` with NaN for nodata."""

    def part(self, first: int, last: int) -> "Coding":
        """Return the coding of the dimensions from first up to but without last."""

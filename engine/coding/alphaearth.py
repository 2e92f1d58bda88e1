"""AlphaEarth's signed square-root companding into bytes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

AEF_NODATA = -128


@dataclass(frozen=True)
class AlphaEarthCoding:
    """AlphaEarth's signed square-root companding of unit vectors into int8."""

    code: str = "a1"
    dtype: np.dtype = np.dtype("i1")
    nodata: float = AEF_NODATA

    @property
    def largest_error(self) -> float:
        """Return how far 1 lies from the largest code; all other steps are finer."""
        return 1 - (127 / 127.5) ** 2

    def encode(self, values: np.ndarray) -> np.ndarray:
        """Compand, and put −128 in all dimensions where any is NaN, as the product does."""
        missing = np.isnan(values).any(axis=0)
        safe = np.where(missing, np.float32(0), values)
        codes = np.clip(np.rint(np.sign(safe) * np.sqrt(np.abs(safe)) * 127.5), -127, 127).astype(np.int8)
        codes[:, missing] = AEF_NODATA
        return codes

    def decode(self, raw: np.ndarray) -> np.ndarray:
        """Expand; −128 is nodata by value, since old GDAL masks signed bytes wrongly.

        Arithmetic takes a third of the time that a table of the 256 codes takes.
        """
        codes = raw.view(np.int8)
        values = codes.astype(np.float32)
        values /= np.float32(127.5)
        values *= np.abs(values)
        missing = codes == AEF_NODATA
        if missing.any():
            values[missing] = np.nan
        return values

    def part(self, first: int, last: int) -> "AlphaEarthCoding":
        """Return itself: every dimension is coded alike."""
        return self


ALPHAEARTH = AlphaEarthCoding()

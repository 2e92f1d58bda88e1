"""TESSERA's coding: signed bytes, and a float32 scale for each cell (or each value) beside them.

The scales are numbers of another type than the codes, so they lie in an array or raster of their own and come as one.
"""

from __future__ import annotations

import numpy as np

_LARGEST = 127


def decode_with_scales(codes: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """Return code times scale as float32 `(dims, ...)`; a scale that is no number leaves no vector, 0 one of zeros.

    `codes` are `(dims, ...)`; `scales` are `(...)`, one a cell, or `(dims, ...)`, one a value.
    """
    values = codes.astype(np.float32)
    values *= scales.astype(np.float32, copy=False)
    missing = ~np.isfinite(values).all(axis=0)
    if missing.any():
        values[:, missing] = np.nan
    return values


def encode_with_scales(values: np.ndarray) -> "tuple[np.ndarray, np.ndarray]":
    """Return codes `(dims, ...)` and scales `(...)` of vectors; one without a value gets the scale NaN.

    The largest magnitude of a vector becomes 127, so that no value moves by more than half its cell's scale.
    """
    missing = ~np.isfinite(values).all(axis=0)
    safe = np.where(missing, np.float32(0), values)
    scales = (np.abs(safe).max(axis=0) / np.float32(_LARGEST)).astype(np.float32)
    codes = np.rint(safe / np.where(scales > 0, scales, np.float32(1)))
    codes = np.clip(codes, -_LARGEST, _LARGEST).astype(np.int8)
    scales[missing] = np.nan
    return codes, scales

"""Fields of every coding, as a canvas would see them, made where a test needs them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from small_fields import write_field

from earthprint.engine.coding import ALPHAEARTH, FLOAT32, Coding, scaled_for
from earthprint.engine.space import Space

NORTH_UP = (500000.0, 10.0, 0.0, 5700000.0, 0.0, -10.0)
SOUTH_UP = (500000.0, 10.0, 0.0, 5698000.0, 0.0, 10.0)
MIRRORED = (502000.0, -10.0, 0.0, 5700000.0, 0.0, -10.0)
CODINGS = ("f4", "a1", "u1", "i2")
DIMENSIONS = 8


def unit_vectors(rows: int, columns: int, dimensions: int = DIMENSIONS, seed: int = 3) -> np.ndarray:
    """Return vectors `(dims, rows, cols)` of length one, three of them without a value."""
    values = np.random.default_rng(seed).normal(size=(dimensions, rows, columns))
    values += 2 * np.random.default_rng(seed + 1).normal(size=(dimensions, 1, columns))
    values /= np.linalg.norm(values, axis=0)
    values[:, 1, 2] = values[:, rows // 2, columns // 3] = values[:, rows - 1, columns - 1] = np.nan
    return values.astype(np.float32)


def coding_named(name: str, dimensions: int = DIMENSIONS) -> Coding:
    """Return a coding that suits unit vectors."""
    if name in ("f4", "a1"):
        return {"f4": FLOAT32, "a1": ALPHAEARTH}[name]
    return scaled_for({"u1": "uint8", "i2": "int16"}[name], [-1.0] * dimensions, [1.0] * dimensions)


def seen_field(path: Path, values: np.ndarray, coding: str = "f4", transform: "tuple[float, ...]" = NORTH_UP,
               unit: bool = True, encoder: str = "seen", epsg: int = 32633) -> str:
    """Write an embedding raster and return its path."""
    return write_field(path, values, transform, epsg, Space(encoder, len(values), unit_norm=unit),
                       coding_named(coding, len(values)))

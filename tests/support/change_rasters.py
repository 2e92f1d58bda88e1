"""Small embedding rasters of two dates whose change is known, made where a test needs them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, List, Optional, Sequence

import numpy as np
from osgeo import gdal, osr

from earthprint.engine.coding import FLOAT32, Coding
from earthprint.engine.dataset import write
from earthprint.engine.field import create_field
from earthprint.engine.grid import Grid
from earthprint.engine.space import Space

TRANSFORM = (500000.0, 10.0, 0.0, 5600000.0, 0.0, -10.0)


def utm() -> str:
    """Return UTM zone 32 as WKT."""
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32632)
    return str(reference.ExportToWkt(["FORMAT=WKT2_2019"]))


def space(dimensions: int, **changes: Any) -> Space:
    """Return the space that the fields of these tests are in."""
    facts = {"encoder": "test-encoder", "checksum": "ab" * 32, "unit_norm": False}
    return Space(dimensions=dimensions, **{**facts, **changes})


def write_field(path: Path, values: np.ndarray, of: Optional[Space] = None, coding: Coding = FLOAT32,
                transform: Sequence[float] = TRANSFORM, wkt: Optional[str] = None,
                provenance: Optional[dict] = None) -> str:
    """Write `(dims, rows, cols)` with NaN for nodata, and return the path."""
    dims, rows, columns = values.shape
    grid = Grid(columns, rows, tuple(transform), utm() if wkt is None else wkt)
    dataset = create_field(str(path), grid, of or space(dims), coding, provenance)
    write(dataset, grid.whole, range(1, dims + 1), coding.encode(values.astype(np.float32)), str(path))
    dataset.FlushCache()
    del dataset
    return str(path)


def read_bands(path: "str | Path") -> np.ndarray:
    """Return all bands of a raster as `(bands, rows, cols)`."""
    values = gdal.Open(str(path)).ReadAsArray()
    return values if values.ndim == 3 else values[None]


def unit(values: np.ndarray) -> np.ndarray:
    """Return `(dims, ...)` of length 1."""
    return values / np.sqrt((values ** 2).sum(axis=0))


def pair(dims: int = 6, rows: int = 40, columns: int = 60, seed: int = 0) -> "tuple[np.ndarray, np.ndarray]":
    """Return two dates: smooth land, a little noise at each, and a block that became something else."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:rows, :columns]
    land = np.stack([np.sin(x / (5.0 + band)) + np.cos(y / (7.0 + 2 * band)) + 0.3 * band for band in range(dims)])
    before = land + random.normal(0, 0.05, land.shape)
    after = land + random.normal(0, 0.05, land.shape)
    after[:, 10:20, 30:45] = np.array([2.0, -1.5] * dims)[:dims, None, None] + random.normal(0, 0.05, (dims, 10, 15))
    return before.astype(np.float32), after.astype(np.float32)


class Watcher:
    """A progress that remembers what it was told, and cancels when asked to."""

    def __init__(self, cancel_at: float = 2.0) -> None:
        self.texts: List[str] = []
        self.warnings: List[str] = []
        self.cancel_at = cancel_at
        self._cancelled = False

    def report(self, fraction: float, text: Optional[str] = None) -> None:
        self._cancelled |= fraction >= self.cancel_at

    def info(self, text: str) -> None:
        self.texts.append(text)

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def cancelled(self) -> bool:
        return self._cancelled

"""Small pictures of class maps for reports."""

from __future__ import annotations

from typing import Sequence

import numpy as np

from ...dataset import open_raster
from .request import ClusterClass

SIDE = 640
_BLANK = 255


def raster_thumbnail(path: str, classes: "Sequence[ClusterClass]") -> np.ndarray:
    """Return a class raster as uint8 `(rows, cols, 3)` of at most `SIDE` pixels a side."""
    dataset = open_raster(path)
    width, height = dataset.RasterXSize, dataset.RasterYSize
    shrink = max(1.0, max(width, height) / SIDE)
    across, down = max(1, round(width / shrink)), max(1, round(height / shrink))
    raw = dataset.GetRasterBand(1).ReadRaster(0, 0, width, height, across, down, buf_type=2)
    return coloured(np.frombuffer(raw, dtype=np.uint16).reshape(down, across), classes)


def point_thumbnail(points: np.ndarray, numbers: np.ndarray, classes: "Sequence[ClusterClass]") -> np.ndarray:
    """Return points `(n, 2)` as squares in the colours of their classes, north up."""
    kept = np.isfinite(points).all(axis=1) & (numbers > 0)
    points, numbers = points[kept], numbers[kept]
    if not len(points):
        return np.full((8, 8, 3), _BLANK, dtype=np.uint8)
    low, span = points.min(axis=0), np.ptp(points, axis=0)
    scale = (SIDE - 20) / max(float(span.max()), 1e-12)
    size = np.maximum((span * scale).astype(int) + 20, 40)
    half = int(np.clip(120 / np.sqrt(len(points)), 1, 5))
    image = np.zeros((size[1], size[0]), dtype=np.uint16)
    columns = ((points[:, 0] - low[0]) * scale).astype(int) + 10
    rows = size[1] - 11 - ((points[:, 1] - low[1]) * scale).astype(int)
    for x in range(-half, half + 1):
        for y in range(-half, half + 1):
            image[np.clip(rows + y, 0, size[1] - 1), np.clip(columns + x, 0, size[0] - 1)] = numbers
    return coloured(image, classes)


def coloured(numbers: np.ndarray, classes: "Sequence[ClusterClass]") -> np.ndarray:
    """Return class numbers as colours; 0 is white."""
    table = np.full((max(entry.number for entry in classes) + 1, 3), _BLANK, dtype=np.uint8)
    for entry in classes:
        table[entry.number] = entry.colour
    return table[numbers]

"""The middle of a feature, for distances between features and points that stand for them."""

from __future__ import annotations

from typing import Optional, Sequence

import numpy as np
from osgeo import ogr

from .dataset import quiet

_POINT_BYTES = 21
_POINT_HEADER = b"\x01\x01\x00\x00\x00"


def centres_of(shapes: "Sequence[Optional[bytes]]") -> np.ndarray:
    """Return the centroids `(n, 2)` of geometries as WKB; NaN where there is none."""
    if shapes and all(shape is not None and len(shape) == _POINT_BYTES and shape[:5] == _POINT_HEADER
                      for shape in shapes):
        raw = np.frombuffer(b"".join(shapes), dtype=np.uint8).reshape(len(shapes), _POINT_BYTES)
        return np.ascontiguousarray(raw[:, 5:]).view("<f8").copy()
    found = np.full((len(shapes), 2), np.nan)
    with quiet():
        for row, shape in enumerate(shapes):
            geometry = ogr.CreateGeometryFromWkb(shape) if shape is not None else None
            if geometry is None or geometry.IsEmpty():
                continue
            middle = geometry.Centroid()
            if middle is not None and not middle.IsEmpty():
                found[row] = middle.GetX(), middle.GetY()
    return found


def point_wkb(x: float, y: float) -> bytes:
    """Return a point as WKB."""
    return _POINT_HEADER + np.array([x, y], dtype="<f8").tobytes()

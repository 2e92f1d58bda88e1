"""What all fitted reductions have in common: they turn vectors into fewer numbers, which can be shown as colours."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Mapping, Protocol

import numpy as np

from ...space import Space

PCA = "pca"
UMAP = "umap"
_LOW, _HIGH = 2.0, 98.0


class Projection(Protocol):
    """A fitted reduction; `stretch` is the range `(k, 2)` that a picture shows, `explained` shares of the variance."""

    stretch: np.ndarray
    explained: "tuple[float, ...]"

    @property
    def method(self) -> str:
        """Return its name."""

    @property
    def dimensions(self) -> int:
        """Return how many numbers come out."""

    def apply(self, vectors: np.ndarray) -> np.ndarray:
        """Reduce `(dims, pixels)` to `(k, pixels)`; NaN stays NaN."""

    def arrays(self) -> "Mapping[str, np.ndarray]":
        """Return the numbers that decide the result."""


def reduced_space(fitted: Projection, of: Space) -> Space:
    """Return the space of the reduced vectors: centred, so that distances say how alike they are, not angles."""
    arrays = fitted.arrays()
    content = b"".join(np.ascontiguousarray(arrays[name], dtype="<f4").tobytes() for name in sorted(arrays))
    reduced = of.reduced(fitted.dimensions, fitted.method, hashlib.sha256(content).hexdigest())
    return replace(reduced, unit_norm=False, metric="euclidean")


def stretch_of(reduced: np.ndarray) -> np.ndarray:
    """Return the range that a picture shows, which a few odd cells don't change."""
    return np.nanpercentile(reduced, [_LOW, _HIGH], axis=1).T.astype(np.float32)


def colours(fitted: Projection, reduced: np.ndarray) -> np.ndarray:
    """Return `(3, pixels)` of 1..255 for the first three numbers, 0 where there is no value; one number gives grey."""
    shown = np.zeros((3, reduced.shape[1]), dtype=np.float32)
    for index in range(3):
        source = min(index, fitted.dimensions - 1)
        low, high = fitted.stretch[source]
        shown[index] = (reduced[source] - low) / max(float(high - low), 1e-12)
    missing = ~np.isfinite(reduced.sum(axis=0))
    shown = np.where(missing, np.float32(0), np.rint(1 + 254 * np.clip(shown, 0, 1)))
    return shown.astype(np.uint8)

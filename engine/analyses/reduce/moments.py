"""Mean and covariance of all vectors in one pass, exact to float64 whatever the order of magnitude."""

from __future__ import annotations

from typing import Sequence

import numpy as np

from ...field_pass import FieldBlock
from ...grid import Window


class Moments:
    """Sums about a provisional origin, so that nothing cancels; parts of the data can be added in any split."""

    def __init__(self, origin: np.ndarray) -> None:
        """Begin about an origin near the mean, such as that of a sample."""
        self.origin = np.asarray(origin, dtype=np.float32)
        length = len(self.origin)
        self.count = 0
        self._sum = np.zeros(length)
        self._products = np.zeros((length, length))

    def add(self, count: int, total: np.ndarray, products: np.ndarray) -> None:
        """Add the sums of some vectors, taken about the origin."""
        self.count += count
        self._sum += total
        self._products += products

    def add_vectors(self, vectors: np.ndarray) -> None:
        """Add vectors `(rows, dims)` without nodata."""
        centred = np.ascontiguousarray(vectors, dtype=np.float32) - self.origin
        self.add(len(centred), centred.sum(axis=0, dtype=np.float64), (centred.T @ centred).astype(np.float64))

    @property
    def mean(self) -> np.ndarray:
        """Return the mean."""
        return self.origin.astype(np.float64) + self._sum / max(self.count, 1)

    @property
    def covariance(self) -> np.ndarray:
        """Return the covariance (of a sample: divided by the count less one)."""
        shift = self._sum / max(self.count, 1)
        return (self._products - self.count * np.outer(shift, shift)) / max(self.count - 1, 1)


def block_moments(blocks: "Sequence[FieldBlock]", window: Window, origin: np.ndarray) -> "Sequence[np.ndarray]":
    """Return count, sums and products of a block's vectors about an origin."""
    length = len(origin)
    count, total, products = 0, np.zeros(length), np.zeros((length, length))
    column = np.asarray(origin, dtype=np.float32)[:, np.newaxis]
    for _, values in blocks[0].chunks():
        centred = values - column
        valid = np.isfinite(centred.sum(axis=0))
        if not valid.all():
            centred = np.ascontiguousarray(centred[:, valid])
        count += centred.shape[1]
        total += centred.sum(axis=1, dtype=np.float64)
        products += centred @ centred.T
    return np.array([count]), total, products

"""Mean and covariance of all vectors in one pass, exact to float64 whatever the order of magnitude."""

from __future__ import annotations

from typing import Sequence

import numpy as np

from ...field_pass import FieldBlock
from ...grid import Window

_THIN = 64


class Moments:
    """Count, mean and products about the mean of parts of the data, merged in any split (Chan, Golub, LeVeque 1979)."""

    def __init__(self, length: int) -> None:
        """Begin with nothing."""
        self.count = 0
        self.mean = np.zeros(length)
        self.products = np.zeros((length, length))

    def merge(self, count: int, mean: np.ndarray, products: np.ndarray) -> None:
        """Add a part of which these are known."""
        if not count:
            return
        together = self.count + count
        apart = mean - self.mean
        self.products += products + np.outer(apart, apart) * (self.count * count / together)
        self.mean = self.mean + apart * (count / together)
        self.count = together

    def add(self, vectors: np.ndarray) -> None:
        """Add vectors `(dims, n)` without nodata; each part is summed about a guess of its own mean."""
        count = vectors.shape[1]
        if not count:
            return
        guess = vectors[:, ::_THIN].mean(axis=1, dtype=np.float64).astype(np.float32)
        centred = vectors - guess[:, np.newaxis]
        shift = centred.sum(axis=1, dtype=np.float64) / count
        self.merge(count, guess + shift, (centred @ centred.T).astype(np.float64) - count * np.outer(shift, shift))

    @property
    def covariance(self) -> np.ndarray:
        """Return the covariance (of a sample: divided by the count less one)."""
        return self.products / max(self.count - 1, 1)


def block_moments(blocks: "Sequence[FieldBlock]", window: Window, share: float, seed: int) -> "Sequence[np.ndarray]":
    """Return count, mean and products of a block's vectors, and a share of them `(dims, n)` chosen by chance."""
    moments = Moments(blocks[0].source.dimensions)
    chance = np.random.default_rng((seed, window.x, window.y))
    chosen = []
    for _, values in blocks[0].chunks():
        valid = np.isfinite(values.sum(axis=0))
        if not valid.all():
            values = np.ascontiguousarray(values[:, valid])
        moments.add(values)
        kept = chance.random(values.shape[1]) < share
        # However few cells have a value, some are chosen.
        kept[:1] = True
        chosen.append(values[:, kept])
    return np.array([moments.count]), moments.mean, moments.products, np.concatenate(chosen, axis=1)

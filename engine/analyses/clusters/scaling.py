"""How vectors are shifted and scaled before distances are taken."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_FAR = 4.0


@dataclass(frozen=True)
class Scaling:
    """A shift and a scale for each dimension."""

    shift: np.ndarray
    scale: np.ndarray

    @property
    def changes(self) -> bool:
        """Tell whether anything is to be done."""
        return bool(self.shift.any() or (self.scale != 1).any())

    def rows(self, vectors: np.ndarray) -> np.ndarray:
        """Return vectors `(rows, dims)` scaled."""
        if not self.changes:
            return vectors
        scaled = vectors - self.shift
        scaled /= self.scale
        return scaled

    def columns(self, vectors: np.ndarray) -> np.ndarray:
        """Return vectors `(dims, pixels)` scaled."""
        if not self.changes:
            return vectors
        scaled = vectors - self.shift[:, np.newaxis]
        scaled /= self.scale[:, np.newaxis]
        return scaled

    def restored(self, vectors: np.ndarray) -> np.ndarray:
        """Return scaled vectors `(rows, dims)` as they were."""
        return vectors * self.scale + self.shift


def standardised(vectors: np.ndarray) -> Scaling:
    """Return the scaling to mean 0 and spread 1 in every dimension; one that never varies stays as wide."""
    spread = vectors.std(axis=0, dtype=np.float64)
    mean = vectors.mean(axis=0, dtype=np.float64)
    spread[spread <= 1e-7 * np.abs(mean)] = 1.0
    return _of(mean, np.where(spread > 0, spread, 1.0))


def centred(vectors: np.ndarray) -> Scaling:
    """Return a shift where vectors lie so far from zero that distances between them would drown in rounding."""
    mean = vectors.mean(axis=0, dtype=np.float64)
    spread = vectors.std(axis=0, dtype=np.float64)
    if float(mean @ mean) <= _FAR * float(spread @ spread):
        return unscaled(vectors.shape[1])
    return _of(mean, np.ones(len(mean)))


def unscaled(dimensions: int) -> Scaling:
    """Return the scaling that leaves vectors as they are."""
    return _of(np.zeros(dimensions), np.ones(dimensions))


def _of(shift: np.ndarray, scale: np.ndarray) -> Scaling:
    """Return a scaling in the vectors' own type."""
    return Scaling(shift.astype(np.float32), scale.astype(np.float32))

"""The kind of change as a colour: the first three principal components of the differences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...reduction import fit_pca

_LOW, _HIGH = 2.0, 98.0


@dataclass(frozen=True)
class Direction:
    """A projection of differences to three numbers, and the values of each that become dark and bright."""

    mean: np.ndarray
    components: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def colours(self, differences: np.ndarray) -> np.ndarray:
        """Return `(3, n)` uint8 of differences `(dims, n)`: 1 to 255; 0 is left for nodata."""
        found = np.zeros((3, differences.shape[1]), dtype=np.uint8)
        projected = self.components @ (differences - self.mean[:, None])
        share = (projected - self.low[:, None]) / (self.high - self.low)[:, None]
        valid = np.isfinite(projected).all(axis=0)
        found[:len(share), valid] = np.rint(1 + 254 * np.clip(share[:, valid], 0.0, 1.0)).astype(np.uint8)
        # Fewer than three dimensions leave channels without a component: a middle grey.
        found[len(share):, valid] = 128
        return found


def fit_direction(differences: np.ndarray) -> Direction:
    """Fit to differences `(rows, dims)`; the sign of each component is fixed by its largest loading."""
    wanted = max(0, min(3, differences.shape[1], len(differences) - 1))
    if not wanted:
        dims = differences.shape[1]
        return Direction(np.zeros(dims, np.float32), np.zeros((0, dims), np.float32), np.zeros(0), np.zeros(0))
    fitted = fit_pca(differences, wanted)
    projected = (differences - fitted.mean) @ fitted.components.T
    low, high = np.percentile(projected, [_LOW, _HIGH], axis=0)
    high = np.where(high > low, high, low + 1e-12)
    return Direction(fitted.mean, fitted.components, low.astype(np.float64), high.astype(np.float64))

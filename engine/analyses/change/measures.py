"""How far two vectors lie apart: an angle or a distance, after a linear map of each date where the method fits one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Optional

import numpy as np

from ...errors import InputError
from .irmad import Irmad
from .request import COSINE

MAD_TO_SIGMA = 1.4826


@dataclass(frozen=True)
class LinearMap:
    """`matrix @ (vector − shift)`; a matrix of one axis is diagonal."""

    shift: np.ndarray
    matrix: np.ndarray

    def apply(self, vectors: np.ndarray) -> np.ndarray:
        """Map `(dims, ...)`."""
        shape = (-1,) + (1,) * (vectors.ndim - 1)
        moved = vectors - self.shift.reshape(shape)
        if self.matrix.ndim == 1:
            return moved * self.matrix.reshape(shape)
        return np.tensordot(self.matrix, moved, axes=1)


@dataclass(frozen=True)
class Measure:
    """A distance between a vector of the earlier and one of the later date."""

    angular: bool
    before: Optional[LinearMap] = None
    after: Optional[LinearMap] = None

    def mapped(self, before: np.ndarray, after: np.ndarray) -> "tuple[np.ndarray, np.ndarray]":
        """Return both dates' vectors `(dims, ...)` in the coordinates in which they are compared."""
        one = before if self.before is None else self.before.apply(before)
        two = after if self.after is None else self.after.apply(after)
        return one, two

    def distance(self, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        """Return the distance of mapped vectors `(dims, n)`; NaN where either has none, or no direction."""
        if self.angular:
            return cosine_distance(before, after)
        return euclidean_distance(before, after)

    def difference(self, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        """Return what changed as vectors, of mapped vectors `(dims, n)`."""
        return unit(after) - unit(before) if self.angular else after - before


def cosine_distance(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """Return 1 − cosine of vectors `(dims, n)` as float32."""
    lengths = np.einsum("dn,dn->n", one, one, dtype=np.float32).astype(np.float64)
    lengths *= np.einsum("dn,dn->n", two, two, dtype=np.float32)
    product = np.einsum("dn,dn->n", one, two, dtype=np.float32).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = 1.0 - product / np.sqrt(lengths)
    return np.clip(found, 0.0, 2.0).astype(np.float32)


def euclidean_distance(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """Return the length of the difference of vectors `(dims, n)` as float32."""
    apart = two - one
    return np.sqrt(np.einsum("dn,dn->n", apart, apart)).astype(np.float32)


def unit(vectors: np.ndarray) -> np.ndarray:
    """Return vectors `(dims, n)` of length 1; NaN where they have none."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return vectors / np.sqrt(np.einsum("dn,dn->n", vectors, vectors))


def plain_measure(method: str) -> Measure:
    """Return a measure that needs no fit."""
    return Measure(angular=method == COSINE)


def fit_standardised(before: np.ndarray, after: np.ndarray, warn: "Callable[[str], None]") -> Measure:
    """Return the root mean square of differences in units of their usual size, from samples `(rows, dims)`.

    Each dimension's difference has its median taken off and is divided by its median absolute deviation (times 1.4826,
    so that it is a standard deviation where differences are normal): 1 is as different as usual.
    """
    apart = after.astype(np.float64) - before
    middle = np.median(apart, axis=0)
    spread = MAD_TO_SIGMA * np.median(np.abs(apart - middle), axis=0)
    # Where more than half of the differences are equal, their deviation has no median but may have a mean.
    spread = np.where(spread > 0, spread, apart.std(axis=0))
    kept = spread > 1e-12 * np.abs(before).max(initial=1e-12)
    if not kept.any():
        raise InputError("change-equal", "Both dates hold the same vectors everywhere, so there is no usual difference "
                         "to compare with: check that two different dates were given.")
    if not kept.all():
        warn(f"{int((~kept).sum())} of {len(kept)} dimensions differ by the same amount everywhere and say nothing: "
             "they were left out.")
    scale = np.where(kept, 1.0 / np.where(kept, spread, 1.0), 0.0) / np.sqrt(kept.sum())
    scale = scale.astype(np.float32)
    return Measure(False, LinearMap(np.zeros(len(scale), dtype=np.float32), scale),
                   LinearMap(middle.astype(np.float32), scale))


def measure_of_irmad(fit: Irmad) -> Measure:
    """Return the square root of the chi-square of the variates, as a distance."""
    scale = 1.0 / fit.sigma
    return Measure(False, LinearMap(fit.mean_before, fit.before.T * scale[:, None]),
                   LinearMap(fit.mean_after, fit.after.T * scale[:, None]))

"""How each method tells which cluster a vector belongs to, block by block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

NONE = -1


class Rule(Protocol):
    """Labels vectors `(dims, n)`; `products` are those of the centres with them, `(k, n)`."""

    def labels(self, vectors: np.ndarray, products: np.ndarray) -> np.ndarray:
        """Return a label 0..k−1 for each vector, or −1 where it belongs nowhere."""


@dataclass(frozen=True)
class NearestCentre:
    """The nearest centre in space: k-means and agglomerative clustering. `half` is half of each centre's square."""

    half: np.ndarray

    def labels(self, vectors: np.ndarray, products: np.ndarray) -> np.ndarray:
        """Return the largest product less half the centre's square."""
        return largest(products - self.half[:, np.newaxis])


@dataclass(frozen=True)
class NearestDirection:
    """The smallest angle to a centre, all of which have length one: spherical k-means."""

    def labels(self, vectors: np.ndarray, products: np.ndarray) -> np.ndarray:
        """Return the largest product; the vector's own length changes none of the order."""
        return largest(products)


@dataclass(frozen=True)
class LikeliestComponent:
    """The likeliest component of a Gaussian mixture.

    `whiten` turns distances to a component's mean into standard ones: matrices `(k, dims, dims)`, or `(k, dims)` where
    dimensions are independent; `moved` are the whitened means and `offset` the logarithms of weight and density.
    """

    whiten: np.ndarray
    moved: np.ndarray
    offset: np.ndarray

    def labels(self, vectors: np.ndarray, products: np.ndarray) -> np.ndarray:
        """Return the component of the largest weighted likelihood."""
        scores = np.empty_like(products)
        for index, (whiten, moved) in enumerate(zip(self.whiten, self.moved)):
            standard = whiten @ vectors if whiten.ndim == 2 else whiten[:, np.newaxis] * vectors
            standard -= moved[:, np.newaxis]
            scores[index] = self.offset[index] - np.einsum("ij,ij->j", standard, standard) / 2
        return largest(scores)


@dataclass(frozen=True)
class DenseGroup:
    """The group of the nearest exemplar within whose reach a vector lies: HDBSCAN's groups for vectors it never saw."""

    exemplars: np.ndarray
    half: np.ndarray
    owner: np.ndarray
    reach: np.ndarray

    def labels(self, vectors: np.ndarray, products: np.ndarray) -> np.ndarray:
        """Return the group, or −1 out of reach."""
        scores = self.exemplars @ vectors
        scores -= self.half[:, np.newaxis]
        found = largest(scores)
        square = np.einsum("ij,ij->j", vectors, vectors) - 2 * scores[found, np.arange(len(found))]
        return np.where(square <= self.reach[found], self.owner[found], NONE)


def dense_group(exemplars: np.ndarray, owner: np.ndarray, reach: np.ndarray) -> DenseGroup:
    """Return the rule of exemplars `(m, dims)`, the group of each, and the square of how far each reaches."""
    return DenseGroup(exemplars, half_squares(exemplars), owner.astype(np.int64), reach)


def half_squares(vectors: np.ndarray) -> np.ndarray:
    """Return half of each row's square."""
    return (np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64) / 2).astype(np.float32)


def largest(scores: np.ndarray) -> np.ndarray:
    """Return the row of each column's largest score, the first of equals."""
    # Row by row, which is how they lie in memory: up to five times as quick as argmax across them.
    best, found = scores.max(axis=0), np.zeros(scores.shape[1], dtype=np.int64)
    for index in range(len(scores) - 1, 0, -1):
        np.copyto(found, index, where=scores[index] == best)
    np.copyto(found, 0, where=scores[0] == best)
    return found

"""k-means, Euclidean and spherical, in plain NumPy: careful seeding, several starts on a part, then Lloyd on all.

Arthur and Vassilvitskii 2007 for the seeding (with a few trials for each centre), Dhillon and Modha 2001 for the
spherical kind, in which centres and similarities lie on the unit sphere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ...progress import Progress, check
from .rules import half_squares

# Of so many clusters and fewer, which a bad start can spoil; where there are more, the trials of the seeding do.
STARTS = ((16, 6), (64, 3))
START_ROWS = 20_000
_CHUNK = 8192
_BY_PRODUCT = 256
_MOST_STEPS = 100
_START_STEPS = 30
_TOLERANCE = 1e-4


class Geometry(Protocol):
    """What differs between the two kinds of k-means."""

    def centres(self, sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """Return the centres of groups by their sums and sizes."""

    def prepared(self, vectors: np.ndarray) -> np.ndarray:
        """Return the vectors between which distances are Euclidean."""


class Euclidean:
    """Distances in space; a centre is a mean."""

    def centres(self, sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """Return means."""
        return sums / counts[:, np.newaxis]

    def prepared(self, vectors: np.ndarray) -> np.ndarray:
        """Return the vectors as they are."""
        return vectors


class Spherical:
    """Angles; a centre is a direction. Between unit vectors squared distances are 2 − 2 × cosine."""

    def centres(self, sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """Return directions; a group whose vectors cancel out keeps its mean."""
        length = np.linalg.norm(sums, axis=1, keepdims=True)
        return np.where(length > 1e-12, sums / np.maximum(length, 1e-12), sums / counts[:, np.newaxis])

    def prepared(self, vectors: np.ndarray) -> np.ndarray:
        """Return vectors of length one."""
        return unit(vectors)


EUCLIDEAN = Euclidean()
SPHERICAL = Spherical()


@dataclass(frozen=True)
class KMeansFit:
    """Centres `(k, dims)`, the label of each vector, and the sum of squared distances to the centres."""

    centres: np.ndarray
    labels: np.ndarray
    inertia: float


def unit(vectors: np.ndarray) -> np.ndarray:
    """Return vectors of length one; the zero vector stays."""
    length = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    return vectors / np.where(length > 0, length, 1)[:, np.newaxis]


def fit_kmeans(vectors: np.ndarray, clusters: int, geometry: Geometry, seed: int, progress: Progress) -> KMeansFit:
    """Group vectors `(rows, dims)`: the best of several starts on a part of them goes on with all."""
    chance = np.random.default_rng(seed)
    points = np.ascontiguousarray(geometry.prepared(vectors), dtype=np.float32)
    few = points
    if len(points) > START_ROWS:
        few = points[np.sort(chance.choice(len(points), max(START_ROWS, min(len(points), 30 * clusters)),
                                           replace=False))]
    starts = []
    count = next((number for most, number in STARTS if clusters <= most), 1)
    for start in range(count):
        check(progress)
        progress.report(0.5 * start / count)
        starts.append(_lloyd(few, seeded(few, clusters, chance, progress), geometry, _START_STEPS, progress))
    best = min(starts, key=lambda fit: fit.inertia)
    fit = _lloyd(points, best.centres, geometry, _MOST_STEPS, progress)
    progress.report(1.0)
    return fit


def quick_kmeans(vectors: np.ndarray, clusters: int, geometry: Geometry, seed: int, progress: Progress) -> KMeansFit:
    """Group vectors from one start, to see how much the start decides."""
    points = np.ascontiguousarray(geometry.prepared(vectors), dtype=np.float32)
    chance = np.random.default_rng(seed)
    return _lloyd(points, seeded(points, clusters, chance, progress), geometry, 3 * _START_STEPS, progress)


def nearest(points: np.ndarray, centres: np.ndarray) -> "tuple[np.ndarray, np.ndarray]":
    """Return for each point `(rows, dims)` its nearest centre and the squared distance to it."""
    labels = np.empty(len(points), dtype=np.int64)
    squares = np.empty(len(points), dtype=np.float32)
    turned = np.ascontiguousarray(centres.T, dtype=np.float32)
    half = half_squares(np.ascontiguousarray(centres, dtype=np.float32))
    for start in range(0, len(points), _CHUNK):
        part = points[start:start + _CHUNK]
        scores = part @ turned
        scores -= half
        found = scores.argmax(axis=1)
        labels[start:start + _CHUNK] = found
        best = scores[np.arange(len(part)), found]
        squares[start:start + _CHUNK] = np.maximum(np.einsum("ij,ij->i", part, part) - 2 * best, 0)
    return labels, squares


def seeded(points: np.ndarray, clusters: int, chance: np.random.Generator, progress: Progress) -> np.ndarray:
    """Return points far from each other as first centres: each is drawn by its squared distance to those before."""
    trials = 2 + int(np.log(clusters))
    square = np.einsum("ij,ij->i", points, points)
    first = int(chance.integers(len(points)))
    chosen = [first]
    near = _squares(points, square, points[[first]])[:, 0]
    for _ in range(1, clusters):
        check(progress)
        total = np.cumsum(near, dtype=np.float64)
        drawn = np.searchsorted(total, chance.random(trials) * total[-1]).clip(max=len(points) - 1)
        after = np.minimum(_squares(points, square, points[drawn]), near[:, np.newaxis])
        winner = int(after.sum(axis=0, dtype=np.float64).argmin())
        chosen.append(int(drawn[winner]))
        near = after[:, winner]
    return points[chosen]


def group_sums(points: np.ndarray, labels: np.ndarray, clusters: int) -> "tuple[np.ndarray, np.ndarray]":
    """Return the sum of each group's points in float64, and the groups' sizes."""
    counts = np.bincount(labels, minlength=clusters)
    sums = np.zeros((clusters, points.shape[1]))
    if clusters > _BY_PRODUCT:
        order = np.argsort(labels, kind="stable")
        starts = np.flatnonzero(np.diff(labels[order], prepend=-1))
        sums[labels[order][starts]] = np.add.reduceat(points[order], starts, axis=0, dtype=np.float64)
        return sums, counts
    for start in range(0, len(points), _CHUNK):
        part = labels[start:start + _CHUNK]
        member = np.zeros((clusters, len(part)), dtype=np.float32)
        member[part, np.arange(len(part))] = 1
        sums += member @ points[start:start + _CHUNK]
    return sums, counts


def _squares(points: np.ndarray, square: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return squared distances `(points, others)`."""
    found = points @ others.T
    found *= -2
    found += square[:, np.newaxis]
    found += np.einsum("ij,ij->i", others, others)
    return np.maximum(found, 0, out=found)


def _lloyd(points: np.ndarray, centres: np.ndarray, geometry: Geometry, most: int, progress: Progress) -> KMeansFit:
    """Assign and average until centres rest; an empty group starts again at the point worst off."""
    clusters = len(centres)
    limit = _TOLERANCE * float(points.var(axis=0, dtype=np.float64).mean())
    before = None
    for _ in range(most):
        check(progress)
        labels, squares = nearest(points, centres)
        sums, counts = group_sums(points, labels, clusters)
        empty = np.flatnonzero(counts == 0)
        if len(empty):
            worst = np.argsort(squares, kind="stable")[::-1][:len(empty)]
            labels[worst] = empty
            sums, counts = group_sums(points, labels, clusters)
            counts = np.maximum(counts, 1)
        moved = geometry.centres(sums, counts)
        shift = float(((moved - centres) ** 2).sum())
        centres = moved.astype(np.float32)
        if shift <= limit or (before is not None and np.array_equal(before, labels)):
            break
        before = labels
    labels, squares = nearest(points, centres)
    return KMeansFit(centres, labels, float(squares.sum(dtype=np.float64)))

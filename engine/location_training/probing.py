"""What the vectors of an encoder, plain coordinates and neighbours on the sphere each say of places held out."""

from __future__ import annotations

from typing import Iterator, Tuple

import numpy as np

from ..geodesy import MEAN_RADIUS
from ..locations.cartesian import unit_sphere
from ..progress import Progress, check
from ..training.models import Design, fit
from ..training.models.knn import nearest_rows

COUNTS = (1, 3, 5, 10, 20, 50)
_MOST_ASKED = 1500
_PIECE = 2_000_000


def ridge(x: np.ndarray, y: np.ndarray, asked: np.ndarray, inner: np.ndarray, progress: Progress,
          weights: "np.ndarray | None" = None) -> np.ndarray:
    """Return what a ridge regression of `y` `(n, T)` on `x` says for `asked`; `inner` folds choose its penalties."""
    weights = np.ones(len(x)) if weights is None else weights
    fitted = fit("ridge", Design(np.ascontiguousarray(x, dtype=np.float32), y, weights, 0, inner, 0), progress)
    return fitted.predict(np.ascontiguousarray(asked, dtype=np.float32))


def coordinates(places: np.ndarray, asked: np.ndarray) -> "Tuple[np.ndarray, np.ndarray]":
    """Return plain coordinates of both: km on the three axes of the globe from the middle of the first."""
    there = unit_sphere(places)
    middle = there.mean(axis=0)
    radius = MEAN_RADIUS / 1000
    return (there - middle) * radius, (unit_sphere(asked) - middle) * radius


def neighbours(places: np.ndarray, y: np.ndarray, asked: np.ndarray, inner: np.ndarray, progress: Progress,
               count: int = 0) -> "Tuple[np.ndarray, int]":
    """Return the mean of the nearest places on the sphere, weighted by 1/distance; `inner` chooses a `count` of 0.

    Straight ways through the globe are as long as ways along it, in order, so nearest is nearest.
    """
    here, there = coordinates(places, asked)
    reference = np.ascontiguousarray(here, dtype=np.float32)
    count = count or _best_count(reference, y, inner, progress)
    found = np.empty((len(asked), y.shape[1]))
    for part, nearest, distances in _pieces(reference, there.astype(np.float32), y.shape[1], count, progress):
        found[part] = _means(y, nearest, distances)
    return found, count


def _best_count(reference: np.ndarray, y: np.ndarray, inner: np.ndarray, progress: Progress) -> int:
    """Return the number of neighbours with the least squared error in inner folds, on a sample of their rows."""
    numbers = np.unique(inner)
    if len(numbers) < 2:
        return min(COUNTS[2], len(reference))
    losses = np.zeros(len(COUNTS))
    for number in numbers:
        check(progress)
        rows, held = np.flatnonzero(inner != number), np.flatnonzero(inner == number)
        held = held[:: max(1, len(held) * len(numbers) // _MOST_ASKED)]
        for part, nearest, distances in _pieces(reference[rows], reference[held], y.shape[1], COUNTS[-1], progress):
            for place, count in enumerate(COUNTS):
                error = _means(y[rows], nearest[:, :count], distances[:, :count]) - y[held][part]
                losses[place] += (error ** 2).sum()
    return min(COUNTS[int(losses.argmin())], len(reference))


def _pieces(reference: np.ndarray, asked: np.ndarray, width: int, count: int,
            progress: Progress) -> "Iterator[Tuple[slice, np.ndarray, np.ndarray]]":
    """Yield the nearest rows of runs that are short enough for wide values."""
    size = max(16, _PIECE // (count * width))
    for start in range(0, len(asked), size):
        for part, nearest, distances in nearest_rows(reference, asked[start:start + size], count, progress):
            yield slice(start + part.start, start + part.stop), nearest, distances


def _means(y: np.ndarray, nearest: np.ndarray, distances: np.ndarray) -> np.ndarray:
    """Return means weighted by 1/distance; a place that was asked for before counts a metre away."""
    strength = 1.0 / np.maximum(distances.astype(np.float64), 1e-3)
    return np.einsum("nkt,nk->nt", y[nearest], strength) / strength.sum(axis=1, keepdims=True)

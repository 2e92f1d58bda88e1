"""Each cell against its own history: does a date differ more from the others than the cell's dates usually do.

Raw distances differ by land cover: a field differs from itself every year, a roof hardly ever. So each date's distance
is to the medoid of the cell's other dates, and counts in units of what such distances are in this cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence

import numpy as np

from .measures import MAD_TO_SIGMA, cosine_distance, euclidean_distance
from .request import LEAST_DATES

FLOOR_SHARE = 0.1


@dataclass(frozen=True)
class History:
    """`least_scale` keeps cells that never differ from turning rounding into change."""

    angular: bool
    least_scale: float = 0.0

    def distances(self, dates: "Sequence[np.ndarray]") -> "tuple[np.ndarray, np.ndarray]":
        """Return each date's distance `(dates, n)` to the medoid of the other dates, and which date that is.

        NaN for dates without a vector, and where fewer than four have one.
        """
        count, cells = len(dates), dates[0].shape[1]
        between = np.zeros((count, count, cells), dtype=np.float32)
        apart = cosine_distance if self.angular else euclidean_distance
        for one in range(count):
            for two in range(one + 1, count):
                between[one, two] = between[two, one] = apart(dates[one], dates[two])
        missing = np.stack([~np.isfinite(date.sum(axis=0, dtype=np.float64)) for date in dates])
        if self.angular:
            missing |= np.stack([~date.any(axis=0) for date in dates])
        for date in range(count):
            between[date][:, missing[date]] = 0
            between[:, date][:, missing[date]] = 0
        total = between.sum(axis=0, dtype=np.float64)
        found = np.empty((count, cells), dtype=np.float32)
        medoid = np.empty((count, cells), dtype=np.int64)
        for date in range(count):
            without = total - between[date]
            without[missing] = np.inf
            without[date] = np.inf
            medoid[date] = without.argmin(axis=0)
            found[date] = np.take_along_axis(between[date], medoid[date][None], axis=0)[0]
        found[missing] = np.nan
        found[:, (~missing).sum(axis=0) < LEAST_DATES] = np.nan
        return found, medoid

    def scores(self, distances: np.ndarray) -> np.ndarray:
        """Return the robust z of distances `(dates, n)` among the dates of each cell."""
        known = np.isfinite(distances).any(axis=0)
        found = np.full(distances.shape, np.nan, dtype=np.float32)
        middle, scale = centre_and_scale(distances[:, known])
        scale = np.maximum(scale, max(self.least_scale, np.finfo(np.float32).tiny))
        found[:, known] = (distances[:, known] - middle) / scale
        return found


def centre_and_scale(distances: np.ndarray) -> "tuple[np.ndarray, np.ndarray]":
    """Return median and scaled median absolute deviation over the dates of each cell."""
    middle = _median(distances)
    return middle, MAD_TO_SIGMA * _median(np.abs(distances - middle))


def _median(values: np.ndarray) -> np.ndarray:
    """Return the median of each column without its NaNs, many times faster than NumPy's own."""
    ordered = np.sort(values, axis=0)
    known = np.isfinite(values).sum(axis=0)
    halves = [np.take_along_axis(ordered, place[None], axis=0)[0] for place in ((known - 1) // 2, known // 2)]
    return (halves[0] + halves[1]) / 2


def fit_history(dates: "Sequence[np.ndarray]", angular: bool) -> History:
    """Set the least scale from a sample `(n, dims)` a date: a tenth of what is usual among cells."""
    plain = History(angular)
    found, _ = plain.distances([np.ascontiguousarray(date.T) for date in dates])
    found = found[:, np.isfinite(found).any(axis=0)]
    if not found.shape[1]:
        return History(angular, 1e-6)
    _, scale = centre_and_scale(found)
    return History(angular, max(FLOOR_SHARE * float(np.median(scale)), 1e-6))

"""What is known of a unit at a moment: its last values, its mean, its season, its embedding and further columns.

A step is learnt as the change from the last value, so that a model that finds nothing says “as it was”.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .series import NONE_YET, Series

_HARMONICS = 2


@dataclass(frozen=True)
class Look:
    """How far back a forecast looks: past values, and the period of the season, 0 for none."""

    lags: int
    period: int


@dataclass(frozen=True)
class Past:
    """Values on the scale of the fit `(U, T)`: as they are, and as known at a date when the last one stands for gaps.

    `mean` is that of all values up to a date.
    """

    values: np.ndarray
    known: np.ndarray
    mean: np.ndarray


@dataclass(frozen=True)
class Moments:
    """Units and dates from which a step is taken, `(n,)` each."""

    unit: np.ndarray
    date: np.ndarray

    def part(self, kept: np.ndarray) -> "Moments":
        """Return some of them, by a mask or numbers."""
        return Moments(self.unit[kept], self.date[kept])


def past_of(values: np.ndarray, longest_gap: int) -> Past:
    """Return the past of values `(U, T)`; a gap longer than so many dates is left open."""
    there = np.isfinite(values)
    dates = np.where(there, np.arange(values.shape[1]), NONE_YET)
    latest = np.maximum.accumulate(dates, axis=1)
    carried = np.take_along_axis(values, np.maximum(latest, 0), axis=1)
    age = np.arange(values.shape[1]) - latest
    known = np.where((latest == NONE_YET) | (age > longest_gap), np.nan, carried)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.cumsum(np.where(there, values, 0.0), axis=1) / np.cumsum(there, axis=1)
    return Past(values, known, mean)


def seasonal_lag(step: int, period: int) -> int:
    """Return how many dates before the moment the same season as that of the step was last known."""
    return period * math.ceil(step / period) - step


def usable_moments(series: Series, past: Past, look: Look, step: int) -> np.ndarray:
    """Tell `(U, T)` from which dates a step can be taken: all that is looked at is known."""
    usable = series.vector_at != NONE_YET
    if series.columns.shape[1]:
        usable = usable & (series.columns_at != NONE_YET)
    for lag in range(look.lags):
        usable = usable & _back(np.isfinite(past.known), lag)
    if look.period:
        usable = usable & _back(np.isfinite(past.known), seasonal_lag(step, look.period))
    return usable


def features_of(series: Series, past: Past, look: Look, step: int, at: Moments) -> "tuple[np.ndarray, int]":
    """Return features `(n, F)` float32 for a step from some moments, and how many of them tell of the past alone."""
    last = past.known[at.unit, at.date]
    parts = [last, *(last - past.known[at.unit, at.date - lag] for lag in range(1, look.lags)),
             past.mean[at.unit, at.date] - last]
    if look.period:
        parts.append(seasonal_of(past, look, step, at) - last)
        turn = 2 * np.pi * ((at.date + step) % look.period) / look.period
        for harmonic in range(1, 1 + min(_HARMONICS, look.period // 2)):
            parts += [np.cos(harmonic * turn), np.sin(harmonic * turn)]
    own = np.stack(parts, axis=1).astype(np.float32)
    found = [own, series.vectors[series.vector_at[at.unit, at.date]]]
    if series.columns.shape[1]:
        found.append(series.columns[series.columns_at[at.unit, at.date]])
    return np.hstack(found), own.shape[1]


def seasonal_of(past: Past, look: Look, step: int, at: Moments) -> np.ndarray:
    """Return the value of the same season, as last known at each moment."""
    return past.known[at.unit, at.date - seasonal_lag(step, look.period)]


def _back(known: np.ndarray, lag: int) -> np.ndarray:
    """Return what was known so many dates before each date."""
    found = np.zeros_like(known)
    found[:, lag:] = known[:, :known.shape[1] - lag]
    return found

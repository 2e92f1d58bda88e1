"""From which magnitude on a difference counts as change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterator, Protocol

import numpy as np

from ...errors import InputError
from ...progress import Progress

OTSU = "otsu"
TRIANGLE = "triangle"
STABLE = "stable"
THRESHOLDS = (OTSU, TRIANGLE, STABLE)
BINS = 4096
_TWO_GROUPS = 0.7


class Values(Protocol):
    """Magnitudes that may be more than memory holds."""

    def parts(self) -> "Iterator[np.ndarray]":
        """Yield them all, some at a time, as float32 without NaN; may be called again."""


@dataclass(frozen=True)
class ArrayValues:
    """Magnitudes that are in memory, NaN where there is none."""

    values: np.ndarray

    def parts(self) -> "Iterator[np.ndarray]":
        """Yield them at once."""
        yield self.values[np.isfinite(self.values)].astype(np.float32)


@dataclass(frozen=True)
class Limits:
    """How many magnitudes there are, the least and the largest."""

    count: int
    low: float
    high: float


def limits(values: Values) -> Limits:
    """Look through all magnitudes."""
    count, low, high = 0, np.inf, -np.inf
    for part in values.parts():
        if len(part):
            count, low, high = count + len(part), min(low, float(part.min())), max(high, float(part.max()))
    return Limits(count, low, high)


def histogram(values: Values, low: float, high: float) -> np.ndarray:
    """Count the magnitudes in bins of equal width; low and high are the least and the largest."""
    counts = np.zeros(BINS, dtype=np.int64)
    for part in values.parts():
        place = ((part.astype(np.float64) - low) * (BINS / (high - low))).astype(np.int64)
        counts += np.bincount(np.minimum(place, BINS - 1), minlength=BINS)
    return counts


def parse_threshold(text: str) -> "float | str":
    """Return one of the words or a number."""
    word = text.strip().lower()
    if word in THRESHOLDS:
        return word
    try:
        value = float(word)
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        raise InputError("threshold", "THRESHOLD: “{text}” is neither otsu, triangle, stable nor a number.", text=text)
    return value


def split_threshold(values: Values, rule: str, progress: Progress) -> float:
    """Return Otsu's or the triangle's threshold of all magnitudes; what is at or above it changed."""
    span = limits(values)
    low, high = span.low, span.high
    if not span.count:
        raise InputError("change-none", "No place has a vector at each date, so nothing can be compared: check nodata "
                         "values, and that the dates cover the same ground.")
    if not high > low:
        progress.warn("All magnitudes are the same, so no threshold can tell change from none: nothing is marked.")
        return float(np.nextafter(np.float32(high), np.float32(np.inf)))
    counts = histogram(values, low, high)
    edges = np.linspace(low, high, BINS + 1)
    if rule == TRIANGLE:
        width = BINS // triangle_bins(span.count)
        return triangle(counts.reshape(-1, width).sum(axis=1), edges[::width])
    found, distinct = otsu(counts, edges)
    if distinct < _TWO_GROUPS:
        progress.warn(f"The magnitudes form one group rather than two (Otsu's separation is {distinct:.2f} of 1), so "
                      "its threshold marks the upper part of ordinary differences. Draw STABLE polygons where nothing "
                      "changed and set THRESHOLD to stable, or take the triangle's.")
    return found


def otsu(counts: np.ndarray, edges: np.ndarray) -> "tuple[float, float]":
    """Return the edge that splits a histogram into two groups that spread least, and the share of variance between."""
    middle = (edges[:-1] + edges[1:]) / 2
    share = np.cumsum(counts, dtype=np.float64) / counts.sum()
    moment = np.cumsum(counts * middle, dtype=np.float64) / counts.sum()
    variance = float((counts * middle ** 2).sum() / counts.sum() - moment[-1] ** 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        between = (moment[-1] * share - moment) ** 2 / (share * (1 - share))
    between = np.where((share > 0) & (share < 1 - 1e-15), between, -1.0)
    best = np.flatnonzero(between >= between.max() * (1 - 1e-12))
    return float(edges[best + 1].mean()), float(between.max() / variance) if variance > 0 else 0.0


def triangle_bins(count: int) -> int:
    """Return how many bins so many magnitudes fill: in finer ones chance makes the peak, and so the threshold."""
    return int(2 ** np.clip(np.floor(np.log2(max(1, count / 40))), 4, 8))


def triangle(counts: np.ndarray, edges: np.ndarray) -> float:
    """Return the edge farthest below the line from the histogram's peak to the end of its upper tail."""
    peak, last = int(counts.argmax()), int(np.flatnonzero(counts)[-1])
    if last <= peak + 1:
        return float(edges[last])
    steps = np.arange(peak, last + 1)
    line = counts[peak] + (counts[last] - counts[peak]) * (steps - peak) / (last - peak)
    return float(edges[peak + int((line - counts[peak:last + 1]).argmax())])


def stable_threshold(values: Values, rate: float, name: str, progress: Progress) -> float:
    """Return the least magnitude that at most a share of `rate` of the stable places reach."""
    span = limits(values)
    count = span.count
    if not count:
        raise InputError("change-no-stable", "No cell or row with a magnitude lies in the polygons of {name}: draw "
                         "them on ground that all dates cover, and check their CRS.", name=name)
    allowed = int(np.floor(rate * count + 1e-9))
    if allowed < 1:
        progress.warn(f"{name} covers {count} places, too few to tell a false-alarm rate of {rate:.2%}: the threshold "
                      "lies above all of them. Draw larger polygons.")
    rank = count - allowed - 1
    if rank < 0:
        return span.low
    return float(np.nextafter(order_statistic(values, rank), np.float32(np.inf)))


def order_statistic(values: Values, rank: int) -> np.float32:
    """Return the value that exactly so many come before when all are sorted, in two looks and little memory.

    The bits of floating-point numbers sort as the numbers do: the first look counts their upper, the second their
    lower halves.
    """
    counts = np.zeros(1 << 16, dtype=np.int64)
    for part in values.parts():
        counts += np.bincount(_sortable(part) >> 16, minlength=1 << 16)
    upper = int(np.searchsorted(np.cumsum(counts), rank, side="right"))
    rank -= int(counts[:upper].sum())
    counts[:] = 0
    for part in values.parts():
        keys = _sortable(part)
        counts += np.bincount(keys[keys >> 16 == upper] & 0xFFFF, minlength=1 << 16)
    lower = int(np.searchsorted(np.cumsum(counts), rank, side="right"))
    key = upper << 16 | lower
    bits = key ^ 0x80000000 if key & 0x80000000 else key ^ 0xFFFFFFFF
    return np.array([bits], dtype=np.uint32).view(np.float32)[0]


def _sortable(values: np.ndarray) -> np.ndarray:
    """Return whole numbers in the order of float32 values."""
    bits = np.ascontiguousarray(values, dtype=np.float32).view(np.uint32)
    negative = (bits & np.uint32(0x80000000)) != 0
    return np.where(negative, ~bits, bits | np.uint32(0x80000000)).astype(np.int64)

"""Mean, spread, largest value and median of the cells under features, gathered block by block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Dict, List, Protocol, Tuple

import numpy as np

from ..field_pass import FieldBlock
from ..progress import Progress
from ..zone_sums import Pairs, Stacked, WithSquares, ZoneSums, as_they_are, chunk_pairs, valid_cells, zone_sums

MEAN, MEDIAN, LARGEST, SPREAD = "mean", "median", "max", "std"
STATISTICS = (MEAN, MEDIAN, LARGEST, SPREAD)
_THIN = 4096
# Features of one batch of medians differ by so much in size, and hold so many numbers.
_LIKE = 1.15
_BATCH = 1 << 18

Found = Tuple[np.ndarray, np.ndarray]


class Statistic(Protocol):
    """What gathers blocks: `of_block` runs in a thread and changes nothing, `take` gets its results in order."""

    shares: np.ndarray

    def of_block(self, block: FieldBlock, pairs: Pairs) -> object:
        """Return what a block holds of the features."""

    def take(self, found: object) -> None:
        """Add what a block holds."""

    def vectors(self) -> np.ndarray:
        """Return the vector of each feature as float32, NaN where no valid cell lies under it."""


class _Sums:
    """Adds weighted sums of blocks."""

    def __init__(self, features: int, rows: int, stacked: Stacked) -> None:
        """Begin with nothing; `rows` is how many sums a feature has."""
        self._stacked = stacked
        self.totals = np.zeros((features, rows))
        self.weights = np.zeros(features)
        self.shares = np.zeros(features)

    def of_block(self, block: FieldBlock, pairs: Pairs) -> ZoneSums:
        """Return a block's sums."""
        return zone_sums(block, pairs, self._stacked)

    def take(self, found: ZoneSums) -> None:
        """Add a block's sums."""
        if found.totals.size:
            self.totals[found.zones] += found.totals
            self.weights[found.zones] += found.weights
            self.shares[found.zones] += found.shares

    def divided(self) -> np.ndarray:
        """Return means of what was summed."""
        return np.divide(self.totals, self.weights[:, None], out=np.full_like(self.totals, np.nan),
                         where=self.weights[:, None] > 0)


class Mean:
    """The weighted mean vector."""

    def __init__(self, features: int, dimensions: int) -> None:
        """Begin with nothing."""
        self._sums = _Sums(features, dimensions, as_they_are)
        self.shares = self._sums.shares
        self.of_block = self._sums.of_block
        self.take = self._sums.take

    def vectors(self) -> np.ndarray:
        """Return the means."""
        return self._sums.divided().astype(np.float32)


class Spread:
    """The weighted standard deviation of each dimension."""

    def __init__(self, features: int, reference: np.ndarray) -> None:
        """Begin with nothing; the reference is a vector from the middle of the data."""
        self._dimensions = len(reference)
        self._sums = _Sums(features, 2 * len(reference), WithSquares(reference.astype(np.float32)))
        self.shares = self._sums.shares
        self.of_block = self._sums.of_block
        self.take = self._sums.take

    def vectors(self) -> np.ndarray:
        """Return the standard deviations."""
        means = self._sums.divided()
        first, second = means[:, :self._dimensions], means[:, self._dimensions:]
        return np.sqrt(np.maximum(second - first * first, 0.0)).astype(np.float32)


@dataclass(frozen=True)
class _Extremes:
    """The largest values of a block by zone, chunk after chunk."""

    zones: np.ndarray
    values: np.ndarray
    shares: np.ndarray


class Largest:
    """The largest value of each dimension among all cells touched."""

    def __init__(self, features: int, dimensions: int) -> None:
        """Begin with nothing."""
        self._found = np.full((features, dimensions), -np.inf, dtype=np.float32)
        self.shares = np.zeros(features)

    def of_block(self, block: FieldBlock, pairs: Pairs) -> "List[_Extremes]":
        """Return a block's largest values."""
        found = []
        for chunk in chunk_pairs(pairs, block.shape[0] * block.shape[1]):
            gathered, valid = valid_cells(block.part(chunk.part), chunk)
            gathered[:, ~valid] = -np.inf
            found.append(_Extremes(chunk.zones, np.maximum.reduceat(gathered, chunk.first, axis=1).T,
                                   np.add.reduceat(chunk.shares * valid, chunk.first)))
        return found

    def take(self, found: "List[_Extremes]") -> None:
        """Keep the larger."""
        for part in found:
            self._found[part.zones] = np.maximum(self._found[part.zones], part.values)
            self.shares[part.zones] += part.shares

    def vectors(self) -> np.ndarray:
        """Return the largest values."""
        return np.where(np.isinf(self._found), np.float32(np.nan), self._found)


@dataclass(frozen=True)
class _Cells:
    """Cells of one zone: vectors `(dims, n)`, and their weights."""

    vectors: np.ndarray
    weights: np.ndarray


class Median:
    """The weighted median of each dimension; the cells of a feature are kept until its last block is read."""

    def __init__(self, features: int, dimensions: int, most_bytes: int, progress: Progress) -> None:
        """Begin with nothing."""
        self._vectors = np.full((features, dimensions), np.nan, dtype=np.float32)
        self._kept: "Dict[int, List[_Cells]]" = {}
        self._room = most_bytes // (4 * dimensions + 8)
        self._cells = 0
        self._thinned = False
        self._progress = progress
        self.shares = np.zeros(features)

    def of_block(self, block: FieldBlock, pairs: Pairs) -> "List[Tuple[int, _Cells, float]]":
        """Return a block's cells by zone."""
        found = []
        for chunk in chunk_pairs(pairs, block.shape[0] * block.shape[1]):
            gathered, valid = valid_cells(block.part(chunk.part), chunk)
            shares = np.add.reduceat(chunk.shares * valid, chunk.first)
            for zone, first, size, share in zip(chunk.zones.tolist(), chunk.first, chunk.sizes, shares.tolist()):
                part = slice(first, first + size)
                held = valid[part]
                if held.any():
                    found.append((zone, _Cells(gathered[:, part][:, held], chunk.weights[part][held]), share))
        return found

    def take(self, found: "List[Tuple[int, _Cells, float]]") -> None:
        """Keep the cells; where memory is short, large features keep every second one, which counts twice."""
        for zone, cells, share in found:
            self._kept.setdefault(zone, []).append(cells)
            self._cells += len(cells.weights)
            self.shares[zone] += share
        if self._cells > self._room:
            self._thin()

    def finish(self, zones: np.ndarray) -> None:
        """Compute the medians of features that no further block touches, those of like size together."""
        kept = [(zone, parts) for zone, parts in ((zone, self._kept.pop(zone, None)) for zone in zones.tolist())
                if parts is not None]
        sizes = np.array([sum(len(part.weights) for part in parts) for _, parts in kept], dtype=np.int64)
        order = np.argsort(sizes, kind="stable")
        start = 0
        while start < len(order):
            stop = _alike(sizes[order], start, len(self._vectors[0]))
            batch = [kept[number] for number in order[start:stop].tolist()]
            values, weights = _side_by_side([parts for _, parts in batch], int(sizes[order[stop - 1]]))
            self._vectors[[zone for zone, _ in batch]] = weighted_medians(values, weights)
            start = stop
        self._cells -= int(sizes.sum())

    def vectors(self) -> np.ndarray:
        """Return the medians."""
        self.finish(np.array(list(self._kept), dtype=np.int64))
        if self._thinned:
            self._progress.warn("The medians of the largest features were taken from a sample of their cells, since "
                                "all don't fit into the memory allowed: raise MEMORY for exact ones.")
        return self._vectors

    def _thin(self) -> None:
        """Halve what is kept of large features."""
        for zone, parts in self._kept.items():
            if sum(len(part.weights) for part in parts) > _THIN:
                self._thinned = True
                vectors = np.concatenate([part.vectors for part in parts], axis=1)[:, ::2]
                weights = np.concatenate([part.weights for part in parts])[::2] * 2
                self._kept[zone] = [_Cells(np.ascontiguousarray(vectors), weights)]
        self._cells = sum(len(part.weights) for parts in self._kept.values() for part in parts)


def _alike(sizes: np.ndarray, start: int, dimensions: int) -> int:
    """Return where features stop to be nearly as small as the one at the start, or too many for the cache."""
    stop = int(np.searchsorted(sizes, sizes[start] * _LIKE + 1, side="right"))
    most = max(1, _BATCH // (dimensions * int(sizes[stop - 1])))
    return min(stop, start + most)


def _side_by_side(features: "List[List[_Cells]]", size: int) -> "Tuple[np.ndarray, np.ndarray]":
    """Return the cells of features as `(features, dims, size)` and `(features, size)`: what is left has no weight."""
    values = np.full((len(features), len(features[0][0].vectors), size), np.inf, dtype=np.float32)
    weights = np.zeros((len(features), size))
    for number, parts in enumerate(features):
        start = 0
        for part in parts:
            here = slice(start, start + len(part.weights))
            values[number, :, here], weights[number, here] = part.vectors, part.weights
            start = here.stop
    return values, weights


def weighted_medians(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return `(features, dims)`: of values `(features, dims, n)` those with half the weight below and half above.

    Where the halves meet between two values it is their mean, as for an even number of equal weights. Values are
    sorted without their weights, which is many times faster; halving then finds the place by the weight up to a value.
    """
    ordered = np.sort(values, axis=2)
    half = weights.sum(axis=1)[:, None] / 2
    slack = half * 1e-9
    last = np.broadcast_to((weights > 0).sum(axis=1)[:, None] - 1, values.shape[:2])
    low, first = np.zeros(values.shape[:2], dtype=np.int64), last.copy()
    while (low < first).any():
        middle = (low + first) // 2
        enough = _weight_up_to(values, weights, _at(ordered, middle)) >= half - slack
        low, first = np.where(enough, low, middle + 1), np.where(enough, middle, first)
    lower = _at(ordered, first)
    upto = _weight_up_to(values, weights, lower)
    # Exactly half the weight lies up to here: the next larger value counts as much.
    after = np.minimum((ordered <= lower[:, :, None]).sum(axis=2), last)
    return np.where(upto <= half + slack, (lower + _at(ordered, after)) / 2, lower)


def _at(ordered: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return one value of each row."""
    return np.take_along_axis(ordered, places[:, :, None], axis=2)[:, :, 0]


def _weight_up_to(values: np.ndarray, weights: np.ndarray, limit: np.ndarray) -> np.ndarray:
    """Return the weight of the values of each row that are no larger than a limit."""
    return np.matmul((values <= limit[:, :, None]).astype(np.float64), weights[:, :, None])[:, :, 0]


def statistic_of(name: str, features: int, dimensions: int, reference: "Callable[[], np.ndarray]", most_bytes: int,
                 progress: Progress) -> Statistic:
    """Return what gathers a statistic; the reference is only asked for where it is needed."""
    if name == MEAN:
        return Mean(features, dimensions)
    if name == SPREAD:
        return Spread(features, reference())
    if name == LARGEST:
        return Largest(features, dimensions)
    return Median(features, dimensions, most_bytes, progress)

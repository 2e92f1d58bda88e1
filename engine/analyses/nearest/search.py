"""Exact search: blocks of a matrix product, of which only rows that beat what was found before are looked at.

After the first blocks hardly any row does, so that the selection costs little more than finding each row's largest
value. The few candidates are scored again in double precision and ordered by score, then by row of the target.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Optional

import numpy as np

from ...progress import Progress, check

_QUERIES = 1024
_TARGETS = 4096
SPARE = 8
_NOBODY = -1

# Pairs that don't count: (rows of the first, rows of the second) among slices of queries and targets.
Forbidden = Callable[[slice, slice], "tuple[np.ndarray, np.ndarray]"]


@dataclass(frozen=True)
class Neighbours:
    """For each query the rows of its neighbours, best first, and their cosines; −1 and NaN where there are fewer."""

    rows: np.ndarray
    scores: np.ndarray


def search(queries: np.ndarray, targets: np.ndarray, count: int, forbidden: "Optional[Forbidden]",
           progress: Progress) -> Neighbours:
    """Return the `count` targets `(rows, dims)` with the largest product for each of the queries `(rows, dims)`."""
    found = Neighbours(np.full((len(queries), count), _NOBODY, dtype=np.int64),
                       np.full((len(queries), count), np.nan))
    total = max(1, len(queries) * len(targets))
    for start in range(0, len(queries), _QUERIES):
        part = slice(start, min(start + _QUERIES, len(queries)))
        best = _Best(part, count + SPARE)
        for first in range(0, len(targets), _TARGETS):
            check(progress)
            block = slice(first, min(first + _TARGETS, len(targets)))
            scores = queries[part] @ targets[block].T
            if forbidden is not None:
                rows, columns = forbidden(part, block)
                scores[rows, columns] = -np.inf
            best.take(scores, first)
            progress.report((start * len(targets) + (part.stop - part.start) * block.stop) / total)
        found.rows[part], found.scores[part] = ordered(queries[part], targets, best.result(), count)
    return found


class _Best:
    """The best candidates of some queries so far, in no order.

    New ones gather in a heap and are sorted in now and then: until that, the bar that they must pass is a little low,
    which costs less than a sort each time.
    """

    def __init__(self, part: slice, size: int) -> None:
        """Start with nobody."""
        count = part.stop - part.start
        self._rows = np.full((count, size), _NOBODY, dtype=np.int64)
        self._scores = np.full((count, size), -np.inf, dtype=np.float32)
        self._bar = np.full(count, -np.inf, dtype=np.float32)
        self._heap: "list[tuple[np.ndarray, np.ndarray, np.ndarray]]" = []
        self._waiting = 0

    def take(self, scores: np.ndarray, first: int) -> None:
        """Look at the scores `(queries, targets)` of targets from row `first` on."""
        size = self._rows.shape[1]
        better = np.flatnonzero(scores.max(axis=1) > self._bar)
        if not len(better):
            return
        part = scores if len(better) == len(scores) else scores[better]
        if np.isneginf(self._bar).any() and part.shape[1] > size:
            columns = np.argpartition(part, part.shape[1] - size, axis=1)[:, -size:]
            found = np.take_along_axis(part, columns, axis=1).ravel()
            rows, columns = np.repeat(better, size), columns.ravel()
        else:
            rows, columns = np.nonzero(part > self._bar[better, None])
            found, rows = part[rows, columns], better[rows]
        self._heap.append((rows, columns + first, found))
        self._waiting += len(rows)
        if self._waiting > self._rows.size // 4:
            self._sort_in()

    def result(self) -> np.ndarray:
        """Return the rows of the candidates, −1 where there are fewer."""
        self._sort_in()
        return np.where(np.isneginf(self._scores), _NOBODY, self._rows)

    def _sort_in(self) -> None:
        """Keep the best of what was and what came."""
        if not self._heap:
            return
        count, size = self._rows.shape
        queries = np.concatenate([np.repeat(np.arange(count), size), *(part[0] for part in self._heap)])
        rows = np.concatenate([self._rows.ravel(), *(part[1] for part in self._heap)])
        scores = np.concatenate([self._scores.ravel(), *(part[2] for part in self._heap)])
        order = np.lexsort((-scores, queries))
        starts = np.searchsorted(queries[order], np.arange(count))
        chosen = order[starts[:, None] + np.arange(size)]
        self._rows, self._scores = rows[chosen], scores[chosen]
        self._bar = self._scores[:, -1].copy()
        self._heap, self._waiting = [], 0


def ordered(queries: np.ndarray, targets: np.ndarray, rows: np.ndarray, count: int) -> "tuple[np.ndarray, np.ndarray]":
    """Score candidates `(queries, candidates)` again in double precision; return the best, ties by row."""
    nobody = rows == _NOBODY
    scores = np.empty(rows.shape)
    for start in range(0, len(rows), 256):
        part = slice(start, start + 256)
        chosen = targets[np.where(nobody[part], 0, rows[part])].astype(np.float64)
        scores[part] = np.einsum("qd,qcd->qc", queries[part].astype(np.float64), chosen)
    scores[nobody] = -np.inf
    order = np.lexsort((rows, -scores), axis=1)[:, :count]
    best, score = np.take_along_axis(rows, order, axis=1), np.take_along_axis(scores, order, axis=1)
    lacking = np.isneginf(score)
    best[lacking], score[lacking] = _NOBODY, np.nan
    found_rows = np.full((len(rows), count), _NOBODY, dtype=np.int64)
    found_scores = np.full((len(rows), count), np.nan)
    found_rows[:, :best.shape[1]], found_scores[:, :best.shape[1]] = best, np.clip(score, -1.0, 1.0)
    return found_rows, found_scores

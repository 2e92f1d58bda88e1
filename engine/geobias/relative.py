"""Spatial relative information: how unlike a neighbourhood the parts of it are, by their shares of failures."""

from __future__ import annotations

from typing import Tuple

import numpy as np

from .partitions import NOWHERE
from .surroundings import Surroundings

# What keeps the logarithm finite where a part holds one kind of mark only; as published.
SMOOTH = 1e-8
_ROWS = 65_536


def relative_information(found: Surroundings, part: np.ndarray, marks: np.ndarray, least: int) -> np.ndarray:
    """Return the score `(centres, columns)` of each centre for each column of marks `(places, columns)`.

    The score is the sum, over parts with `least` places or more, of their share of the neighbourhood times the
    Kullback-Leibler divergence of the neighbourhood's marks from the part's, in nats. NaN where no part has enough.
    """
    centres = len(found.centres)
    width = int(part.max(initial=NOWHERE)) + 2
    key = found.owner * width + (part - NOWHERE)
    order = np.argsort(key, kind="stable")
    groups, first, counts = np.unique(key[order], return_index=True, return_counts=True)
    sums = grouped_sums(marks, found.site[order], first)
    owner = groups // width
    starts = np.flatnonzero(np.diff(owner, prepend=-1))
    all_sums, all_counts = np.add.reduceat(sums, starts, axis=0), np.add.reduceat(counts, starts)
    taken = (groups % width != 0) & (counts >= least)
    scores = np.full((centres, marks.shape[1]), np.nan)
    if not taken.any():
        return scores
    owner, counts = owner[taken], counts[taken]
    divergences = _divergence(all_sums[owner] / all_counts[owner, np.newaxis], sums[taken] / counts[:, np.newaxis])
    divergences *= (counts / all_counts[owner])[:, np.newaxis]
    starts = np.flatnonzero(np.diff(owner, prepend=-1))
    scores[owner[starts]] = np.add.reduceat(divergences, starts, axis=0)
    return scores


def grouped_sums(marks: np.ndarray, site: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Return sums `(groups, columns)` of the rows of `marks` that runs of `site` name; each run starts at `first`."""
    sums = np.zeros((len(first), marks.shape[1]))
    numbers = np.zeros(len(site), dtype=np.int64)
    numbers[first[1:]] = 1
    numbers = np.cumsum(numbers)
    for start in range(0, len(site), _ROWS):
        run = numbers[start:start + _ROWS]
        starts = np.flatnonzero(np.diff(run, prepend=-1))
        sums[run[starts]] += np.add.reduceat(marks[site[start:start + _ROWS]], starts, axis=0, dtype=np.float64)
    return sums


def _divergence(whole: np.ndarray, part: np.ndarray) -> np.ndarray:
    """Return the divergence of shares of failures in parts from those in the whole; changes nothing given."""
    found = _term(whole, part)
    found += _term(1.0 - whole, 1.0 - part)
    return found


def _term(whole: np.ndarray, part: np.ndarray) -> np.ndarray:
    """Return whole · ln(whole / part), 0 where the whole is 0."""
    return whole * np.log(np.where(whole > 0, whole, 1.0) / (part + SMOOTH))


def shares_around(found: Surroundings, share: np.ndarray) -> "Tuple[np.ndarray, np.ndarray]":
    """Return how many places each centre has around it, and what share of them fails."""
    counts = found.counts()
    return counts, np.bincount(found.owner, weights=share[found.site], minlength=len(counts)) / counts

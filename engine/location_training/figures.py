"""Puts the scores of several ways, pooled, by fold and by block, into a verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Dict, List, Mapping, Sequence, Tuple

import numpy as np

from ..training.figures import balanced_pulls, block_difference, mean_pulls, squared_pulls
from ..training.folds import Folds
from ..training.student import interval_of
from .judged import CONSTANT, COORDINATES, ENCODER, NEAREST, NEIGHBOURS, Difference, Figure, Verdict

R2, ACCURACY, COSINE = "R²", "balanced accuracy", "cosine"
NAMES = {ENCODER: "encoder and ridge", COORDINATES: "coordinates and ridge",
         NEIGHBOURS: "nearest places on the sphere", NEAREST: "the nearest place", CONSTANT: "the mean"}
ORDER = (ENCODER, COORDINATES, NEIGHBOURS, NEAREST, CONSTANT)


@dataclass(frozen=True)
class Score:
    """The pooled score of a way, that of each fold, and the pull of each block on the pooled one (NaN: no row)."""

    value: float
    folds: "Tuple[float, ...]"
    pulls: "Tuple[float, ...]"


def squared(truth: np.ndarray, predicted: np.ndarray, folds: Folds) -> Score:
    """Return R² of all known rows, and for each fold its error against the spread of all of them."""
    known = np.isfinite(truth)
    error = (truth - predicted) ** 2
    spread = float(truth[known].var())
    return Score(1 - float(error[known].mean()) / spread,
                 tuple(1 - float(error[rows].mean()) / spread if len(rows) else float("nan")
                       for rows in _folds(folds, known)),
                 _by_block(squared_pulls(truth[known], predicted[known]), folds, known))


def balanced(codes: np.ndarray, chosen: np.ndarray, folds: Folds) -> Score:
    """Return the mean share of each class that was found, of all known rows and by fold."""
    known = codes >= 0
    return Score(_accuracy(codes[known], chosen[known]),
                 tuple(_accuracy(codes[rows], chosen[rows]) for rows in _folds(folds, known)),
                 _by_block(balanced_pulls(codes[known], chosen[known]), folds, known))


def mean_of(values: np.ndarray, folds: Folds) -> Score:
    """Return the mean of all rows and of each fold."""
    known = np.isfinite(values)
    return Score(float(values.mean()),
                 tuple(float(values[rows].mean()) if len(rows) else float("nan") for rows in _folds(folds, known)),
                 _by_block(mean_pulls(values[known]), folds, known))


def verdict_of(name: str, score_name: str, scores: "Mapping[str, Score]", rows: int,
               names: "Mapping[str, str]" = NAMES) -> Verdict:
    """Return figures in the usual order, and how the encoder compares with each other way."""
    keys = [key for key in ORDER if key in scores]
    figures = tuple(Figure(key, names.get(key, NAMES[key]), scores[key].value, scores[key].folds,
                           interval_of(np.array(scores[key].folds)), scores[key].pulls) for key in keys)
    differences = tuple(_difference(key, names.get(key, NAMES[key]), scores[ENCODER], scores[key])
                        for key in keys if key != ENCODER)
    return Verdict(name, score_name, figures, differences, rows)


def together(parts: "Sequence[Verdict]", name: str, score_name: str) -> Verdict:
    """Return the verdict of the mean over several targets."""
    if len(parts) == 1:
        return parts[0]
    found: "Dict[str, Score]" = {}
    for figure in parts[0].figures:
        each = [part.figure(figure.key) for part in parts]
        folds = np.array([one.folds for one in each if one is not None])
        blocks = np.array([one.pulls for one in each if one is not None])
        # Where a block knows nothing of a target it has no pull on it.
        found[figure.key] = Score(float(np.mean([one.value for one in each if one is not None])),
                                  tuple(_mean(folds, np.nanmean).tolist()),
                                  tuple((_mean(blocks, np.nansum) / len(blocks)).tolist()))
    return verdict_of(name, score_name, found, max(part.rows for part in parts))


def _difference(key: str, name: str, encoder: Score, other: Score) -> Difference:
    """Return how much better the encoder is, over the blocks in which anything is known."""
    first, second = np.array(encoder.pulls), np.array(other.pulls)
    known = np.isfinite(first) & np.isfinite(second)
    folds = int(np.isfinite(encoder.folds).sum())
    found = block_difference(encoder.value - other.value, first[known], second[known], folds)
    return Difference(key, name, found, int(known.sum()))


def _by_block(pulls: np.ndarray, folds: Folds, known: np.ndarray) -> "Tuple[float, ...]":
    """Return the pull of each block, or of each row where there are no blocks; NaN where no row is known."""
    code = np.arange(len(known)) if folds.blocks is None else np.unique(folds.blocks, return_inverse=True)[1].ravel()
    count = int(code.max(initial=-1)) + 1
    sums = np.bincount(code[known], weights=pulls, minlength=count)
    return tuple(np.where(np.bincount(code[known], minlength=count) > 0, sums, np.nan).tolist())


def _mean(folds: np.ndarray, mean: "Callable[..., np.ndarray]") -> np.ndarray:
    """Return the mean (or sum) of what is known of each fold or block, NaN where nothing is."""
    some = np.isfinite(folds).any(axis=0)
    return np.where(some, mean(np.where(some, folds, 0.0), axis=0), np.nan)


def _folds(folds: Folds, known: np.ndarray) -> "List[np.ndarray]":
    """Return the known rows of each fold."""
    return [np.flatnonzero((folds.fold == number) & known) for number in range(folds.count)]


def _accuracy(truth: np.ndarray, chosen: np.ndarray) -> float:
    """Return the mean share found of the classes that occur; NaN of no rows."""
    if not len(truth):
        return float("nan")
    return float(np.mean([(chosen[truth == one] == one).mean() for one in np.unique(truth)]))

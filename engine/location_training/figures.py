"""Puts the scores of several ways, pooled and by fold, into a verdict."""

from __future__ import annotations

from typing import Callable, Dict, List, Mapping, Sequence, Tuple

import numpy as np

from ..training.figures import paired_difference
from ..training.folds import Folds
from ..training.student import interval_of
from .judged import CONSTANT, COORDINATES, ENCODER, NEAREST, NEIGHBOURS, Difference, Figure, Verdict

R2, ACCURACY, COSINE = "R²", "balanced accuracy", "cosine"
NAMES = {ENCODER: "encoder and ridge", COORDINATES: "coordinates and ridge",
         NEIGHBOURS: "nearest places on the sphere", NEAREST: "the nearest place", CONSTANT: "the mean"}
ORDER = (ENCODER, COORDINATES, NEIGHBOURS, NEAREST, CONSTANT)


def squared(truth: np.ndarray, predicted: np.ndarray, folds: Folds) -> "Tuple[float, Tuple[float, ...]]":
    """Return R² of all known rows, and for each fold its error against the spread of all of them."""
    known = np.isfinite(truth)
    error = (truth - predicted) ** 2
    spread = float(truth[known].var())
    return (1 - float(error[known].mean()) / spread,
            tuple(1 - float(error[rows].mean()) / spread if len(rows) else float("nan")
                  for rows in _folds(folds, known)))


def balanced(codes: np.ndarray, chosen: np.ndarray, folds: Folds) -> "Tuple[float, Tuple[float, ...]]":
    """Return the mean share of each class that was found, of all known rows and by fold."""
    known = codes >= 0
    return (_accuracy(codes[known], chosen[known]),
            tuple(_accuracy(codes[rows], chosen[rows]) for rows in _folds(folds, known)))


def mean_of(values: np.ndarray, folds: Folds) -> "Tuple[float, Tuple[float, ...]]":
    """Return the mean of all rows and of each fold."""
    return float(values.mean()), tuple(float(values[rows].mean()) if len(rows) else float("nan")
                                       for rows in _folds(folds, np.isfinite(values)))


def verdict_of(name: str, score_name: str, scores: "Mapping[str, Tuple[float, Sequence[float]]]", rows: int,
               names: "Mapping[str, str]" = NAMES) -> Verdict:
    """Return figures in the usual order, and how the encoder compares with each other way."""
    keys = [key for key in ORDER if key in scores]
    figures = tuple(Figure(key, names.get(key, NAMES[key]), float(scores[key][0]), tuple(map(float, scores[key][1])),
                           interval_of(np.array(scores[key][1]))) for key in keys)
    differences = tuple(Difference(key, names.get(key, NAMES[key]),
                                   paired_difference(scores[ENCODER][1], scores[key][1]))
                        for key in keys if key != ENCODER)
    return Verdict(name, score_name, figures, differences, rows)


def together(parts: "Sequence[Verdict]", name: str, score_name: str) -> Verdict:
    """Return the verdict of the mean over several targets."""
    if len(parts) == 1:
        return parts[0]
    found: "Dict[str, Tuple[float, List[float]]]" = {}
    for figure in parts[0].figures:
        each = [part.figure(figure.key) for part in parts]
        folds = np.array([one.folds for one in each if one is not None])
        found[figure.key] = (float(np.mean([one.value for one in each if one is not None])),
                             _mean(folds, np.nanmean).tolist())
    return verdict_of(name, score_name, found, max(part.rows for part in parts))


def _mean(folds: np.ndarray, mean: "Callable[..., np.ndarray]") -> np.ndarray:
    """Return the mean of what is known of each fold, NaN where nothing is."""
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

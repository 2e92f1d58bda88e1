"""Partial dependence: what a predictor says on average where one further column had this value everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Tuple

import numpy as np

from ..predictors.predictor import Predictor
from ..progress import Progress, check
from ..training.columns import NumericColumn
from ..training.sites import some_rows
from .importance import predictions
from .rows import LabelledRows

_STEPS = 21
_SHARES = (0.02, 0.98)
_BAND = (0.1, 0.9)
_MOST_ROWS = 1000


@dataclass(frozen=True)
class Dependence:
    """A column, the values that were tried, and what was predicted: `(values, outputs)` each.

    `mean` is over the rows and `low` to `high` holds the middle 80 % of them; outputs are targets in their units or
    probabilities of classes. `values` are numbers, or levels as texts; `rows` counts those that have the level.
    """

    column: str
    numeric: bool
    values: "Tuple[object, ...]"
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    rows: "Tuple[int, ...]" = ()


def dependences(predictor: Predictor, rows: LabelledRows, seed: int, progress: Progress) -> "Tuple[Dependence, ...]":
    """Return the partial dependence of each further column."""
    plan = predictor.card.columns
    if not plan.columns:
        return ()
    picked = some_rows(len(rows), _MOST_ROWS, seed)
    found: "List[Dependence]" = []
    for index, column in enumerate(plan.columns):
        check(progress)
        progress.report(index / len(plan.columns), f"Varying {column.name}")
        span = plan.groups[column.name]
        places = slice(rows.dimensions + span.start, rows.dimensions + span.stop)
        encoded = rows.features[places]
        if isinstance(column, NumericColumn):
            values = quantile_grid(encoded[0])
            tried, counts = values.astype(np.float32)[:, np.newaxis], ()
            names: "Tuple[object, ...]" = tuple(values.tolist())
        else:
            tried = np.eye(len(column.names), dtype=np.float32)
            names = tuple(name[len(column.name) + 1:] for name in column.names)
            counts = tuple(int(count) for count in (encoded > 0.5).sum(axis=1))
        answers = [_answers(predictor, rows.features[:, picked], places, one, progress) for one in tried]
        found.append(Dependence(column.name, isinstance(column, NumericColumn), names,
                                *(np.stack(part) for part in zip(*answers)), counts))
    progress.report(1.0)
    return tuple(found)


def quantile_grid(values: np.ndarray) -> np.ndarray:
    """Return values from one end to the other, as many between any two as there are rows; whole where all are."""
    distinct = np.unique(values).astype(np.float64)
    if len(distinct) <= _STEPS:
        return distinct
    found = np.quantile(values.astype(np.float64), np.linspace(*_SHARES, _STEPS))
    return np.unique(np.round(found) if (distinct == np.round(distinct)).all() else found)


def _answers(predictor: Predictor, features: np.ndarray, places: slice, value: np.ndarray,
             progress: Progress) -> "Tuple[np.ndarray, np.ndarray, np.ndarray]":
    """Return mean, low and high of what is predicted with one value everywhere."""
    features = features.copy()
    features[places] = value[:, np.newaxis]
    answer = predictions(predictor, features, progress)
    low, high = np.quantile(answer, _BAND, axis=0)
    return answer.mean(axis=0), low, high

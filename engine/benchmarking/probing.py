"""Predicts every row out of its fold from a candidate's vectors, by a simple model that shows what they hold."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import List, Optional

import numpy as np

from ..progress import Part, Progress, check
from ..reduction import fit_pca
from ..training.folds import Folds
from ..training.task import Task
from ..training.validating import inside
from .draws import Draws
from .request import ALL, FOREST, KNN, LINEAR


@dataclass(frozen=True)
class Probed:
    """Out-of-fold predictions `(draws, n, T or K)` on the scale of the fit, and how long they took."""

    predicted: np.ndarray
    seconds: float


@dataclass(frozen=True)
class FoldVectors:
    """The vectors of all rows as one fold's training part would have them: as they are, or reduced."""

    values: "List[np.ndarray]"


def model_of(probe: str, classes: int) -> str:
    """Return the model of a probe."""
    return {KNN: "knn", FOREST: "forest", LINEAR: "logistic" if classes else "ridge"}[probe]


def reducible(vectors: np.ndarray, folds: Folds, dimensions: int) -> str:
    """Return why vectors can't be reduced to so many dimensions, or an empty text where they can."""
    if dimensions == ALL:
        return ""
    if dimensions >= vectors.shape[1]:
        return f"it has {vectors.shape[1]} dimensions"
    least = min(int((folds.fold != number).sum()) for number in range(folds.count))
    return f"a fold's training part has {least} rows" if dimensions >= least else ""


def fold_vectors(vectors: np.ndarray, folds: Folds, dimensions: int, progress: Progress) -> FoldVectors:
    """Return the vectors of each fold, reduced by principal components of its training part alone."""
    found: "List[np.ndarray]" = []
    for number in range(folds.count):
        check(progress)
        if dimensions == ALL:
            found.append(vectors)
            continue
        reduction = fit_pca(vectors[folds.fold != number].astype(np.float64), dimensions)
        found.append(((vectors - reduction.mean) @ reduction.components.T).astype(np.float32))
    return FoldVectors(found)


def out_of_fold(task: Task, vectors: FoldVectors, folds: Folds, draws: Draws, probe: str,
                progress: Progress) -> Probed:
    """Return the predictions of all rows, once a draw."""
    model = model_of(probe, task.classes)
    width = task.classes or task.y.shape[1]
    predicted = np.full((len(draws.rows), len(folds.fold), width), np.nan)
    seconds = 0.0
    steps = len(draws.rows) * folds.count
    own: Optional[Task] = None
    for number in range(folds.count):
        held = np.flatnonzero(folds.fold == number)
        values = vectors.values[number]
        if own is None or own.x is not values:
            own = task.with_features(values)
        for draw, parts in enumerate(draws.rows):
            check(progress)
            done = number * len(draws.rows) + draw
            rows = parts[number]
            started = time.perf_counter()
            fitted = own.fitted(model, rows, inside(folds.fold[rows], own.units[rows]),
                                Part(progress, done / steps, (done + 1) / steps))
            predicted[draw, held] = fitted.predict(own.x[held])
            seconds += time.perf_counter() - started
    progress.report(1.0)
    return Probed(predicted, seconds)

"""What can be had without embeddings: the mean or majority, the coordinates alone, the other columns alone."""

from __future__ import annotations

from typing import Optional

import numpy as np

from ..packages import state
from ..progress import Part, Progress
from .folds import Folds
from .judging import Judge, Outcome
from .samples import Samples
from .task import Task
from .validating import Validation

MEAN = "mean"
MAJORITY = "majority"
COORDINATES = "coordinates only"
COLUMNS = "other columns only"
_EARTH_RADIUS = 6_371_000.0
_MOST_TURNED = 5000
_FLAT = 0.1
# Boosting grows a tree a round for each class, a forest one tree for all of them.
_MOST_BOOSTED = 20
_MOST_TREES = 200
_LABELS_A_CLASS = 4


def constant(task: Task, judge: Judge, folds: Folds) -> Outcome:
    """Return what the mean of the other folds, or the share of each class, would have predicted."""
    width = task.classes or task.y.shape[1]
    predicted = np.empty((len(task.x), width))
    for number in range(folds.count):
        held = folds.fold == number
        if task.classes:
            # Of all rows: without the fold itself, the commonest class is by design the one that the fold lacks.
            predicted[held] = np.bincount(task.y, task.weights, task.classes) / task.weights.sum()
        else:
            predicted[held] = np.average(judge.truth[~held], axis=0, weights=task.weights[~held])
    return judge.outcome(MAJORITY if task.classes else MEAN, folds, predicted)


def coordinates(samples: Samples, task: Task, judge: Judge, folds: Folds, progress: Progress) -> Optional[Outcome]:
    """Return what position alone predicts, by the better of near neighbours and trees; None without positions."""
    where = positions(samples)
    if where is None:
        return None
    trees = "boosting" if task.classes <= _MOST_BOOSTED else "forest"
    # Trees tell little of classes with a label or two, and take long over hundreds of classes.
    enough = task.classes <= min(_MOST_TREES, len(where) // _LABELS_A_CLASS)
    kinds = ["knn"] + ([trees] if enough and state("scikit-learn").usable else [])
    found = []
    for index, kind in enumerate(kinds):
        part = Part(progress, index / len(kinds), (index + 1) / len(kinds))
        found.append(alone(COORDINATES, kind, where, task, judge, folds, part))
    return max(found, key=lambda outcome: outcome.score)


def alone(name: str, kind: str, x: np.ndarray, task: Task, judge: Judge, folds: Folds, progress: Progress) -> Outcome:
    """Return what some features alone predict; the folds are not kept, since they are quick."""
    validation = Validation(task.with_features(x), judge, None)
    return judge.outcome(name, folds, judge.in_units(validation.run(name, kind, folds, _Quiet(progress)).predicted))


class _Quiet(Part):
    """A progress that moves without a line for each fold."""

    def __init__(self, whole: Progress) -> None:
        """Pass everything else on as it is."""
        super().__init__(whole, 0.0, 1.0)

    def report(self, fraction: float, text: Optional[str] = None) -> None:
        """Pass the fraction on."""
        super().report(fraction)

    def info(self, text: str) -> None:
        """Keep it to itself."""


def positions(samples: Samples) -> Optional[np.ndarray]:
    """Return positions as features: on the sphere, so that neither the poles nor 180° tear neighbours apart."""
    if not np.isfinite(samples.places).all():
        return None
    lon, lat = np.radians(samples.places.T)
    sphere = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)
    metres = (sphere - sphere.mean(axis=0)) * _EARTH_RADIUS
    _, _, axes = np.linalg.svd(metres if len(metres) <= _MOST_TURNED else metres[:: len(metres) // _MOST_TURNED],
                               full_matrices=False)
    turned = metres @ axes.T
    # Within a country the third axis holds the bulge of the earth alone, which says nothing of its own.
    flat = turned[:, 2].std() < _FLAT * turned[:, 0].std()
    return turned[:, :2 if flat else 3].astype(np.float32)

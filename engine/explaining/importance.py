"""How much worse a predictor gets when a group of its features is shuffled among the rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Sequence

import numpy as np

from ..predictors.predictor import Predictor, Wanted
from ..progress import Part, Progress, check
from .feature_groups import FeatureGroup
from .judgement import Judgement, Loss

_EVERYTHING = Wanted(probabilities=True)
_ROWS = 8192


@dataclass(frozen=True)
class GroupImportance:
    """What a group is worth: the loss of score, and by how much each target's error grows."""

    group: FeatureGroup
    loss: Loss
    errors: np.ndarray


@dataclass(frozen=True)
class Importances:
    """The score and errors of the predictor on the rows as they are, and what each group is worth, in their order."""

    score: float
    errors: np.ndarray
    groups: "tuple[GroupImportance, ...]"


def predictions(predictor: Predictor, features: np.ndarray, progress: Progress) -> np.ndarray:
    """Return values `(n, T)` in units or probabilities `(n, K)`, float64, of features `(F, n)`."""
    found: "List[np.ndarray]" = []
    for start in range(0, features.shape[1], _ROWS):
        check(progress)
        predicted = predictor.predict(features[:, start:start + _ROWS], _EVERYTHING)
        values = predicted.value if predicted.probabilities is None else predicted.probabilities
        if values is None:
            raise ValueError("the predictor left out what was asked for")
        found.append(values.T.astype(np.float64))
    return np.concatenate(found)


def importances(predictor: Predictor, features: np.ndarray, judgement: Judgement, groups: "Sequence[FeatureGroup]",
                repeats: int, seed: int, progress: Progress) -> Importances:
    """Shuffle each group `repeats` times; each time all groups by the same order, so that they compare."""
    own = judgement.judged(predictions(predictor, features, progress))
    orders = [shuffled_order(features.shape[1], seed, number) for number in range(repeats)]
    found = []
    mixed = features.copy()
    for index, group in enumerate(groups):
        part = Part(progress, index / len(groups), (index + 1) / len(groups))
        part.report(0.0, f"Shuffling {group.name}")
        values = features[group.features]
        shuffled = []
        for number, order in enumerate(orders):
            mixed[group.features] = values[:, order]
            shuffled.append(judgement.judged(predictions(predictor, mixed, progress)))
            part.report((number + 1) / repeats)
        mixed[group.features] = values
        errors = np.mean([one.errors for one in shuffled], axis=0) - own.errors
        found.append(GroupImportance(group, judgement.loss(own, shuffled), errors))
    return Importances(own.score, own.errors, tuple(found))


def shuffled_order(rows: int, seed: int, number: int) -> np.ndarray:
    """Return the order of rows of one shuffling."""
    return np.random.default_rng((seed, number)).permutation(rows)

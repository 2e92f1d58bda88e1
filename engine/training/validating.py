"""Cross-validation: each row is predicted by a model that saw none of its fold; settings are chosen inside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Optional

import numpy as np

from ..partial import PartialWork
from ..progress import Part, Progress, check
from .folds import Folds, inner_folds
from .judging import Judge
from .models import candidates
from .request import BEST
from .task import Task

# "best" compares on so many rows and inner folds: more would cost minutes and seldom change the choice.
_MOST_COMPARED = 4000
_MOST_INNER = 3
_SAMPLE_STREAM = 7


@dataclass(frozen=True)
class Choice:
    """A kind of model chosen for some rows, and what speaks for it: the score of each candidate in inner folds."""

    kind: str
    scores: "Dict[str, float]"


@dataclass(frozen=True)
class Validated:
    """Out-of-fold predictions on the scale of the fit, `(n, T)` or `(n, K)`, and the kind chosen in each fold.

    `shuffled` holds, for each group of features, the predictions with that group's values shuffled inside the fold.
    """

    predicted: np.ndarray
    kinds: "List[str]"
    shuffled: "Dict[str, np.ndarray]"


@dataclass(frozen=True)
class Shuffling:
    """Groups of features whose worth is asked for."""

    groups: "Dict[str, np.ndarray]"
    seed: int


class Validation:
    """Runs models over folds, keeping what is finished, so that a killed run goes on where it was."""

    def __init__(self, task: Task, judge: Judge, kept: Optional[PartialWork]) -> None:
        """Take the task; `kept` is where finished folds lie."""
        self._task = task
        self._judge = judge
        self._kept = kept

    def run(self, name: str, model: str, folds: Folds, progress: Progress,
            shuffling: Optional[Shuffling] = None) -> Validated:
        """Predict every row out of its fold, with a line in the log for each fold where `name` is given."""
        task = self._task
        width = task.classes or task.y.shape[1]
        predicted = np.full((len(task.x), width), np.nan)
        groups = shuffling.groups if shuffling is not None else {}
        shuffled = {group: np.full_like(predicted, np.nan) for group in groups}
        kinds: "List[str]" = []
        for number in range(folds.count):
            check(progress)
            part = Part(progress, number / folds.count, (number + 1) / folds.count)
            part.report(0.0, f"Fold {number + 1} of {folds.count} ({name})")
            rows = np.flatnonzero(folds.fold == number)
            found = self._loaded(name, number)
            before = found is not None
            if found is None:
                found = self._fold(model, folds, number, rows, part, shuffling)
                self._store(name, number, found)
            kinds.append(found.kinds[0])
            predicted[rows] = found.predicted
            for group in groups:
                shuffled[group][rows] = found.shuffled[group]
            score = self._judge.plain_score(found.predicted, rows)
            progress.info(f"Fold {number + 1} of {folds.count} ({name}): {self._judge.score_name} {score:.2f} on "
                          f"{len(rows)} rows" + (f", by {kinds[-1]}" if model == BEST else "")
                          + (", kept from the run before." if before else "."))
        return Validated(predicted, kinds, shuffled)

    def chosen(self, model: str, folds: Folds, progress: Progress) -> Choice:
        """Return the kind to fit to all rows."""
        rows = np.arange(len(self._task.x))
        return choose(self._task, self._judge, model, rows, folds.fold, progress)

    def _fold(self, model: str, folds: Folds, number: int, rows: np.ndarray, progress: Progress,
              shuffling: Optional[Shuffling]) -> Validated:
        """Fit without one fold and predict it."""
        training = np.flatnonzero(folds.fold != number)
        inner = inside(folds.fold[training], self._task.units[training])
        choice = choose(self._task, self._judge, model, training, inner, Part(progress, 0.0, 0.5))
        start = 0.5 if model == BEST else 0.0
        fitted = self._task.fitted(choice.kind, training, inner, Part(progress, start, 0.95))
        x = self._task.x[rows]
        shuffled = {}
        if shuffling is not None:
            chance = np.random.default_rng((shuffling.seed, number))
            for group, columns in shuffling.groups.items():
                check(progress)
                mixed = x.copy()
                mixed[:, columns] = x[chance.permutation(len(x))][:, columns]
                shuffled[group] = fitted.predict(mixed)
        return Validated(fitted.predict(x), [choice.kind], shuffled)

    def _loaded(self, name: str, number: int) -> Optional[Validated]:
        """Return a fold that an earlier run finished."""
        if self._kept is None:
            return None
        kind = self._kept.load_array(f"{name}-{number}-kind")
        predicted = self._kept.load_array(f"{name}-{number}")
        if kind is None or predicted is None:
            return None
        groups = self._kept.load_array(f"{name}-{number}-groups")
        shuffled = {} if groups is None else {
            str(group): self._kept.load_array(f"{name}-{number}-group-{index}") for index, group in enumerate(groups)}
        return Validated(predicted, [str(kind)], shuffled)

    def _store(self, name: str, number: int, found: Validated) -> None:
        """Keep a finished fold; its kind comes last and so says that all is there."""
        if self._kept is None:
            return
        self._kept.save_array(f"{name}-{number}", found.predicted)
        for index, values in enumerate(found.shuffled.values()):
            self._kept.save_array(f"{name}-{number}-group-{index}", values)
        if found.shuffled:
            self._kept.save_array(f"{name}-{number}-groups", np.array(list(found.shuffled)))
        self._kept.save_array(f"{name}-{number}-kind", np.array(found.kinds[0]))


def inside(folds: np.ndarray, units: np.ndarray) -> np.ndarray:
    """Return the folds for choosing settings among rows of these folds: those folds themselves."""
    inner = inner_folds(folds)
    if len(np.unique(inner)) > 1:
        return inner
    # Two folds in all leave one to choose in: its features are parted in turn, which is the best that is left.
    return np.unique(units, return_inverse=True)[1] % 2


def choose(task: Task, judge: Judge, model: str, rows: np.ndarray, inner: np.ndarray, progress: Progress) -> Choice:
    """Return the model that was asked for, or for `best` the one that does best in inner folds."""
    if model != BEST:
        return Choice(model, {})
    rows, inner = _thinned(task, rows, inner)
    kinds = candidates(task.classes, len(rows))
    numbers = np.unique(inner)[:_MOST_INNER]
    scores: "Dict[str, float]" = {}
    for index, kind in enumerate(kinds):
        found: "List[np.ndarray]" = []
        held: "List[np.ndarray]" = []
        for step, number in enumerate(numbers):
            check(progress)
            done = (index + step / len(numbers)) / len(kinds)
            part = Part(progress, done, done + 1 / len(numbers) / len(kinds))
            outside, within = inner != number, inner == number
            fitted = task.fitted(kind, rows[outside], inside(inner[outside], task.units[rows[outside]]), part)
            found.append(fitted.predict(task.x[rows[within]]))
            held.append(rows[within])
        scores[kind] = judge.plain_score(np.concatenate(found), np.concatenate(held))
    best = max(scores, key=lambda kind: scores[kind] if np.isfinite(scores[kind]) else -np.inf)
    return Choice(best, scores)


def _thinned(task: Task, rows: np.ndarray, inner: np.ndarray) -> "tuple[np.ndarray, np.ndarray]":
    """Return an even random part of many rows."""
    if len(rows) <= _MOST_COMPARED:
        return rows, inner
    picked = np.sort(np.random.default_rng((task.seed, _SAMPLE_STREAM)).choice(len(rows), _MOST_COMPARED,
                                                                               replace=False))
    return rows[picked], inner[picked]

"""Gradient boosting on histograms by scikit-learn: rounds chosen in inner folds, the trees written one by one."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Tuple

import numpy as np

from ...onnxgraph import OnnxGraph
from ...packages import require
from ...pipeline import attend
from ...progress import Part, Progress, check
from .bins import MOST_BINS, Bins, fit_bins
from .design import Design
from .linear import softmax
from .thread_bound import bounded
from .trees import Tree, add_sums, sums
from .trusting import require_equal

MOST_ROUNDS = 300
_STEP = 10
_STEP_SECONDS = 1.0
_PATIENCE = 4
_RATE = 0.1
_FEW_ROWS = 5000
_CHECKED_ROWS = 256


@dataclass(frozen=True)
class Boosting:
    """One estimator a target, or one for all classes, that split numbers of bins, and the trees drawn from them."""

    estimators: "Tuple[Any, ...]"
    bins: Bins
    trees: "Tuple[Tree, ...]"
    base: np.ndarray
    classes: int
    settings: "Mapping[str, object]"
    kind: str = "boosting"

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return targets `(n, T)` or probabilities `(n, K)`, by scikit-learn."""
        def predicted() -> np.ndarray:
            """Ask the estimators."""
            numbers = self.bins.numbers(x)
            if self.classes:
                return self.estimators[0].predict_proba(numbers)
            return np.column_stack([estimator.predict(numbers) for estimator in self.estimators])

        return bounded(predicted, x.size)()

    def add_to(self, graph: OnnxGraph, features: str) -> str:
        """Add the trees, and what turns scores into probabilities."""
        scores = add_sums(graph, features, self.trees, len(self.base), self.base)
        if self.classes == 2:
            graph.node("Neg", [scores], "other_scores")
            graph.node("Sigmoid", ["other_scores"], "first_share")
            graph.node("Sigmoid", [scores], "second_share")
            return graph.node("Concat", ["first_share", "second_share"], "model_probabilities", axis=1)
        return graph.node("Softmax", [scores], "model_probabilities", axis=1) if self.classes else scores


def fit_boosting(design: Design, progress: Progress) -> Boosting:
    """Choose the number of rounds where held-out rows are predicted best, then fit to all."""
    splits = design.splits(2 if len(design.x) <= _FEW_ROWS else 1)
    columns = [np.asarray(design.y)] if design.classes else list(design.targets.T)
    bins = fit_bins(design.x, design.seed)
    x = bins.numbers(design.x)
    estimators, rounds = [], []
    for number, column in enumerate(columns):
        part = Part(progress, number / len(columns), (number + 1) / len(columns))
        curves = [_curve(design, x, column, rows, held, Part(part, 0.6 * index / len(splits),
                                                             0.6 * (index + 1) / len(splits)))
                  for index, (rows, held) in enumerate(splits)]
        length = min(len(curve) for curve in curves)
        rounds.append(_STEP * (1 + int(np.mean([curve[:length] for curve in curves], axis=0).argmin())))
        estimator = _estimator(design, len(design.x))
        _grow(estimator, x, column, design.weights, rounds[-1], Part(part, 0.6, 1.0))
        estimators.append(estimator)
    found = _drawn(tuple(estimators), bins, design.classes, {
        "rounds": rounds if len(rounds) > 1 else rounds[0], "learning_rate": _RATE,
        "leaves": estimators[0].max_leaf_nodes, "weights": "used"})
    _require_sound(found, design.x[:_CHECKED_ROWS])
    return found


def _estimator(design: Design, rows: int) -> Any:
    """Make an estimator with settings for so many rows."""
    ensemble = require("sklearn.ensemble")
    kind = ensemble.HistGradientBoostingClassifier if design.classes else ensemble.HistGradientBoostingRegressor
    return kind(learning_rate=_RATE, max_leaf_nodes=31 if rows > 2000 else 15, max_iter=_STEP,
                min_samples_leaf=20 if rows > 1000 else max(2, min(10, rows // 20)), early_stopping=False,
                warm_start=True, random_state=design.seed)


def _grow(estimator: Any, x: np.ndarray, column: np.ndarray, weights: np.ndarray, rounds: int,
          progress: Progress) -> None:
    """Add trees until there are so many rounds, in steps that a cancel can come between."""
    done, step = 0, _STEP
    while done < rounds:
        check(progress)
        done = min(rounds, done + step)
        estimator.set_params(max_iter=done)
        started = time.perf_counter()
        attend(bounded(lambda: estimator.fit(x, column, sample_weight=weights), x.size), progress)
        elapsed = max(time.perf_counter() - started, 1e-3)
        step = int(np.clip(step * _STEP_SECONDS / elapsed, _STEP, 50))
        progress.report(done / rounds)


def _curve(design: Design, numbers: np.ndarray, column: np.ndarray, rows: np.ndarray, held: np.ndarray,
           progress: Progress) -> "List[float]":
    """Return the held-out loss after every ten rounds, until it has not fallen for a while."""
    estimator = _estimator(design, len(rows))
    weights = design.weights[held] / max(float(design.weights[held].sum()), 1e-300)
    x, asked, goals, shares = numbers[rows], numbers[held], column[rows], design.weights[rows]

    def grown() -> np.ndarray:
        """Add trees and predict the rows held out."""
        estimator.fit(x, goals, sample_weight=shares)
        return estimator.predict_proba(asked) if design.classes else estimator.predict(asked)

    losses: "List[float]" = []
    while len(losses) * _STEP < MOST_ROUNDS and len(losses) - int(np.argmin(losses or [0])) <= _PATIENCE:
        check(progress)
        estimator.set_params(max_iter=(len(losses) + 1) * _STEP)
        predicted = attend(bounded(grown, x.size), progress)
        if design.classes:
            losses.append(float(-weights @ np.log(np.maximum(predicted[np.arange(len(held)), column[held]], 1e-12))))
        else:
            losses.append(float(weights @ (predicted - column[held]) ** 2))
        progress.report(len(losses) * _STEP / MOST_ROUNDS)
    return losses


def _drawn(estimators: "Tuple[Any, ...]", bins: Bins, classes: int, settings: "Dict[str, object]") -> Boosting:
    """Draw the trees from scikit-learn's estimators, which have no public way to them."""
    trees: "List[Tree]" = []
    base: "List[float]" = []
    for number, estimator in enumerate(estimators):
        base += [float(value) for value in np.ravel(estimator._baseline_prediction)]
        for stage in estimator._predictors:
            trees += [_tree(predictor.nodes, bins, number + index) for index, predictor in enumerate(stage)]
    return Boosting(estimators, bins, tuple(trees), np.array(base), classes, settings)


def _tree(nodes: np.ndarray, bins: Bins, output: int) -> Tree:
    """Draw the arrays from the nodes of one tree; a threshold between bins becomes the largest value below it."""
    leaf = nodes["is_leaf"].astype(bool)
    feature = nodes["feature_idx"].astype(np.int64)
    between = np.where(leaf, 0.0, np.floor(np.minimum(nodes["num_threshold"], float(MOST_BINS))))
    return Tree(feature, bins.values(np.where(leaf, 0, feature), between),
                np.where(leaf, -1, nodes["left"].astype(np.int64)), np.where(leaf, -1, nodes["right"].astype(np.int64)),
                np.zeros(len(nodes), dtype=bool), nodes["value"].astype(np.float64)[:, np.newaxis], output)


def _require_sound(model: Boosting, sample: np.ndarray) -> None:
    """Compare what was drawn with scikit-learn's own predictions."""
    scores = sums(model.trees, sample, len(model.base)) + model.base
    if model.classes == 2:
        scores = softmax(np.hstack([np.zeros_like(scores), scores]))
    elif model.classes:
        scores = softmax(scores)
    require_equal(model.predict(sample), scores)

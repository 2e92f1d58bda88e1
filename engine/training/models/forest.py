"""Random forest: grown by scikit-learn a few trees at a time, written as trees whose leaves hold shares of the mean."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Dict, Mapping, Tuple

import numpy as np

from ...encoders.device import physical_cores
from ...onnxgraph import OnnxGraph
from ...packages import require
from ...pipeline import attend
from ...progress import Progress, check
from .design import Design
from .trees import Tree, add_sums, lowered, sums
from .trusting import require_equal

TREES = 200
_STEP_SECONDS = 0.5
_PREDICT_ROWS = 4096
# Each tree learns from as many rows drawn at random at most: beyond, time and files grow faster than accuracy.
_MOST_ROWS = 10_000
_CHECKED_ROWS = 256


@dataclass(frozen=True)
class Forest:
    """scikit-learn's forest, which learnt targets less `base` in units of `scale`, and the trees drawn from it."""

    ensemble: Any
    trees: "Tuple[Tree, ...]"
    base: np.ndarray
    scale: np.ndarray
    classes: int
    settings: "Mapping[str, object]"
    kind: str = "forest"

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return means of targets `(n, T)` or of class shares `(n, K)` over the trees, by scikit-learn."""
        x = np.ascontiguousarray(x, dtype=np.float32)
        runs = [x[first: first + _PREDICT_ROWS] for first in range(0, len(x), _PREDICT_ROWS)]
        if not runs:
            return np.zeros((0, len(self.base)))
        with ThreadPoolExecutor(physical_cores()) as pool:
            return np.concatenate(list(pool.map(self._predict_run, runs)))

    def add_to(self, graph: OnnxGraph, features: str) -> str:
        """Add the trees; the last class is what the others leave of 1, where there are two."""
        width = len(self.base)
        if self.classes == 2:
            first = [_only_first(tree) for tree in self.trees]
            share = add_sums(graph, features, first, 1, self.base[:1])
            graph.weight("one", np.array([[1.0]], dtype=np.float32))
            graph.node("Sub", ["one", share], "other_share")
            return graph.node("Concat", [share, "other_share"], "model_probabilities", axis=1)
        return add_sums(graph, features, self.trees, width, self.base, sparse=self.classes > 0)

    def _predict_run(self, x: np.ndarray) -> np.ndarray:
        """Average one run of rows, always in the order of the trees."""
        total = np.zeros((len(x), len(self.base)))
        for estimator in self.ensemble.estimators_:
            found = estimator.predict_proba(x) if self.classes else estimator.predict(x)
            total += found.reshape(len(x), -1)
        return total / len(self.trees) * self.scale + self.base


def fit_forest(design: Design, progress: Progress) -> Forest:
    """Grow the trees in steps of about half a second."""
    ensemble = require("sklearn.ensemble")
    settings: "Dict[str, Any]" = {
        "trees": TREES, "features_per_split": "sqrt" if design.classes else 1 / 3,
        "rows_per_leaf": 1 if design.classes else 2, "rows_per_tree": min(len(design.x), _MOST_ROWS), "weights": "used"}
    kind = ensemble.RandomForestClassifier if design.classes else ensemble.RandomForestRegressor
    estimator = kind(1, max_features=settings["features_per_split"], min_samples_leaf=settings["rows_per_leaf"],
                     max_samples=settings["rows_per_tree"], random_state=design.seed, warm_start=True,
                     n_jobs=physical_cores())
    targets = design.targets
    base, scale = np.zeros(targets.shape[1]), np.ones(targets.shape[1])
    if design.classes:
        goals = design.y
    else:
        # Trees weigh the squared errors of several targets alike only where these are in like units.
        base = np.average(targets, axis=0, weights=design.weights)
        spread = np.sqrt(np.average((targets - base) ** 2, axis=0, weights=design.weights))
        scale = np.where(spread > 0, spread, 1.0)
        goals = (targets - base) / scale
        goals = goals[:, 0] if goals.shape[1] == 1 else goals
    done, step = 0, physical_cores()
    while done < TREES:
        check(progress)
        done = min(TREES, done + step)
        estimator.set_params(n_estimators=done)
        started = time.perf_counter()
        attend(lambda: estimator.fit(design.x, goals, sample_weight=design.weights), progress)
        elapsed = max(time.perf_counter() - started, 1e-3)
        step = int(np.clip(step * _STEP_SECONDS / elapsed, physical_cores(), 50))
        progress.report(done / TREES)
    trees = tuple(_tree(part, scale, design.classes) for part in estimator.estimators_)
    found = Forest(estimator, trees, base, scale, design.classes, settings)
    sample = design.x[:_CHECKED_ROWS]
    require_equal(found.predict(sample), sums(trees, sample, len(base)) + base)
    return found


def _tree(estimator: Any, scale: np.ndarray, classes: int) -> Tree:
    """Draw the arrays from one estimator; a leaf's values are its share of the forest's mean, in the target's units."""
    tree = estimator.tree_
    values = np.asarray(tree.value, dtype=np.float64)
    values = values[:, 0, :] if classes else values[:, :, 0]
    if classes:
        # Older versions keep weighted counts, newer ones shares.
        values = values / np.maximum(values.sum(axis=1, keepdims=True), 1e-300)
    missing = getattr(tree, "missing_go_to_left", None)
    flags = np.zeros(tree.node_count, dtype=bool) if missing is None else np.asarray(missing, dtype=bool)
    return Tree(np.asarray(tree.feature, dtype=np.int64), lowered(tree.threshold),
                np.asarray(tree.children_left, dtype=np.int64), np.asarray(tree.children_right, dtype=np.int64),
                flags, values * scale / TREES)


def _only_first(tree: Tree) -> Tree:
    """Return the tree with the values of the first class alone."""
    return Tree(tree.feature, tree.threshold, tree.left, tree.right, tree.missing_left, tree.values[:, :1])

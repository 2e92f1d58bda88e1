"""The k nearest training rows: their weighted mean, or the weighted shares of their classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Iterator, Mapping, Optional, Tuple

import numpy as np

from ...neighbours import NearestInSample
from ...onnxgraph import Node, OnnxGraph
from ...progress import Progress, check
from .design import Design
from .scaling import Scaling, centring, standardising

REFERENCE, HALF_SQUARES, VALUES, SHARES = "knn_reference", "knn_half_squares", "knn_values", "knn_weights"
COUNTS = (1, 3, 5, 7, 10, 15, 20, 30, 50)
# A product in float32 finds the nearest but for a few near-ties: so many more are measured exactly.
SPARE = 6
_MOST_REFERENCE = 50_000
_MOST_QUERIES = 3000
_MOST_SPLITS = 3
_STREAM = 17
# Below this a distance counts as none: a row that lies on a training row is answered by that alone.
LEAST_DISTANCE = 1e-6


@dataclass(frozen=True)
class Neighbours:
    """Training rows: scaled features `(R, F)` float32, values `(R, T|K)` and weights `(R,)`."""

    scaling: Scaling
    reference: np.ndarray
    values: np.ndarray
    weights: np.ndarray
    count: int
    by_distance: bool
    settings: "Mapping[str, object]"
    kind: str = "knn"

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return means `(n, T)` or shares `(n, K)` in float64."""
        found = np.empty((len(x), self.values.shape[1]))
        for rows, nearest, distances in nearest_rows(self.reference, self.scaling.apply(x), self.count):
            found[rows] = combined(self.values, self.weights, nearest, distances, self.by_distance)
        return found

    def add_to(self, graph: OnnxGraph, features: str) -> str:
        """Add the search: a product ranks all training rows, and the first of them are measured exactly."""
        rows = len(self.reference)
        count, first = min(self.count, rows), min(self.count + SPARE, rows)
        scaled = self.scaling.add_to(graph, features)
        graph.weight(REFERENCE, self.reference)
        graph.weight(HALF_SQUARES, half_squares(self.reference))
        graph.weight(VALUES, self.values.astype(np.float32))
        graph.weight(SHARES, self.weights.astype(np.float32))
        graph.node("Transpose", [REFERENCE], "knn_columns", perm=[1, 0])
        graph.node("MatMul", [scaled, "knn_columns"], "knn_products")
        graph.node("Sub", [HALF_SQUARES, "knn_products"], "knn_ranks")
        _top(graph, "knn_ranks", first, "knn_candidate_ranks", "knn_candidates")
        graph.node("Gather", [REFERENCE, "knn_candidates"], "knn_candidate_rows", axis=0)
        graph.weight("axis_1", np.array([1], dtype=np.int64))
        graph.weight("axis_2", np.array([2], dtype=np.int64))
        graph.node("Unsqueeze", [scaled, "axis_1"], "knn_query")
        graph.node("Sub", ["knn_candidate_rows", "knn_query"], "knn_differences")
        graph.node("ReduceL2", ["knn_differences"], "knn_distances", axes=[2], keepdims=0)
        _top(graph, "knn_distances", count, "knn_nearest_distances", "knn_places")
        graph.node("GatherElements", ["knn_candidates", "knn_places"], "knn_nearest", axis=1)
        graph.node("Gather", [SHARES, "knn_nearest"], "knn_nearest_weights", axis=0)
        weights = "knn_nearest_weights"
        if self.by_distance:
            graph.weight("least_distance", np.array(LEAST_DISTANCE, dtype=np.float32))
            graph.node("Max", ["knn_nearest_distances", "least_distance"], "knn_safe_distances")
            weights = graph.node("Div", [weights, "knn_safe_distances"], "knn_strengths")
        graph.node("Gather", [VALUES, "knn_nearest"], "knn_nearest_values", axis=0)
        graph.node("Unsqueeze", [weights, "axis_2"], "knn_factors")
        graph.node("Mul", ["knn_nearest_values", "knn_factors"], "knn_parts")
        graph.node("ReduceSum", ["knn_parts", "axis_1"], "knn_sums", keepdims=0)
        graph.node("ReduceSum", [weights, "axis_1"], "knn_totals", keepdims=1)
        return graph.node("Div", ["knn_sums", "knn_totals"], "knn_means")


def half_squares(reference: np.ndarray) -> np.ndarray:
    """Return half the squared length of each row as float32."""
    return (np.einsum("ij,ij->i", reference, reference, dtype=np.float64) / 2).astype(np.float32)


def nearest_rows(reference: np.ndarray, queries: np.ndarray, count: int,
                 progress: Optional[Progress] = None) -> "Iterator[Tuple[slice, np.ndarray, np.ndarray]]":
    """Yield runs of scaled queries `(n, F)` with their nearest reference rows and exact distances, nearest first.

    A product ranks all rows, and the first ones are measured exactly.
    """
    rows = len(reference)
    count = min(count, rows)
    search = NearestInSample(reference, min(count + SPARE, rows))
    for part, found in search.chunks(np.ascontiguousarray(queries.T)):
        if progress is not None:
            check(progress)
        yield (part, *exact(reference, queries[part], found, count))


def exact(reference: np.ndarray, queries: np.ndarray, found: np.ndarray, count: int) -> "Tuple[np.ndarray, np.ndarray]":
    """Return the nearest `count` of the rows found, nearest first and the earlier of equals, and their distances."""
    found = np.sort(found, axis=1)
    difference = reference[found] - queries[:, np.newaxis]
    distances = np.sqrt(np.einsum("nkf,nkf->nk", difference, difference))
    order = np.argsort(distances, axis=1, kind="stable")[:, :count]
    return np.take_along_axis(found, order, axis=1), np.take_along_axis(distances, order, axis=1)


def combined(values: np.ndarray, weights: np.ndarray, nearest: np.ndarray, distances: np.ndarray,
             by_distance: bool) -> np.ndarray:
    """Return the weighted means of the values of the nearest rows."""
    strengths = weights[nearest]
    if by_distance:
        strengths = strengths / np.maximum(distances, np.float32(LEAST_DISTANCE))
    return np.einsum("nkt,nk->nt", values[nearest], strengths) / strengths.sum(axis=1, keepdims=True)


def fit_knn(design: Design, progress: Progress) -> Neighbours:
    """Choose scaling, number and weighting of neighbours in the inner folds; a very large sample is thinned."""
    chance = np.random.default_rng((design.seed, _STREAM))
    losses: "Dict[Tuple[bool, int, bool], float]" = {}
    splits = [_thinned(pair, chance) for pair in design.splits(_MOST_SPLITS)]
    targets = design.targets
    for number, (rows, held) in enumerate(splits):
        for standard in (True, False):
            progress.report((2 * number + (not standard)) / (2 * len(splits) + 1))
            scaling = (standardising if standard else centring)(design.x[rows], design.weights[rows])
            _score(design, targets, scaling, rows, held, standard, losses, progress)
    standard, count, by_distance = min(losses, key=lambda key: (losses[key], key[1]))
    kept = np.arange(len(design.x))
    if len(kept) > _MOST_REFERENCE:
        kept = np.sort(chance.choice(len(kept), _MOST_REFERENCE, replace=False))
    scaling = (standardising if standard else centring)(design.x, design.weights)
    settings: "Dict[str, object]" = {
        "neighbours": count, "weights": "used", "by_distance": by_distance,
        "features": "standardised" if standard else "as given"}
    if len(kept) < len(design.x):
        settings["rows_kept"] = len(kept)
    progress.report(1.0)
    return Neighbours(scaling, scaling.apply(design.x[kept]), targets[kept].astype(np.float32),
                      design.weights[kept].astype(np.float32), count, by_distance, settings)


def _thinned(pair: "Tuple[np.ndarray, np.ndarray]", chance: np.random.Generator) -> "Tuple[np.ndarray, np.ndarray]":
    """Return rows to search in and held-out rows to ask for, not more than is worth the time."""
    found = []
    for rows, most in zip(pair, (_MOST_REFERENCE, _MOST_QUERIES)):
        found.append(rows if len(rows) <= most else np.sort(chance.choice(rows, most, replace=False)))
    return found[0], found[1]


def _score(design: Design, targets: np.ndarray, scaling: Scaling, rows: np.ndarray, held: np.ndarray, standard: bool,
           losses: "Dict[Tuple[bool, int, bool], float]", progress: Progress) -> None:
    """Add the held-out losses of every number of neighbours in one scaling."""
    reference, queries = scaling.apply(design.x[rows]), scaling.apply(design.x[held])
    counts = [count for count in COUNTS if count <= len(rows)]
    values, weights = targets[rows], design.weights[rows]
    predicted = {(count, by): np.empty((len(held), targets.shape[1])) for count in counts for by in (False, True)}
    for part, nearest, distances in nearest_rows(reference, queries, counts[-1], progress):
        for (count, by), found in predicted.items():
            found[part] = combined(values, weights, nearest[:, :count], distances[:, :count], by)
    for (count, by), found in predicted.items():
        key = (standard, count, by)
        losses[key] = losses.get(key, 0.0) + design.loss(found, held)


def _top(graph: OnnxGraph, values: str, count: int, least: str, places: str) -> None:
    """Add the search for the smallest of each row."""
    name = graph.weight(f"{least}_count", np.array([count], dtype=np.int64))
    graph.nodes.append(Node("TopK", (values, name), (least, places), {"axis": 1, "largest": 0, "sorted": 1}))

"""Fits clusters to a sample of vectors by any of the methods, choosing their number where asked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Optional, Sequence

import numpy as np

from ...errors import InputError
from ...progress import Part, Progress
from .choosing import NumberQuality, QuickFit, best_number, judge_numbers
from .density import fit_density
from .distinct import distinct_rows, require_distinct
from .hierarchy import Tree, grow_tree, judge_cuts
from .kmeans import EUCLIDEAN, SPHERICAL, Geometry, fit_kmeans, group_sums, nearest, quick_kmeans, unit
from .mixture import fit_mixture, quick_mixture
from .model import ClusterModel, model_with, ordered
from .neighbours import Neighbours
from .request import ClusterChoice
from .scaling import Scaling, centred, standardised, unscaled

SAMPLES = {"kmeans": 100_000, "spherical": 100_000, "gmm": 50_000, "hdbscan": 10_000, "agglomerative": 10_000}
_JUDGED = {"kmeans": 20_000, "spherical": 20_000, "gmm": 3_000}
_SHAKY, _BLURRED = 0.6, 0.1


@dataclass(frozen=True)
class ClusterFit:
    """A model, the classes of the vectors it was fitted to, and what speaks for its number of clusters."""

    model: ClusterModel
    classes: np.ndarray
    quality: Optional[NumberQuality]
    curve: "tuple[NumberQuality, ...]"
    warnings: "tuple[str, ...]"


@dataclass(frozen=True)
class _Groups:
    """What a method found among scaled points."""

    model: ClusterModel
    labels: np.ndarray


def sample_size(choice: ClusterChoice) -> int:
    """Return how many vectors a fit looks at."""
    return choice.sample or SAMPLES[choice.method]


def fit_clusters(vectors: np.ndarray, choice: ClusterChoice, progress: Progress,
                 neighbours: Optional[Neighbours] = None) -> ClusterFit:
    """Group vectors `(rows, dims)`; classes are numbered by size, the largest first."""
    _check_choice(choice)
    vectors = np.ascontiguousarray(vectors, dtype=np.float32)
    kept = _with_direction(vectors, choice)
    scaling = _scaling(vectors[kept], choice)
    points = scaling.rows(vectors[kept])
    if choice.method == "hdbscan":
        groups = _dense(points, scaling, choice, progress)
        curve: "tuple[NumberQuality, ...]" = ()
        quality = None
    elif choice.method == "agglomerative":
        groups, curve = _merged(points, scaling, choice, progress, neighbours)
        quality = _of_number(curve, groups.model.clusters)
    else:
        groups, curve, quality = _partitioned(points, scaling, choice, progress)
    model, labels = _by_size(groups)
    model = replace(model, notes={"standardised": choice.standardise, "seed": choice.seed, "sample": len(points)})
    classes = np.zeros(len(vectors), dtype=np.int64)
    classes[kept] = np.where(labels < 0, model.numbers, labels + 1)
    warnings = _warnings(model, classes, quality)
    for text in warnings:
        progress.warn(text)
    return ClusterFit(model, classes, quality, curve if choice.clusters == 0 else (), warnings)


def _check_choice(choice: ClusterChoice) -> None:
    """Refuse numbers that contradict each other."""
    if choice.method != "hdbscan" and choice.clusters == 1:
        raise InputError("clusters-one", "CLUSTERS is 1, which groups nothing: ask for at least 2, or 0 to have the "
                         "number chosen.")
    if choice.clusters == 0 and not 2 <= choice.low <= choice.high:
        raise InputError("clusters-range", "CLUSTERS_MIN is {low} and CLUSTERS_MAX {high}: give a range of at least 2 "
                         "whose end isn't below its start.", low=choice.low, high=choice.high)


def _with_direction(vectors: np.ndarray, choice: ClusterChoice) -> np.ndarray:
    """Return the places of vectors that can be grouped: spherical clustering knows no zero vector."""
    if choice.method != "spherical" or choice.standardise:
        return np.arange(len(vectors))
    kept = np.flatnonzero(vectors.any(axis=1))
    if not len(kept):
        raise InputError("clusters-zero", "All vectors are zero, so they have no direction to group by: check the "
                         "input, or use another METHOD.")
    return kept


def _scaling(vectors: np.ndarray, choice: ClusterChoice) -> Scaling:
    """Return how vectors are scaled; directions are taken from where the vectors' own zero is."""
    if choice.standardise:
        return standardised(vectors)
    return unscaled(vectors.shape[1]) if choice.method == "spherical" else centred(vectors)


def _partitioned(points: np.ndarray, scaling: Scaling, choice: ClusterChoice,
                 progress: Progress) -> "tuple[_Groups, tuple[NumberQuality, ...], NumberQuality]":
    """Fit a method that takes a number of clusters and starts by chance."""
    some = _thinned(points, _JUDGED[choice.method], choice.seed)
    judged = unit(some) if choice.method == "spherical" else some
    quick: QuickFit = _quick_mixture if choice.method == "gmm" else _quick_kmeans(_geometry(choice))
    first = Part(progress, 0.0, 0.6)
    if choice.clusters == 0:
        numbers = _numbers(points, choice)
        first.report(0.0, f"Looking for the number of clusters between {numbers[0]} and {numbers[-1]}")
        curve = judge_numbers(judged, numbers, quick, choice.seed, first)
        clusters = best_number(curve)
        progress.info(f"{clusters} clusters suit best among {numbers[0]} to {numbers[-1]}.")
    else:
        clusters = choice.clusters
        require_distinct(points, clusters)
        first.report(0.0, "Looking how much chance decides")
        curve = judge_numbers(judged, [clusters], quick, choice.seed, first)
    progress.report(0.6, f"Fitting {clusters} clusters to {len(points):,} vectors")
    last = Part(progress, 0.6, 1.0)
    if choice.method == "gmm":
        fit = fit_mixture(points, clusters, choice.seed, last)
        model = model_with("gmm", scaling, fit.means, points, {}, fit.rule)
        return _Groups(model, fit.labels), curve, _of_number(curve, clusters)
    found = fit_kmeans(points, clusters, _geometry(choice), choice.seed, last)
    return _Groups(model_with(choice.method, scaling, found.centres, points, {}), found.labels), curve, _of_number(
        curve, clusters)


def _dense(points: np.ndarray, scaling: Scaling, choice: ClusterChoice, progress: Progress) -> _Groups:
    """Fit HDBSCAN, which finds the number by itself."""
    require_distinct(points, 2)
    progress.report(0.0, f"Looking for dense groups among {len(points):,} vectors")
    fit = fit_density(points, choice.least, choice.seed, progress)
    return _Groups(model_with("hdbscan", scaling, _means(points, fit.labels), points, {}, fit.rule), fit.labels)


def _merged(points: np.ndarray, scaling: Scaling, choice: ClusterChoice, progress: Progress,
            neighbours: Optional[Neighbours]) -> "tuple[_Groups, tuple[NumberQuality, ...]]":
    """Merge step by step, and cut the tree."""
    if choice.clusters:
        require_distinct(points, choice.clusters)
    numbers = [choice.clusters] if choice.clusters else _numbers(points, choice)
    progress.report(0.0, f"Merging {len(points):,} rows step by step")
    tree: Tree = grow_tree(points, neighbours, progress)
    curve = judge_cuts(points, tree, numbers, choice.seed)
    clusters = best_number(curve)
    labels = tree.cut(clusters)
    return _Groups(model_with("agglomerative", scaling, _means(points, labels), points, {}), labels), curve


def _numbers(points: np.ndarray, choice: ClusterChoice) -> "list[int]":
    """Return the numbers to try, at most as many as there are different vectors."""
    found = distinct_rows(points, choice.high)
    if found < choice.low:
        require_distinct(points, choice.low)
    return list(range(choice.low, min(choice.high, found) + 1))


def _by_size(groups: _Groups) -> "tuple[ClusterModel, np.ndarray]":
    """Number clusters by their size in the sample, so that the same data gives the same names."""
    sizes = np.bincount(groups.labels[groups.labels >= 0], minlength=groups.model.clusters)
    order = np.argsort(-sizes, kind="stable")
    places = np.empty(len(order), dtype=np.int64)
    places[order] = np.arange(len(order))
    labels = np.where(groups.labels < 0, -1, places[np.maximum(groups.labels, 0)])
    return ordered(groups.model, order), labels


def _means(points: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the mean of each group; label −1 doesn't count."""
    kept = labels >= 0
    sums, counts = group_sums(points[kept], labels[kept], int(labels.max()) + 1)
    return sums / np.maximum(counts, 1)[:, np.newaxis]


def _geometry(choice: ClusterChoice) -> Geometry:
    """Return the kind of k-means."""
    return SPHERICAL if choice.method == "spherical" else EUCLIDEAN


def _quick_kmeans(geometry: Geometry) -> QuickFit:
    """Return a fit of k-means from one start."""
    def fit(points: np.ndarray, clusters: int, seed: int, progress: Progress) -> "object":
        """Fit, and label others by the nearest centre."""
        centres = quick_kmeans(points, clusters, geometry, seed, progress).centres
        return lambda others: nearest(others, centres)[0]

    return fit


def _quick_mixture(points: np.ndarray, clusters: int, seed: int, progress: Progress) -> "object":
    """Fit a mixture, and label others by the likeliest component."""
    rule = quick_mixture(points, clusters, seed, progress).rule
    return lambda others: rule.labels(np.ascontiguousarray(others.T), np.empty((clusters, len(others)), np.float32))


def _thinned(points: np.ndarray, most: int, seed: int) -> np.ndarray:
    """Return at most so many of the points."""
    if len(points) <= most:
        return points
    return points[np.sort(np.random.default_rng(seed).choice(len(points), most, replace=False))]


def _of_number(curve: "Sequence[NumberQuality]", clusters: int) -> NumberQuality:
    """Return what was found for a number."""
    return next(quality for quality in curve if quality.clusters == clusters)


def _warnings(model: ClusterModel, classes: np.ndarray, quality: Optional[NumberQuality]) -> "tuple[str, ...]":
    """Return what the user should know before trusting the groups."""
    found = []
    if quality is not None and quality.stability < _SHAKY:
        found.append(f"The groups depend on chance: runs with other seeds agree only by {quality.stability:.2f} "
                     "(adjusted Rand index; 1 = the same groups, 0 = as by chance). Try another number of clusters.")
    if quality is not None and quality.silhouette < _BLURRED:
        found.append(f"The groups flow into each other (mean silhouette {quality.silhouette:.2f}; above 0.25 there are "
                     "gaps between them): they cut a gradual change into parts, and their borders mean little.")
    if model.numbers > model.clusters:
        share = float((classes == model.numbers).sum() / max((classes > 0).sum(), 1))
        if share > 0.5:
            found.append(f"{share:.0%} of the sample belong to no cluster: lower LEAST, or use another METHOD.")
    return tuple(found)

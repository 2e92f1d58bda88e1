"""Gaussian mixtures, fitted by scikit-learn from where k-means ends, and evaluated in plain NumPy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...errors import InputError
from ...packages import require
from ...pipeline import attend
from ...progress import Part, Progress
from .kmeans import EUCLIDEAN, KMeansFit, fit_kmeans, quick_kmeans
from .rules import LikeliestComponent

_ROWS_PER_FREEDOM = 8
_MOST_FULL = 256
_LEAST_VARIANCE = 1e-4


@dataclass(frozen=True)
class MixtureFit:
    """Means of the components `(k, dims)`, the label of each point, and the rule for further ones."""

    means: np.ndarray
    labels: np.ndarray
    rule: LikeliestComponent


def fit_mixture(points: np.ndarray, clusters: int, seed: int, progress: Progress) -> MixtureFit:
    """Fit a mixture to points `(rows, dims)`."""
    return _fit(points, fit_kmeans(points, clusters, EUCLIDEAN, seed, Part(progress, 0.0, 0.3)), seed, 200, progress)


def quick_mixture(points: np.ndarray, clusters: int, seed: int, progress: Progress) -> MixtureFit:
    """Fit a mixture in fewer steps, to see how much the start decides."""
    return _fit(points, quick_kmeans(points, clusters, EUCLIDEAN, seed, progress), seed, 20, progress)


def _fit(points: np.ndarray, start: KMeansFit, seed: int, steps: int, progress: Progress) -> MixtureFit:
    """Improve groups of k-means by expectation and maximisation."""
    mixture = require("sklearn.mixture")
    values = points.astype(np.float64)
    clusters, dimensions = start.centres.shape
    full = dimensions <= _MOST_FULL and len(points) >= _ROWS_PER_FREEDOM * clusters * dimensions
    floor = max(_LEAST_VARIANCE * float(values.var(axis=0).mean()), 1e-12)
    kind = "full" if full else "diag"
    precisions = np.stack([_precision(values[start.labels == label], floor, full) for label in range(clusters)])
    sizes = np.maximum(np.bincount(start.labels, minlength=clusters), 1)
    # With all three given, nothing is left to the library's own start, which would run k-means again.
    estimator = mixture.GaussianMixture(
        clusters, covariance_type=kind, max_iter=steps, reg_covar=floor, random_state=seed, init_params="random",
        weights_init=sizes / sizes.sum(), means_init=start.centres.astype(np.float64), precisions_init=precisions)
    try:
        fitted = attend(lambda: estimator.fit(values), progress)
    except ValueError as error:
        raise InputError("clusters-mixture", "No mixture of {clusters} Gaussians fits these vectors ({reason}): ask "
                         "for fewer clusters, or use METHOD kmeans.", clusters=clusters,
                         reason=str(error).split(".")[0]) from error
    return MixtureFit(fitted.means_.astype(np.float32), fitted.predict(values), _rule(fitted, full))


def _precision(members: np.ndarray, floor: float, full: bool) -> np.ndarray:
    """Return the inverse of a group's covariance."""
    dimensions = members.shape[1]
    if not full:
        return 1 / ((members.var(axis=0) if len(members) else np.zeros(dimensions)) + floor)
    centred = members - members.mean(axis=0) if len(members) else np.zeros((1, dimensions))
    return np.linalg.inv(centred.T @ centred / max(len(centred), 1) + floor * np.eye(dimensions))


def _rule(fitted: "object", full: bool) -> LikeliestComponent:
    """Return the rule of a fitted mixture; constants that all components share are left out."""
    root = fitted.precisions_cholesky_
    whiten = root.transpose(0, 2, 1) if full else root
    moved = np.einsum("kij,kj->ki", whiten, fitted.means_) if full else whiten * fitted.means_
    determinant = (np.log(np.diagonal(root, axis1=1, axis2=2)) if full else np.log(root)).sum(axis=1)
    offset = determinant + np.log(fitted.weights_)
    return LikeliestComponent(np.ascontiguousarray(whiten, dtype=np.float32), moved.astype(np.float32),
                              offset.astype(np.float32))

"""A fitted clustering: assigns vectors to its clusters, now and in other scenes and years."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Dict, Mapping, Optional

import numpy as np

from ...errors import ModelError
from ...table.parts import Identity
from ..models import FittedModel, load_model, model_of
from .colours import GREY, class_colours
from .request import METHODS, ClusterClass
from .rules import (
    DenseGroup,
    LikeliestComponent,
    NearestCentre,
    NearestDirection,
    Rule,
    dense_group,
    half_squares,
)
from .scaling import Scaling

KIND = "clusters"
UNASSIGNED = "Unassigned"


@dataclass(frozen=True)
class ClusterModel:
    """Centres `(k, dims)` among scaled vectors, the rule of the method, and how far vectors spread as a whole.

    `spread` is the mean square of distances to the mean of all (for spherical: the mean of 1 − cosine).
    """

    method: str
    scaling: Scaling
    centres: np.ndarray
    rule: Rule
    spread: float
    notes: "Mapping[str, Any]" = field(default_factory=dict)

    @property
    def clusters(self) -> int:
        """Return how many clusters there are, without the class of what belongs nowhere."""
        return len(self.centres)

    @property
    def angular(self) -> bool:
        """Tell whether distances are 1 − cosine."""
        return self.method == "spherical"

    @property
    def numbers(self) -> int:
        """Return the largest class number: HDBSCAN has one more, for what belongs to no cluster."""
        return self.clusters + (1 if isinstance(self.rule, DenseGroup) else 0)

    @property
    def classes(self) -> "tuple[ClusterClass, ...]":
        """Return all classes with their names and colours."""
        colours = class_colours(self.clusters)
        found = [ClusterClass(index + 1, f"Cluster {index + 1}", colour) for index, colour in enumerate(colours)]
        if self.numbers > self.clusters:
            found.append(ClusterClass(self.numbers, UNASSIGNED, GREY))
        return tuple(found)

    def assign(self, vectors: np.ndarray) -> "tuple[np.ndarray, np.ndarray]":
        """Return the class of each vector `(dims, n)`, 0 where it has no value, and its distance to the centre.

        Distances are squared, or 1 − cosine; NaN where there is no class or no cluster.
        """
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
            scaled = self.scaling.columns(vectors)
            square = np.einsum("ij,ij->j", scaled, scaled)
            valid = np.isfinite(square)
            if self.angular:
                valid &= square > 0
            products = self.centres @ scaled
            labels = self.rule.labels(scaled, products)
            distance = self._distances(labels, products, square)
        classes = np.where(labels < 0, self.numbers, labels + 1)
        classes[~valid] = 0
        distance[~valid | (labels < 0)] = np.nan
        return classes, distance

    def assign_rows(self, vectors: np.ndarray) -> "tuple[np.ndarray, np.ndarray]":
        """Do the same for vectors `(rows, dims)`."""
        return self.assign(np.ascontiguousarray(vectors.T, dtype=np.float32))

    def distances_of(self, vectors: np.ndarray, classes: np.ndarray) -> np.ndarray:
        """Return the distances of vectors `(rows, dims)` to the centres of classes that are known already."""
        scaled = np.ascontiguousarray(self.scaling.rows(vectors).T)
        found = self._distances(np.maximum(classes, 1) - 1, self.centres @ scaled,
                                np.einsum("ij,ij->j", scaled, scaled))
        found[classes > self.clusters] = np.nan
        return found

    def between(self) -> np.ndarray:
        """Return the distances between centres `(k, k)`: Euclidean, or 1 − cosine."""
        centres = self.centres.astype(np.float64)
        products = centres @ centres.T
        square = np.diag(products)
        if self.angular:
            return 1 - products / np.sqrt(np.outer(square, square))
        return np.sqrt(np.maximum(square[:, None] + square[None, :] - 2 * products, 0))

    def fitted(self, identity: Identity) -> FittedModel:
        """Return what is saved."""
        arrays: "Dict[str, np.ndarray]" = {"centres": self.centres, "shift": self.scaling.shift,
                                           "scale": self.scaling.scale}
        if isinstance(self.rule, LikeliestComponent):
            arrays.update(whiten=self.rule.whiten, moved=self.rule.moved, offset=self.rule.offset)
        if isinstance(self.rule, DenseGroup):
            arrays.update(exemplars=self.rule.exemplars, owner=self.rule.owner, reach=self.rule.reach)
        return model_of(KIND, identity, arrays, {**self.notes, "method": self.method, "clusters": self.clusters,
                                                 "spread": self.spread})

    def _distances(self, labels: np.ndarray, products: np.ndarray, square: np.ndarray) -> np.ndarray:
        """Return each vector's distance to the centre of its label."""
        centres = np.maximum(labels, 0)
        own = products[centres, np.arange(len(centres))]
        if self.angular:
            return 1 - own / np.sqrt(np.where(square > 0, square, 1))
        return np.maximum(square - 2 * own + 2 * half_squares(self.centres)[centres], 0)


def model_with(method: str, scaling: Scaling, centres: np.ndarray, points: np.ndarray, notes: "Mapping[str, Any]",
               rule: Optional[Rule] = None) -> ClusterModel:
    """Return the model of centres among scaled points `(rows, dims)`, with the rule of the method."""
    centres = np.ascontiguousarray(centres, dtype=np.float32)
    if rule is None:
        rule = NearestDirection() if method == "spherical" else NearestCentre(half_squares(centres))
    return ClusterModel(method, scaling, centres, rule, _spread(method, points), dict(notes))


def ordered(model: ClusterModel, order: np.ndarray) -> ClusterModel:
    """Return the model with its clusters in another order."""
    rule = model.rule
    if isinstance(rule, NearestCentre):
        rule = NearestCentre(rule.half[order])
    elif isinstance(rule, LikeliestComponent):
        rule = LikeliestComponent(rule.whiten[order], rule.moved[order], rule.offset[order])
    elif isinstance(rule, DenseGroup):
        places = np.empty(len(order), dtype=np.int64)
        places[order] = np.arange(len(order))
        rule = replace(rule, owner=places[rule.owner])
    return replace(model, centres=np.ascontiguousarray(model.centres[order]), rule=rule)


def load_clusters(path: str) -> "tuple[ClusterModel, FittedModel]":
    """Read a saved model and check that it can assign."""
    saved = load_model(path, (KIND,))
    method, spread = saved.parameters.get("method"), saved.parameters.get("spread")
    if method not in METHODS or not isinstance(spread, (int, float)) or spread < 0:
        raise ModelError("clusters-model", "The model {path} names no method of clustering that this version knows: "
                         "update Earthprint, or fit the model again.", path=path)
    centres = saved.array("centres", None, None)
    clusters, dimensions = centres.shape
    scaling = Scaling(saved.array("shift", dimensions), saved.array("scale", dimensions))
    if not 0 < clusters < 65_000 or not dimensions or not (scaling.scale > 0).all():
        raise ModelError("clusters-model-empty", "The model {path} holds no clusters: fit it again.", path=path)
    notes = {key: value for key, value in saved.parameters.items() if key not in ("method", "clusters", "spread")}
    rule = _saved_rule(saved, str(method), clusters, dimensions)
    if rule is None:
        rule = NearestDirection() if method == "spherical" else NearestCentre(half_squares(centres))
    return ClusterModel(str(method), scaling, centres, rule, float(spread), notes), saved


def _saved_rule(saved: FittedModel, method: str, clusters: int, dimensions: int) -> Optional[Rule]:
    """Return the rule of methods that need more than centres."""
    if method == "gmm":
        whiten = saved.arrays.get("whiten")
        square = whiten is not None and whiten.ndim == 3
        return LikeliestComponent(
            saved.array("whiten", clusters, dimensions, *([dimensions] if square else [])),
            saved.array("moved", clusters, dimensions), saved.array("offset", clusters))
    if method == "hdbscan":
        exemplars = saved.array("exemplars", None, dimensions)
        owner, reach = saved.array("owner", len(exemplars)), saved.array("reach", len(exemplars))
        if not len(exemplars) or not ((owner >= 0) & (owner < clusters)).all():
            raise ModelError("clusters-model-owner", "The model {path} has exemplars of clusters that don't exist: "
                             "fit it again.", path=saved.path)
        return dense_group(exemplars, owner, reach)
    return None


def _spread(method: str, points: np.ndarray) -> float:
    """Return how far points lie from their common centre."""
    if method != "spherical":
        return float(points.var(axis=0, dtype=np.float64).sum())
    length = np.linalg.norm(points, axis=1)
    directions = points[length > 0] / length[length > 0, np.newaxis]
    mean = directions.mean(axis=0, dtype=np.float64)
    return float(1 - np.linalg.norm(mean))

"""The labelled rows that are most alike to a place in embedding: what its prediction resembles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional, Tuple

import numpy as np

from ..geodesy import Ground
from ..predictors.predictor import Predictor
from ..progress import Progress, check
from ..space import parse_key
from .asked_places import AskedPlaces
from .importance import predictions
from .rows import LabelledRows

_NO_LENGTH = 1e-12


@dataclass(frozen=True)
class PlaceExamples:
    """A place, counted from 1, and its nearest rows, the nearest first.

    `distances` are those in embedding, `metres` those on the ground (NaN where unknown); `predicted` is what the
    predictor says of the place and `row_predictions` of the rows, as values or probabilities, None where a further
    column of the place is not known. `own` is the id of the labelled row that the place is itself.
    """

    place: int
    point: "Tuple[float, float]"
    rows: np.ndarray
    distances: np.ndarray
    metres: np.ndarray
    predicted: Optional[np.ndarray]
    row_predictions: np.ndarray
    own: Optional[object] = None


def nearest_examples(predictor: Predictor, places: AskedPlaces, rows: LabelledRows, neighbours: int,
                     progress: Progress) -> "Tuple[PlaceExamples, ...]":
    """Return the nearest rows of each place that has a vector, one a labelled feature and never the place itself."""
    unit = parse_key(predictor.card.space_key).metric == "cosine"
    vectors = _directed(rows.vectors.T) if unit else rows.vectors.T.astype(np.float64)
    ground = Ground(rows.wkt)
    there = ground.places(rows.points)
    found: "List[PlaceExamples]" = []
    features = places.features()
    for number, vector in enumerate(places.vectors):
        check(progress)
        if not np.isfinite(vector).all():
            continue
        asked = _directed(vector[np.newaxis])[0] if unit else vector.astype(np.float64)
        apart = vectors - asked
        square = np.einsum("ij,ij->i", apart, apart)
        itself = rows.units == places.own[number]
        square[itself] = np.inf
        nearest = _one_a_unit(np.argsort(square, kind="stable"), square, rows.units, neighbours)
        # Half the squared distance of unit vectors is one less their cosine.
        distances = square[nearest] / 2 if unit else np.sqrt(square[nearest])
        point = places.points[number]
        metres = ground.distance(ground.places(point[np.newaxis])[0], there[nearest])
        known = np.isfinite(features[:, number]).all()
        found.append(PlaceExamples(
            number + 1, (float(point[0]), float(point[1])), nearest, distances, metres,
            predictions(predictor, features[:, number:number + 1], progress)[0] if known else None,
            predictions(predictor, np.ascontiguousarray(rows.features[:, nearest]), progress),
            rows.ids[int(np.flatnonzero(itself)[0])] if places.own[number] >= 0 and itself.any() else None))
    return tuple(found)


def _directed(vectors: np.ndarray) -> np.ndarray:
    """Return vectors `(n, D)` of length one; those of length zero stay."""
    vectors = vectors.astype(np.float64)
    length = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))[:, np.newaxis]
    return vectors / np.where(length > _NO_LENGTH, length, 1.0)


def _one_a_unit(order: np.ndarray, square: np.ndarray, units: np.ndarray, count: int) -> np.ndarray:
    """Return the first rows in order, of each feature only its nearest."""
    seen: "set[int]" = set()
    kept: "List[int]" = []
    for row in order.tolist():
        if len(kept) == count or not np.isfinite(square[row]):
            break
        if int(units[row]) not in seen:
            seen.add(int(units[row]))
            kept.append(row)
    return np.array(kept, dtype=np.int64)

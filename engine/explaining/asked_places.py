"""The vectors at places that somebody typed, from the same source as those of the labelled rows."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Dict, List, Optional, Tuple

import numpy as np
from osgeo import ogr

from ..analyses.similarity.coordinates import typed_points
from ..centres import centres_of
from ..errors import InputError
from ..geodesy import Ground
from ..predictors.card import PredictorCard
from ..predictors.predictor import Predictor
from ..progress import Progress
from ..table import Rows
from ..training.gathering.field_source import from_field
from ..training.gathering.joins import by_place
from ..training.gathering.labels import Labels
from ..training.gathering.vectors import blobs_at, vector_column
from .request import ExplainRequest
from .rows import embeddings_name


@dataclass(frozen=True)
class AskedPlaces:
    """Places as typed: their points `(p, 2)` in the CRS of the labels, and vectors `(p, D)`, NaN where there is none.

    `own` is the number of the labelled layer's feature that a place lies in, −1 where vectors come from elsewhere;
    `columns` are the predictor's encoded further columns `(p, C)`, NaN where nobody knows them.
    """

    points: np.ndarray
    vectors: np.ndarray
    own: np.ndarray
    columns: np.ndarray

    def features(self) -> np.ndarray:
        """Return features `(D + C, p)`."""
        return np.ascontiguousarray(np.concatenate([self.vectors, self.columns], axis=1).T)


def asked_places(request: ExplainRequest, predictor: Predictor, progress: Progress) -> AskedPlaces:
    """Look up what lies at COORDINATES; a place without a vector is told, all without one are refused."""
    card, rows = predictor.card, request.rows
    shapes = list(typed_points(request.coordinates, rows.wkt))
    count = len(shapes)
    labels = Labels(np.arange(count), list(range(1, count + 1)), shapes, None, {}, np.ones(count))
    vectors = np.full((count, card.dimensions), np.nan, dtype=np.float32)
    own = np.full(count, -1, dtype=np.int64)
    source = request.embeddings
    if isinstance(source, (str, os.PathLike)):
        found = from_field(os.fspath(source), labels, request.gathering(("place",), (), card.task), progress)
        vectors[found.labels] = found.vectors
    else:
        numbers, there, vectors = _of_table(source or rows, labels, request, card, progress)
        if source is None:
            own[there] = numbers[there]
    _tell_missing(vectors, request, progress)
    columns = np.full((count, card.columns.width), np.nan, dtype=np.float32)
    if card.columns.width and (own >= 0).any():
        columns[own >= 0] = _columns_of(rows, own[own >= 0], card)
    return AskedPlaces(centres_of(shapes), vectors, own, columns)


def _of_table(table: Rows, labels: Labels, request: ExplainRequest, card: PredictorCard,
              progress: Progress) -> "Tuple[np.ndarray, np.ndarray, np.ndarray]":
    """Return the row of the table at each place, which places have one, and their vectors."""
    if table.geometry_type == ogr.wkbNone:
        raise InputError("explain-placeless", "{name} has no geometries, so nothing lies at COORDINATES: give a layer "
                         "with geometries, or leave COORDINATES out.", name=table.name)
    column = vector_column(table, request.registry, progress)
    matches = by_place(labels, request.rows, table, request.seed, progress)
    numbers = np.full(len(labels), -1, dtype=np.int64)
    # A point meets one row; where rows lie upon each other, the first.
    numbers[matches.labels[::-1]] = matches.rows[::-1]
    _take_nearest(numbers, labels, table, request, progress)
    wanted = np.unique(numbers[numbers >= 0])
    blobs = blobs_at(table, column.column, wanted, progress)
    decoded, there = column.decoded(blobs, [f"number {number + 1}" for number in wanted.tolist()])
    of_row = np.full((len(wanted), card.dimensions), np.nan, dtype=np.float32)
    of_row[there] = decoded
    vectors = np.full((len(labels), card.dimensions), np.nan, dtype=np.float32)
    met = numbers >= 0
    vectors[met] = of_row[np.searchsorted(wanted, numbers[met])]
    return numbers, met, vectors


def _take_nearest(numbers: np.ndarray, labels: Labels, table: Rows, request: ExplainRequest,
                  progress: Progress) -> None:
    """Give places that lie between the rows of a table the nearest one, and say how far that is."""
    ground, other = Ground(request.rows.wkt), Ground(table.wkt)
    waiting = np.flatnonzero(numbers < 0)
    if not len(waiting) or ground.planar != other.planar:
        return
    places = ground.places(centres_of(labels.wkb))
    centres = other.places(np.concatenate([centres_of(chunk.wkb) for chunk in table.rows()]))
    for number in waiting.tolist():
        apart = ground.distance(places[number], centres)
        if np.isfinite(apart).any():
            numbers[number] = int(np.nanargmin(apart))
            progress.info(f"Place {number + 1} of COORDINATES lies in no row of {table.name}: it takes the vector of "
                          f"the nearest, {apart[numbers[number]]:,.0f} m away.")


def _columns_of(rows: Rows, numbers: np.ndarray, card: PredictorCard) -> np.ndarray:
    """Return the encoded further columns of some features of a layer."""
    spelled = card.columns.spelled(rows.columns, rows.name)
    wanted: "Dict[int, Optional[List[object]]]" = dict.fromkeys(numbers.tolist())
    start = 0
    for chunk in rows.rows():
        for number in wanted:
            if start <= number < start + len(chunk.wkb):
                wanted[number] = [chunk.columns[own][number - start] for own in spelled.values()]
        start += len(chunk.wkb)
    cells = [wanted[number] or [None] * len(spelled) for number in numbers.tolist()]
    return card.columns.encode({name: [row[index] for row in cells] for index, name in enumerate(spelled)})


def _tell_missing(vectors: np.ndarray, request: ExplainRequest, progress: Progress) -> None:
    """Say which places have no vector."""
    missing = np.flatnonzero(~np.isfinite(vectors).all(axis=1)) + 1
    where = embeddings_name(request)
    if len(missing) == len(vectors):
        raise InputError("explain-places", "No place of COORDINATES has a vector in {where}: write x,y in the "
                         "coordinates of the labels, or add the CRS, as in 12.4,51.3 [EPSG:4326].", where=where)
    for number in missing.tolist():
        progress.warn(f"Place {number} of COORDINATES has no vector in {where} and is left out.")

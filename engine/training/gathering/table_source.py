"""Vectors from a table: of the labelled rows themselves, or of another layer joined to them."""

from __future__ import annotations

from typing import Optional, Tuple

import numpy as np

from ...centres import centres_of
from ...progress import Part, Progress, check
from ...space import Space
from ...table import ColumnSpec, Rows
from .chance import draws, lowest
from .found import HERE, MASKED, NO_PLACE, NO_VECTOR, OUTSIDE, Found
from .inside import inside_any
from .joins import by_key, by_place
from .labels import Labels
from .mask import mask_outlines
from .request import MEAN, GatherRequest
from .vectors import VectorColumn, blobs_at, vector_column


def from_layer(labels: Labels, request: GatherRequest, progress: Progress) -> Found:
    """Return the vectors that the labelled rows carry."""
    column = vector_column(request.rows, request.registry, progress)
    vectors, there = column.decoded(labels.blobs or (), labels.ids)
    places = centres_of(labels.wkb)
    fates = np.where(there, HERE, NO_VECTOR).astype(np.int8)
    kept = _unmasked(places, request)[there]
    fates[np.flatnonzero(there)[~kept]] = MASKED
    used = np.flatnonzero(there)[kept]
    return Found(used, vectors[kept], places[used], fates, column.identity)


def from_table(table: Rows, keys: "Optional[Tuple[ColumnSpec, ColumnSpec]]", labels: Labels, request: GatherRequest,
               progress: Progress) -> Found:
    """Return the vectors of a table's rows that belong to the labels; only these are held in memory."""
    column = vector_column(table, request.registry, progress)
    matches = (by_place(labels, request.rows, table, request.seed, Part(progress, 0.0, 0.4)) if keys is None
               else by_key(labels, *keys, request.rows, table))
    for text in matches.told:
        progress.info(text + ".")
    fates = np.full(len(labels), OUTSIDE, dtype=np.int8)
    fates[matches.without_place] = NO_PLACE
    fates[matches.labels] = NO_VECTOR
    places = centres_of(labels.wkb)
    points = np.where(np.isfinite(matches.points), matches.points, places[matches.labels])
    unmasked = _unmasked(points, request)
    masked = np.setdiff1d(matches.labels, matches.labels[unmasked])
    fates[masked] = MASKED
    chosen = np.flatnonzero(unmasked)
    wanted, back = np.unique(matches.rows[chosen], return_inverse=True)
    blobs = blobs_at(table, column.column, wanted, Part(progress, 0.4, 1.0))
    check(progress)
    decoded, there = column.decoded(blobs, [f"number {number + 1}" for number in wanted.tolist()])
    place = np.cumsum(there) - 1
    valid = there[back]
    chosen, found = chosen[valid], decoded[place[back[valid]]]
    owners = matches.labels[chosen]
    fates[owners] = HERE
    if request.cells == MEAN:
        return _mean(owners, found, places, fates, column)
    if request.each:
        kept = np.sort(lowest(owners, draws(request.seed, owners, matches.rows[chosen]), request.each))
        owners, found, chosen = owners[kept], found[kept], chosen[kept]
    return Found(owners, found, points[chosen], fates, column.identity)


def _mean(owners: np.ndarray, found: np.ndarray, places: np.ndarray, fates: np.ndarray,
          column: VectorColumn) -> Found:
    """Return one vector a label: the mean of its rows, of length one where the space asks for it."""
    distinct, first, counts = np.unique(owners, return_index=True, return_counts=True)
    if not len(distinct):
        return Found(owners, found, places[owners], fates, column.identity)
    means = np.add.reduceat(found.astype(np.float64), first, axis=0) / counts[:, None]
    identity = column.identity
    if (identity.unit_norm if isinstance(identity, Space) else column.key.unit_norm) and (counts > 1).any():
        lengths = np.sqrt((means * means).sum(axis=1, keepdims=True))
        means = np.where((counts[:, None] > 1) & (lengths > 1e-12), means / np.maximum(lengths, 1e-12), means)
    return Found(distinct, means.astype(np.float32), places[distinct], fates, identity)


def _unmasked(points: np.ndarray, request: GatherRequest) -> np.ndarray:
    """Tell which points lie in the mask; all where there is none."""
    mask = mask_outlines(request.mask)
    return np.ones(len(points), dtype=bool) if mask is None else inside_any(points, mask)

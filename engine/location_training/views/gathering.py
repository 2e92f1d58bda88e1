"""Gathers photos that have a vector and a place, and of the field what lies about these places."""

from __future__ import annotations

from typing import Any, List, Tuple

import numpy as np

from ...centres import centres_of
from ...errors import InputError
from ...field import Field, how_to_state, open_field
from ...locations.places import Places
from ...progress import Part, Progress, check
from ...provenance import Provenance, merged
from ...table import Rows
from ...training.gathering.vectors import vector_column
from ..gathered import Gathered
from ..request import TrainLocationRequest
from .finding import places_apart
from .lesson import Views
from .lookup import LookUpPlan, plan_look_up
from .objective import ViewsObjective

_LEAST = 20
_ABOUT = 16


def gather_views(request: TrainLocationRequest, progress: Progress) -> ViewsObjective:
    """Return the objective of three views, or say in words what is missing for it."""
    rows, path = _inputs(request)
    opened = open_field(path)
    if not opened.space.declared:
        progress.warn(f"{path} doesn't say what its embeddings are. {how_to_state(opened)}")
    photos, places, points, key, provenance = _photos(rows, request, Part(progress, 0.0, 0.3))
    photos, places, points = _affordable(photos, places, points, opened, request, progress)
    plan = plan_look_up(opened, places, request.memory_mib, Part(progress, 0.3, 1.0))
    seen = np.flatnonzero(plan.found)
    if len(seen) < len(places):
        progress.warn(f"{len(places) - len(seen)} of {len(places)} photos of {rows.name} lie where {path} has no value "
                      "and are left out.")
    if len(seen) < _LEAST:
        raise InputError("views-few", "Only {count} photos of {name} have a place with values in {field}, and three "
                         "views need at least {least}: check that they overlap.", count=len(seen), name=rows.name,
                         field=path, least=_LEAST)
    gathered = Gathered(rows.name, points[seen], rows.wkt, places[seen])
    views = Views(photos[seen], _only(plan, seen), places_apart(places[seen]))
    return ViewsObjective(gathered, views, merged(provenance, opened.space.provenance), key, opened.key, path)


def _inputs(request: TrainLocationRequest) -> "Tuple[Rows, str]":
    """Return the photos and the field, or ask for them."""
    if request.rows is None:
        raise InputError("views-photos", "Three views need photos: give INPUT, a table of photos from “Embed geotagged "
                         "photos”.")
    if not isinstance(request.embeddings, str):
        raise InputError("views-field", "Three views need an embedding raster as EMBEDDINGS, which is looked up where "
                         "the photos of {name} were taken: {what}.", name=request.rows.name,
                         what="none is given" if request.embeddings is None else "a table was given")
    if request.targets:
        raise InputError("views-target", "Three views learn from photos and a field and take no TARGET: leave it "
                         "empty, or choose OBJECTIVE target.")
    return request.rows, request.embeddings


def _photos(rows: Rows, request: TrainLocationRequest,
            progress: Progress) -> "Tuple[np.ndarray, np.ndarray, np.ndarray, str, Tuple[Provenance, ...]]":
    """Return vectors, places and points of the photos that have all of them."""
    column = vector_column(rows, request.registry, progress)
    finder = Places(rows.name, rows.wkt)
    vectors: "List[np.ndarray]" = []
    places: "List[np.ndarray]" = []
    points: "List[np.ndarray]" = []
    total = 0
    for chunk in rows.rows():
        check(progress)
        found, there = column.decoded(chunk.columns[column.column], list(chunk.ids))
        where = finder.find(chunk.wkb)[there]
        placed = np.isfinite(where).all(axis=1)
        vectors.append(found[placed])
        places.append(where[placed])
        points.append(centres_of(chunk.wkb)[there][placed])
        total += len(chunk.wkb)
        progress.report(total / max(rows.count, total), "Reading photos" if total == len(chunk.wkb) else None)
    kept = sum(map(len, places))
    if kept < total:
        progress.warn(f"{total - kept} of {total} rows of {rows.name} have no vector or no place and are left out.")
    if not kept:
        raise InputError("views-none", "No row of {name} has both a vector and a place: make the table with “Embed "
                         "geotagged photos”.", name=rows.name)
    return (np.concatenate(vectors), np.concatenate(places), np.concatenate(points), column.key.text,
            column.identity.provenance)


def _affordable(photos: np.ndarray, places: np.ndarray, points: np.ndarray, opened: Field,
                request: TrainLocationRequest, progress: Progress) -> Any:
    """Leave photos out by chance where the cells about all of them would not fit into memory."""
    most = max(_LEAST, (request.memory_mib << 20) // 2 // (_ABOUT * 4 * len(opened.info.data_bands)))
    if len(photos) <= most:
        return photos, places, points
    progress.warn(f"The cells about {len(photos)} photos don't fit into {request.memory_mib} MiB: {most} photos, drawn "
                  "by chance, are learnt from.")
    kept = np.sort(np.random.default_rng(request.seed).choice(len(photos), most, replace=False))
    return photos[kept], places[kept], points[kept]


def _only(plan: LookUpPlan, rows: np.ndarray) -> LookUpPlan:
    """Return the plan of some places."""
    return LookUpPlan(plan.vectors, plan.taps, plan.corners[rows], plan.offsets[rows], plan.shares[rows],
                      plan.found[rows], plan.middle, plan.scale)

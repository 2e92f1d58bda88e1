"""Makes the objective of three views: of photos that have a vector and a place, and what the field holds there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Tuple

import numpy as np

from ...errors import InputError
from ...field import how_to_state, open_field
from ...geodesy import Ground
from ...number_text import counted
from ...progress import Part, Progress
from ...provenance import Provenance, merged
from ...table import ColumnSpec, Rows
from ...training.gathering.vectors import vector_column
from ..gathered import Gathered
from ..reading import MOST_ROWS, read_rows, thinned
from ..request import TrainLocationRequest
from .alignment import ViewsObjective
from .finding import places_apart
from .lesson import Views
from .lookup import LookUpPlan, plan_look_up

_LEAST = 20
_CELLS, _COPIES = 16, 8


def views_objective(request: TrainLocationRequest, progress: Progress) -> ViewsObjective:
    """Return the objective of three views, or say in words what is missing for it."""
    rows, path = _inputs(request)
    opened = open_field(path)
    if Ground(opened.info.grid.wkt).planar:
        raise InputError("views-crs", "The coordinate reference system of {field} doesn't tell where on the globe it "
                         "is: assign the right one with “Assign projection”.", field=path)
    if not opened.space.declared:
        progress.warn(f"{path} doesn't say what its embeddings are. {how_to_state(opened)}")
    photos = _photos(rows, request, len(opened.info.data_bands), Part(progress, 0.0, 0.3))
    places = photos.gathered.places
    plan = plan_look_up(opened, places, request.memory_mib, Part(progress, 0.3, 1.0))
    seen = np.flatnonzero(plan.found)
    _require_enough(rows.name, len(places), len(seen), path)
    if len(seen) < len(places):
        progress.warn(f"{len(places) - len(seen)} of {len(places)} photos of {rows.name} lie where {path} has no value "
                      "and are left out.")
    gathered = Gathered(rows.name, photos.gathered.points[seen], rows.wkt, places[seen])
    views = Views(photos.vectors[seen], _only(plan, seen), places_apart(places[seen]))
    return ViewsObjective(gathered, views, merged(photos.provenance, opened.space.provenance), photos.key, opened.key,
                          Path(path).name)


def _inputs(request: TrainLocationRequest) -> "Tuple[Rows, str]":
    """Return the photos and the field, or ask for them."""
    if request.rows is None:
        raise InputError("views-photos", "Three views need photos: give INPUT, a table of photos from “Embed geotagged "
                         "photos”.")
    if not isinstance(request.embeddings, str):
        raise InputError("views-field", "Three views need an embedding raster as EMBEDDINGS, which is looked up where "
                         "the photos of {name} were taken: {what}.", name=request.rows.name,
                         what="none is given" if request.embeddings is None else "a table was given")
    return request.rows, request.embeddings


def _require_enough(name: str, photos: int, seen: int, field: str) -> None:
    """Refuse too few photos, or too few of them on the field, each with its remedy."""
    if photos < _LEAST:
        raise InputError("views-few", "{name} has {photos} with a vector and a place, and three views need at least "
                         "{least} where the field has values: add photos.", name=name,
                         photos=counted(photos, "one photo", "photos"), least=_LEAST)
    if seen < _LEAST:
        raise InputError("views-apart", "Only {seen} of the {photos} photos of {name} lie where {field} has values, "
                         "and three views need at least {least}: check that they overlap, or add photos there.",
                         seen=seen, photos=photos, name=name, field=field, least=_LEAST)


@dataclass(frozen=True, eq=False)
class _Photos:
    """Photos that have a vector and a place."""

    gathered: Gathered
    vectors: np.ndarray
    key: str
    provenance: "Tuple[Provenance, ...]"


def _photos(rows: Rows, request: TrainLocationRequest, bands: int, progress: Progress) -> _Photos:
    """Read the photos, a sample of them where there are more than fit."""
    column = vector_column(rows, request.registry, progress)
    # A photo leans on up to sixteen cells, and its vector is held in several forms.
    each = _CELLS * 4 * bands + _COPIES * 4 * column.key.dimensions
    most = max(_LEAST, (request.memory_mib << 20) // each)
    read = read_rows(rows, [ColumnSpec(column.column, "binary")], request.seed, progress, MOST_ROWS)
    there = np.array([bool(blob) for blob in read.cells[column.column]], dtype=bool)
    if not there.all():
        progress.warn(f"{int((~there).sum())} photos of {rows.name} have no vector and are left out.")
    read = thinned(read.part(there), most, request.seed, progress)
    vectors, _ = column.decoded(read.cells[column.column], read.ids)
    return _Photos(read.gathered, vectors, column.key.text, column.identity.provenance)


def _only(plan: LookUpPlan, rows: np.ndarray) -> LookUpPlan:
    """Return the plan of some places."""
    return LookUpPlan(plan.vectors, plan.taps, plan.corners[rows], plan.offsets[rows], plan.shares[rows],
                      plan.found[rows], plan.middle, plan.scale)

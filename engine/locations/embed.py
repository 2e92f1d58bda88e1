"""Embeds the places of a layer's features: rows in, vectors of their longitude and latitude out, chunk by chunk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

import numpy as np
from osgeo import ogr

from ..errors import InputError
from ..progress import Progress, check
from ..registry import Registry
from ..space import Space
from ..table import EMBEDDING, EMBEDDING_SPACE, ColumnSpec, RowChunk, Rows, TableWriter
from .finding import AnyLocationEncoder
from .latitudes import refuse_beyond
from .places import CENTROID, Places
from .watching import PlaceWatch


@dataclass(frozen=True)
class LocationRequest:
    """What is to be embedded: rows of any layer, by which encoder, where to, and what place stands for a feature."""

    rows: Rows
    encoder: AnyLocationEncoder
    output: str
    place: str = CENTROID
    registry: Optional[Registry] = None


@dataclass(frozen=True)
class LocationResult:
    """What became of it; `left_out` counts the features without a place."""

    output: str
    rows: int
    left_out: int
    space: Space
    key: str


def embed_locations(request: LocationRequest, progress: Progress) -> LocationResult:
    """Write the table; geometries, attributes and the order of rows stay as they are."""
    rows, encoder = request.rows, request.encoder
    _refuse(rows)
    places = Places(rows.name, rows.wkt, request.place)
    watch = PlaceWatch(rows.name, encoder)
    done = 0
    with TableWriter(request.output, rows.wkt, rows.geometry_type, _kept(rows, progress), encoder.space(),
                     registry=request.registry) as writer:
        for chunk in rows.rows(encoder.rows_at_once):
            check(progress)
            found = places.find(chunk.wkb)
            somewhere = np.isfinite(found[:, 0])
            if not somewhere.all():
                if places.degrees:
                    nowhere = np.flatnonzero(~somewhere)
                    refuse_beyond(rows.name, [chunk.ids[row] for row in nowhere], [chunk.wkb[row] for row in nowhere])
                chunk, found = _with_place(chunk, np.flatnonzero(somewhere)), found[somewhere]
            if len(found):
                watch.see(found)
                writer.write(chunk.wkb, chunk.columns, encoder.vectors(found))
            done += len(somewhere)
            progress.report(done / max(rows.count, done), f"Embedding locations: {done} of {max(rows.count, done)}")
        if not writer.count:
            raise InputError("location-none", "No feature of {name} has a place: its geometries are empty, or its "
                             "coordinates are not those of its coordinate reference system.", name=rows.name)
    _tell(rows.name, encoder, writer.count, done - writer.count, progress)
    watch.warn(progress)
    return LocationResult(str(request.output), writer.count, done - writer.count, encoder.space(), writer.key)


def _refuse(rows: Rows) -> None:
    """Refuse layers that can't have places."""
    if rows.geometry_type == ogr.wkbNone:
        raise InputError("location-no-geometry", "{name} is a table without geometry, so its rows have no place: make "
                         "points with “Create points layer from table” first.", name=rows.name)
    if not rows.count:
        raise InputError("table-empty", "{name} has no rows: check its filter, or choose another layer.",
                         name=rows.name)


def _kept(rows: Rows, progress: Progress) -> "list[ColumnSpec]":
    """Return the attributes that go along: all but the vectors of an embedding table, which new ones replace."""
    kept = [column for column in rows.columns if column.name.lower() not in (EMBEDDING, EMBEDDING_SPACE)]
    if len(kept) < len(rows.columns):
        progress.info(f"The embeddings that {rows.name} has are replaced by those of its places.")
    return kept


def _with_place(chunk: RowChunk, kept: np.ndarray) -> RowChunk:
    """Return the rows that have a place."""
    return RowChunk([chunk.ids[row] for row in kept], [chunk.wkb[row] for row in kept],
                    {name: [values[row] for row in kept] for name, values in chunk.columns.items()})


def _tell(name: str, encoder: AnyLocationEncoder, count: int, left_out: int, progress: Progress) -> None:
    """Tell how many rows there are and which are missing."""
    progress.info(f"{count} places embedded by {encoder.name}, {encoder.dimensions} dimensions.")
    if left_out:
        progress.warn(f"{left_out} of {count + left_out} features of {name} have no place on the globe (no geometry, "
                      "an empty one, or coordinates that its coordinate reference system doesn't have) and are left "
                      "out.")

"""Gathers the vectors that are to be distilled: of a layer's rows, of a table joined to them, or of a field."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Optional, Tuple, Union

import numpy as np

from ..errors import InputError
from ..progress import Part, Progress
from ..provenance import Provenance, known_product, merged
from ..space import Space, SpaceKey
from ..table import EMBEDDING, Rows
from ..table.schema import column_named
from ..training.gathering.field_source import from_field
from ..training.gathering.found import OUTSIDE, Found
from ..training.gathering.joins import key_columns
from ..training.gathering.labels import Labels
from ..training.gathering.request import MEAN, GatherRequest
from ..training.gathering.table_source import from_layer, from_table
from ..training.gathering.vectors import vectors_missing
from .field_places import field_vectors
from .gathered import Gathered
from .reading import MOST_ROWS, ReadRows, read_rows
from .request import FIELD_PLACES, TrainLocationRequest

_LEAST_LENGTH = 1e-12
_FEWEST = 1000
# Copies that probes and torch make of a number, in bytes.
_BYTES = 32


@dataclass(frozen=True, eq=False)
class TeacherVectors:
    """Vectors `(n, D)` of length one at places, the space they come from, and what it is called."""

    gathered: Gathered
    vectors: np.ndarray
    identity: "Union[Space, SpaceKey]"
    name: str
    provenance: "Tuple[Provenance, ...]"

    @property
    def key(self) -> str:
        """Return the key of their space."""
        return self.identity.key() if isinstance(self.identity, Space) else self.identity.text


def teacher_vectors(request: TrainLocationRequest, progress: Progress) -> TeacherVectors:
    """Return the vectors that a request names, those without length or value left out."""
    embeddings = request.embeddings
    if isinstance(embeddings, (str, os.PathLike)):
        path = os.fspath(embeddings)
        if request.rows is None or request.samples:
            count = min(request.samples or FIELD_PLACES, MOST_ROWS)
            gathered, vectors, space = field_vectors(path, count, request.seed, request.memory_mib, progress)
            return _usable(gathered, vectors, space, os.path.basename(path), request.memory_mib, progress)
        read, labels, asked = _labels(request.rows, request, Part(progress, 0.0, 0.3))
        found = from_field(path, labels, asked, Part(progress, 0.3, 1.0))
        return _usable(*_matched(read, found, path, path), os.path.basename(path), request.memory_mib, progress)
    rows = request.rows if request.rows is not None else embeddings
    if rows is None:
        raise InputError("location-input", "INPUT is missing: give points, or an embedding raster or table as "
                         "EMBEDDINGS.")
    if embeddings is None or embeddings is rows:
        return _own(rows, request, progress)
    read, labels, asked = _labels(rows, request, Part(progress, 0.0, 0.3), embeddings)
    keys = key_columns(asked, embeddings)
    found = from_table(embeddings, keys, labels, asked, Part(progress, 0.3, 1.0))
    return _usable(*_matched(read, found, embeddings.name, ""), embeddings.name, request.memory_mib,
                   progress)


def _own(rows: Rows, request: TrainLocationRequest, progress: Progress) -> TeacherVectors:
    """Return the vectors that rows carry themselves."""
    column = column_named(rows.columns, EMBEDDING)
    if column is None:
        raise InputError("location-nothing", "There is nothing to learn from: {name} has no vectors of its own; give "
                         "a column as TARGET, or an embedding raster or table as EMBEDDINGS.", name=rows.name)
    read = read_rows(rows, [column], request.seed, progress)
    there = np.array([bool(blob) for blob in read.cells[column.name]], dtype=bool)
    if not there.any():
        raise vectors_missing(rows.name)
    read = read.part(there)
    labels = _as_labels(read, None, read.cells[column.name])
    found = from_layer(labels, _asked(rows, request, None), progress)
    return _usable(*_matched(read, found, rows.name, ""), rows.name, request.memory_mib, progress)


def _labels(rows: Rows, request: TrainLocationRequest, progress: Progress,
            table: Optional[Rows] = None) -> "Tuple[ReadRows, Labels, GatherRequest]":
    """Read the rows and make of them what the gathering of labels takes."""
    asked = _asked(rows, request, request.embeddings)
    keys = None if table is None else key_columns(asked, table)
    read = read_rows(rows, [] if keys is None else [keys[0]], request.seed, progress)
    return read, _as_labels(read, None if keys is None else read.cells[keys[0].name], None), asked


def _as_labels(read: ReadRows, keys: "Optional[list]", blobs: "Optional[list]") -> Labels:
    """Return rows as labels without a target."""
    return Labels(read.numbers, read.ids, read.wkb, np.zeros((len(read.wkb), 0)), {}, np.ones(len(read.wkb)),
                  keys=keys, blobs=blobs)


def _asked(rows: Rows, request: TrainLocationRequest, embeddings: "Union[None, str, Rows]") -> GatherRequest:
    """Return the request that the gathering of labels takes; a polygon has one place and so one vector."""
    return GatherRequest(rows, (), embeddings=embeddings, key=request.key, embeddings_key=request.embeddings_key,
                         cells=MEAN, seed=request.seed, memory_mib=request.memory_mib, registry=request.registry)


def _matched(read: ReadRows, found: Found, where: str,
             field: str) -> "Tuple[Gathered, np.ndarray, Union[Space, SpaceKey]]":
    """Return places and vectors of the rows that have one, or say why none has."""
    name = read.gathered.name
    if not len(found.labels):
        if field and (found.fates == OUTSIDE).all():
            raise InputError("labels-outside", "All {count} features of {name} lie outside of {field}: check their "
                             "CRS and that the two overlap.", count=len(read.wkb), name=name, field=where)
        if field:
            raise InputError("labels-empty", "All features of {name} that lie on {field} lie on cells without a "
                             "value: check its nodata value.", name=name, field=where)
        raise vectors_missing(where)
    owners = found.labels
    old = read.gathered
    return Gathered(name, old.points[owners], old.wkt, old.places[owners]), found.vectors, found.identity


def _usable(gathered: Gathered, vectors: np.ndarray, identity: "Union[Space, SpaceKey]", name: str,
            memory_mib: int, progress: Progress) -> TeacherVectors:
    """Bring vectors to length one, and leave out those that have none."""
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))
    good = np.isfinite(lengths) & (lengths > _LEAST_LENGTH)
    if not good.any():
        raise InputError("location-zero", "All vectors of {name} that can be used are zero: there is nothing to "
                         "learn.", name=name)
    if not good.all():
        progress.info(f"{int((~good).sum())} vectors of {name} have no length or no value and are left out.")
    kept = np.flatnonzero(good)
    most = min(MOST_ROWS, max(_FEWEST, (memory_mib << 20) // (_BYTES * vectors.shape[1])))
    if len(kept) > most:
        progress.warn(f"{len(kept)} vectors of {vectors.shape[1]} numbers are too many for {memory_mib} MiB: a random "
                      f"sample of {most} is learnt from.")
        kept = np.sort(np.random.default_rng((most, 61)).choice(kept, most, replace=False))
    unit = (vectors[kept] / lengths[kept, np.newaxis]).astype(np.float32)
    if len(unit) > 1 and float(unit.std(axis=0).max()) < 1e-6:
        raise InputError("location-constant", "All {count} vectors of {name} that can be used are the same: there is "
                         "nothing to learn.", count=len(unit), name=name)
    product = known_product(identity.encoder if isinstance(identity, Space) else identity.name)
    provenance = identity.provenance or (() if product is None else (product,))
    return TeacherVectors(Gathered(gathered.name, gathered.points[kept], gathered.wkt, gathered.places[kept]), unit,
                          identity, name, merged(provenance))

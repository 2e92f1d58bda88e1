"""Nearest in embedding: a relation of each row with the most alike ones, and the same as lines on the map."""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional, Sequence

import numpy as np
from osgeo import ogr

from ...errors import InputError
from ...geodesy import Ground
from ...plain_layer import LayerWriter
from ...progress import Part, Progress, check
from ...provenance import merged
from ...space import require_same
from ...table.parts import ColumnSpec, Table, warn_if_undeclared
from .index import search_index
from .search import Forbidden, Neighbours, search
from .vectors import Loaded, load

INDEXES = ("exact", "approximate")
_LEAST_RECALL = 0.95
_BATCH = 4096


@dataclass(frozen=True)
class NearestRequest:
    """What to compare: rows of `source` with those of `target`, or among themselves.

    `exclude` are metres on the ground; `index_path` is where an approximate index is kept, empty where nowhere;
    `filtered` tells that `target` is part of a layer, for which no index is kept; `shared_ids` that both are of one
    layer, so that a row of the target with the same id is the row itself.
    """

    source: Table
    output: str
    target: Optional[Table] = None
    neighbours: int = 5
    exclude: float = 0.0
    index: str = "exact"
    index_path: str = ""
    filtered: bool = False
    shared_ids: bool = False
    lines: str = ""
    memory_mib: int = 1024


@dataclass(frozen=True)
class NearestResult:
    """What was found: rows of the relation, and the recall of an approximate search (1 of an exact one)."""

    rows: int
    recall: float
    seconds: float


def find_nearest(request: NearestRequest, progress: Progress) -> NearestResult:
    """Search, and write the relation and the lines."""
    started = time.monotonic()
    _check(request, progress)
    with ExitStack() as stack:
        folder = Path(request.output.split("|")[0]).resolve().parent
        writers = stack.enter_context(_Writers(request))
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=".earthprint-", dir=folder)))
        with_places = request.exclude > 0 or bool(request.lines)
        source = load(request.source, with_places, scratch, request.memory_mib, Part(progress, 0.0, 0.1))
        target = source if request.target is None else load(request.target, with_places, scratch, request.memory_mib,
                                                            Part(progress, 0.1, 0.25))
        if not len(source.vectors) or not len(target.vectors):
            raise InputError("nearest-empty", "{name} has no row with a vector that is not zero: check its filter, or "
                             "how it was made.", name=(request.source if not len(source.vectors)
                                                       else request.target or request.source).name)
        progress.report(0.25, "Searching")
        found, recall = _search(request, source, target, Part(progress, 0.25, 0.9))
        rows = writers.write(found, source, target, Part(progress, 0.9, 1.0))
        del source, target
    progress.info(f"{rows} pairs of neighbours.")
    return NearestResult(rows, recall, time.monotonic() - started)


def _check(request: NearestRequest, progress: Progress) -> None:
    """Refuse what can't be compared, before anything is read."""
    if request.index not in INDEXES:
        raise InputError("index-unknown", "INDEX: “{index}” is not one of {options}.", index=request.index,
                         options=", ".join(INDEXES))
    if request.neighbours < 1:
        raise InputError("neighbours", "NEIGHBOURS must be at least 1, not {count}.", count=request.neighbours)
    warn_if_undeclared(request.source, progress)
    if request.target is None:
        return
    require_same(request.source.space_key, request.source.name, request.target.space_key, request.target.name)
    if request.exclude > 0 and Ground(request.source.wkt).planar != Ground(request.target.wkt).planar:
        raise InputError("nearest-crs", "EXCLUDE needs to know where both tables lie, and only one of {first} and "
                         "{second} has a CRS: set the other's with “Assign projection”.", first=request.source.name,
                         second=request.target.name)


def _search(request: NearestRequest, source: Loaded, target: Loaded,
            progress: Progress) -> "tuple[Neighbours, float]":
    """Search exactly, or with an index."""
    forbidden = _forbidden(request, source, target)
    approximate = request.index == "approximate"
    if approximate and request.filtered:
        progress.info("An index is of a whole table; of the filtered part of one, the search is exact.")
    if not approximate or request.filtered:
        return search(source.vectors, target.vectors, request.neighbours, forbidden, progress), 1.0
    found = search_index(source.vectors, target.vectors, request.neighbours, forbidden, request.index_path, progress)
    progress.info(found.note)
    progress.info(f"Recall of the approximate search on these data: {found.recall:.3f} of the true neighbours.")
    if found.recall < _LEAST_RECALL:
        progress.warn(f"The approximate search finds only {found.recall:.1%} of the true neighbours here: use INDEX "
                      "exact where every one counts.")
    return found.neighbours, found.recall


def _forbidden(request: NearestRequest, source: Loaded, target: Loaded) -> "Optional[Forbidden]":
    """Return what doesn't count as neighbour: a row of itself, and the same ground."""
    own = _own_rows(request, source, target)
    if own is None and request.exclude <= 0:
        return None
    ground = Ground(request.source.wkt)

    def call(part: slice, block: slice) -> "tuple[np.ndarray, np.ndarray]":
        """Return the pairs, counted from the starts of the slices."""
        rows, columns = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
        if request.exclude > 0:
            rows, columns = ground.near(source.places[part], target.places[block], request.exclude)
        if own is not None:
            mine = own[part]
            here = np.flatnonzero((mine >= block.start) & (mine < block.stop))
            rows, columns = np.append(rows, here), np.append(columns, mine[here] - block.start)
        return rows, columns

    return call


def _own_rows(request: NearestRequest, source: Loaded, target: Loaded) -> Optional[np.ndarray]:
    """Return the row of the target that each row of the source is itself, −1 where none is."""
    if request.target is None:
        return np.arange(len(source.ids))
    if not request.shared_ids:
        return None
    rows = {value: row for row, value in enumerate(target.ids)}
    return np.array([rows.get(value, -1) for value in source.ids], dtype=np.int64)


class _Writers:
    """The layers that are written; both appear, or none."""

    def __init__(self, request: NearestRequest) -> None:
        """Open both under temporary names, which tells early where nothing can be written."""
        self._request = request
        self._stack = ExitStack()
        target = request.target or request.source
        self._columns = [ColumnSpec("source_id", _kind(request.source)), ColumnSpec("target_id", _kind(target)),
                         ColumnSpec("rank", "integer"), ColumnSpec("score", "real")]
        self._lines: Optional[LayerWriter] = None

    def __enter__(self) -> "_Writers":
        """Open the layers."""
        request = self._request
        tables = (request.source, request.target or request.source)
        origins = merged(*(table.identity().provenance for table in tables))
        self._rows = self._stack.enter_context(LayerWriter(request.output, "", ogr.wkbNone, self._columns, origins))
        if request.lines:
            self._lines = self._stack.enter_context(LayerWriter(
                request.lines, request.source.wkt, ogr.wkbMultiLineString,
                [*self._columns, ColumnSpec("distance", "real")], origins))
        return self

    def __exit__(self, *error: Any) -> Optional[bool]:
        """Complete or discard them."""
        return self._stack.__exit__(*error)

    def write(self, found: Neighbours, source: Loaded, target: Loaded, progress: Progress) -> int:
        """Write all pairs, source by source, best first."""
        rows, ranks = np.nonzero(found.rows != -1)
        for start in range(0, len(rows), _BATCH):
            check(progress)
            progress.report(start / len(rows), "Writing" if not start else None)
            part, rank = rows[start:start + _BATCH], ranks[start:start + _BATCH]
            others = found.rows[part, rank]
            columns = {"source_id": [source.ids[row] for row in part.tolist()],
                       "target_id": [target.ids[row] for row in others.tolist()], "rank": rank + 1,
                       "score": found.scores[part, rank]}
            self._rows.write([None] * len(part), columns)
            if self._lines is not None:
                ground = Ground(self._request.source.wkt)
                ends = source.places[part], target.places[others]
                shapes = lines_between(*ends, ground)
                self._lines.write(shapes, {**columns, "distance": ground.distance(*ends)})
        return len(rows)


def _kind(table: Table) -> str:
    """Return the type of a table's ids."""
    first = next(iter(table.chunks(1)), None)
    return "text" if first is not None and isinstance(first.ids[0], str) else "integer64"


def lines_between(first: np.ndarray, second: np.ndarray, ground: Ground) -> "list[Optional[bytes]]":
    """Return a line in the ground's CRS for each pair of places; where 180° lies between, it ends there and goes on."""
    starts, ends = ground.points(first), ground.points(second)
    found = []
    for one, two, start, end in zip(first, second, starts, ends):
        if not np.isfinite(start).all() or not np.isfinite(end).all():
            found.append(None)
        elif ground.geographic and abs(two[0] - one[0]) > 180.0:
            found.append(_across(one, two, ground))
        else:
            found.append(_multiline([(start, end)]))
    return found


def _across(one: np.ndarray, two: np.ndarray, ground: Ground) -> bytes:
    """Return a line in two parts, one on each side of 180°."""
    side = 180.0 if one[0] > 0 else -180.0
    far = two[0] + 2 * side
    share = (side - one[0]) / (far - one[0])
    latitude = one[1] + share * (two[1] - one[1])
    points = ground.points(np.array([one, (side, latitude), (-side, latitude), two]))
    return _multiline([(points[0], points[1]), (points[2], points[3])])


def _multiline(parts: "Sequence[tuple[np.ndarray, np.ndarray]]") -> bytes:
    """Return straight lines as one WKB."""
    shape = ogr.Geometry(ogr.wkbMultiLineString)
    for start, end in parts:
        line = ogr.Geometry(ogr.wkbLineString)
        line.AddPoint_2D(*map(float, start))
        line.AddPoint_2D(*map(float, end))
        shape.AddGeometry(line)
    return bytes(shape.ExportToWkb(ogr.wkbNDR))

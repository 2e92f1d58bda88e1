"""Reads a layer's vectors and writes them as a table, row by row in the same order."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Dict, Iterator, List, Optional, Sequence

import numpy as np

from ..errors import InputError
from ..products.described import NOTHING, Described
from ..products.quality import Gauge, Quality
from ..progress import Progress, check
from ..registry import Registry
from ..space import parse_key
from ..statement import Lengths, Statement
from ..table import CHUNK_ROWS, EMBEDDING, EMBEDDING_SPACE, ColumnSpec, Identity, Rows, TableWriter
from .columns import Candidates, Found, VectorColumns, exported_range, find_columns
from .geometry import GeometryJoin, JoinedRows
from .meaning import First, Meaning, meaning_of, stated_keys
from .places import with_places

_SAMPLE_ROWS = 256
_ALPHAEARTH_RANGE = "A00-A63"


@dataclass(frozen=True)
class ImportRequest:
    """What is to be imported: the rows, where to, and how the vectors lie in their columns.

    `described` is what their file says of them, and `file` its name. Where neither a statement nor the file nor the
    looks of a published product tell, the table is undeclared: it compares only with vectors of the same column names.
    """

    rows: Rows
    output: str
    product: str = "automatic"
    fields: str = ""
    statement: Optional[Statement] = None
    registry: Optional[Registry] = None
    geometry: Optional[GeometryJoin] = None
    described: Described = NOTHING
    file: str = ""


@dataclass(frozen=True)
class ImportResult:
    """What became of it."""

    output: str
    rows: int
    left_out: int
    space: Identity
    key: str
    lengths: Lengths
    quality: Quality


@dataclass(frozen=True)
class _Part:
    """The rows of a chunk that have a vector."""

    vectors: np.ndarray
    wkb: "List[Optional[bytes]]"
    columns: "Dict[str, List[Any]]"
    left_out: int


def import_table(request: ImportRequest, progress: Progress) -> ImportResult:
    """Write the table; geometries, other attributes and the order of rows stay as they are."""
    _refuse_table(request)
    joined = JoinedRows(request.rows, request.geometry) if request.geometry is not None else None
    rows = joined or _placed(request.rows, progress)
    sample = next(iter(rows.rows(_SAMPLE_ROWS)), None)
    if sample is None:
        raise InputError("table-empty", "{name} has no rows: check its filter, or choose another layer.",
                         name=rows.name)
    keys = stated_keys(rows)
    found = _found(request, Candidates(rows.name, rows.columns, sample.columns), keys)
    if found.notes:
        progress.info(f"{rows.name} could also be read from {', '.join(found.notes)}: name them in FIELDS to do so.")
    renamed = _kept(rows.columns, (*found.columns.names, *((EMBEDDING_SPACE,) if keys else ())))
    left_out = 0
    with ExitStack() as stack:
        writer: Optional[TableWriter] = None
        for part in _parts(rows, found.columns, renamed, progress):
            left_out += part.left_out
            if not len(part.vectors):
                continue
            if writer is None:
                _tell_columns(found.columns, part.vectors.shape[1], progress)
                meaning = meaning_of(First(rows, found.columns, part.vectors, request.file, request.described, keys,
                                           request.product, request.statement, request.registry), progress)
                gauge = Gauge(meaning.largest)
                writer = stack.enter_context(TableWriter(
                    request.output, rows.wkt, rows.geometry_type, list(renamed.values()), meaning.identity,
                    registry=request.registry))
            part = _decoded(part, meaning)
            left_out += part.left_out
            gauge.add(part.vectors)
            writer.write(part.wkb, part.columns, part.vectors)
        if writer is None:
            raise InputError("import-no-vector", "No row of {name} has numbers in all of {columns}: choose other "
                             "columns in FIELDS.", name=rows.name, columns=", ".join(found.columns.names[:3]))
        gauge.add(np.zeros((0, 0), dtype=np.float32), left_out)
        if not writer.count:
            raise InputError("import-nodata", "All vectors of {name} are nodata: choose another layer.",
                             name=rows.name)
    if joined is not None:
        progress.info(f"Geometries were joined by {joined.told}.")
        if joined.unmatched:
            progress.warn(f"{joined.unmatched} of {writer.count + left_out} rows of {rows.name} found no geometry in "
                          f"{request.geometry.shapes.name}.")
    quality = gauge.result()
    _tell_rows(rows.name, quality, left_out, progress)
    return ImportResult(str(request.output), writer.count, left_out, meaning.identity, writer.key, quality.lengths,
                        quality)


def _placed(rows: Rows, progress: Progress) -> Rows:
    """Return the rows, with points where they have none but say where they are."""
    placed = with_places(rows)
    if placed is None:
        return rows
    progress.info(f"The rows of {rows.name} became points at {placed.x} and {placed.y} (WGS 84).")
    return placed


def _found(request: ImportRequest, candidates: Candidates, keys: "Sequence[str]") -> Found:
    """Find the columns; those of a product that is named, or that an export wrote, come before longer runs."""
    product = request.product if request.product in ("columns", "list") else "automatic"
    fields = request.fields
    if keys and product == "automatic" and not fields.strip():
        fields = exported_range(candidates.columns, parse_key(keys[0]).dimensions)
    if request.product == "alphaearth" and not fields.strip() and {
            f"a{number:02d}" for number in range(64)} <= {column.name.lower() for column in candidates.columns}:
        fields = _ALPHAEARTH_RANGE
    return find_columns(candidates, product, fields)


def _decoded(part: _Part, meaning: Meaning) -> _Part:
    """Expand a product's codes, and leave out the rows that turn out to be nodata."""
    vectors = meaning.decoded(part.vectors)
    if vectors is part.vectors:
        return _Part(part.vectors, part.wkb, part.columns, 0)
    there = np.isfinite(vectors).all(axis=1)
    places = np.flatnonzero(there).tolist()
    return _Part(np.ascontiguousarray(vectors[there]), [part.wkb[row] for row in places],
                 {name: [cells[row] for row in places] for name, cells in part.columns.items()},
                 int((~there).sum()))


def _parts(rows: Rows, columns: VectorColumns, renamed: "Dict[str, ColumnSpec]", progress: Progress) \
        -> "Iterator[_Part]":
    """Yield the rows with their vectors; all vectors are as long as the first."""
    dimensions = 0
    done = 0
    for ids, wkb, cells in rows.rows(CHUNK_ROWS):
        check(progress)
        vectors = columns.read(cells, ids, rows.name)
        whole = [row for row, vector in enumerate(vectors) if vector is not None]
        if whole:
            dimensions = dimensions or len(vectors[whole[0]])
            strange = next((row for row in whole if len(vectors[row]) != dimensions), None)
            if strange is not None:
                raise InputError(
                    "list-length", "Row {row} of {name} has a list of {found} numbers where those before have "
                    "{dimensions}: leave it out with “Extract by expression”, or mend it.", row=ids[strange],
                    name=rows.name, found=len(vectors[strange]), dimensions=dimensions)
        yield _Part(
            np.array([vectors[row] for row in whole], dtype=np.float32).reshape(len(whole), dimensions),
            [wkb[row] for row in whole],
            {spec.name: [_plain(cells[name][row]) for row in whole] for name, spec in renamed.items()},
            len(vectors) - len(whole))
        done += len(vectors)
        progress.report(done / max(rows.count, done), f"Importing vectors: {done} of {max(rows.count, done)} rows")


def _kept(columns: "Sequence[ColumnSpec]", used: "Sequence[str]") -> "Dict[str, ColumnSpec]":
    """Return the attributes that go along, those in the way of a table's own columns under another name."""
    rest = [column for column in columns if column.name not in used]
    taken = {column.name.lower() for column in rest} | {EMBEDDING, EMBEDDING_SPACE}
    renamed = {}
    for column in rest:
        name, number = column.name, 0
        while name.lower() in (EMBEDDING, EMBEDDING_SPACE) or (number and name.lower() in taken):
            number += 1
            name = f"{column.name}_{number}"
        taken.add(name.lower())
        renamed[column.name] = ColumnSpec(name, column.type)
    return renamed


def _refuse_table(request: ImportRequest) -> None:
    """Say so where the input is a table already, unless other columns were named."""
    kinds = {column.name.lower(): column.type for column in request.rows.columns}
    if not request.fields.strip() and kinds.get(EMBEDDING) == "binary" and EMBEDDING_SPACE in kinds:
        raise InputError("import-table", "{name} is an embedding table already: use it as it is, or name other columns "
                         "in FIELDS.", name=request.rows.name)


def _plain(cell: Any) -> Any:
    """Return a list that is no vector here as a table keeps it."""
    return cell.tolist() if isinstance(cell, np.ndarray) else cell


def _tell_columns(columns: VectorColumns, dimensions: int, progress: Progress) -> None:
    """Tell which columns were taken."""
    names = columns.names
    text = f"{names[0]} to {names[-1]}, {len(names)} columns" if len(names) > 1 else f"lists in {names[0]}"
    progress.info(f"Vectors of {dimensions} dimensions from {text}.")


def _tell_rows(name: str, quality: Quality, left_out: int, progress: Progress) -> None:
    """Tell how good the vectors are, and which rows are missing."""
    quality.tell(name, progress)
    if left_out:
        progress.warn(f"{left_out} of {quality.count + left_out} rows of {name} have no vector (NULL, or not a number) "
                      "and are left out.")
    if quality.lengths.zeros:
        progress.warn(f"{quality.lengths.zeros} vectors of {name} are zero in all dimensions, which have no direction "
                      "to compare.")

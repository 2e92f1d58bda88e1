"""Reads a layer's vectors and writes them as a table, row by row in the same order."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Dict, Iterator, List, Optional, Sequence

import numpy as np

from ..errors import InputError
from ..progress import Progress, check
from ..registry import Registry
from ..space import Space, undeclared
from ..statement import Lengths, Statement, lengths_of, summary_of
from ..table import CHUNK_ROWS, EMBEDDING, EMBEDDING_SPACE, ColumnSpec, Rows, TableWriter
from .columns import Candidates, VectorColumns, find_columns
from .geometry import GeometryJoin, JoinedRows

_SAMPLE_ROWS = 256
_ALPHAEARTH = tuple(f"A{number:02d}" for number in range(64))


@dataclass(frozen=True)
class ImportRequest:
    """What is to be imported: the rows, where to, and how the vectors lie in their columns.

    Without a statement the table is undeclared: it compares only with vectors of the same column names.
    """

    rows: Rows
    output: str
    product: str = "automatic"
    fields: str = ""
    statement: Optional[Statement] = None
    registry: Optional[Registry] = None
    geometry: Optional[GeometryJoin] = None


@dataclass(frozen=True)
class ImportResult:
    """What became of it."""

    output: str
    rows: int
    left_out: int
    space: Space
    key: str
    lengths: Lengths


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
    rows = joined or request.rows
    sample = next(iter(rows.rows(_SAMPLE_ROWS)), None)
    if sample is None:
        raise InputError("table-empty", "{name} has no rows: check its filter, or choose another layer.",
                         name=rows.name)
    found = find_columns(Candidates(rows.name, rows.columns, sample.columns), request.product, request.fields)
    if found.notes:
        progress.info(f"{rows.name} could also be read from {', '.join(found.notes)}: name them in FIELDS to do so.")
    renamed = _kept(rows.columns, found.columns.names)
    lengths: "List[np.ndarray]" = []
    left_out = 0
    with ExitStack() as stack:
        writer: Optional[TableWriter] = None
        for part in _parts(rows, found.columns, renamed, progress):
            left_out += part.left_out
            if len(part.vectors):
                lengths.append(lengths_of(part.vectors))
                if writer is None:
                    space = _space(request, found.columns, part.vectors.shape[1], summary_of(lengths[0]), progress)
                    _tell_columns(found.columns, space, progress)
                    writer = stack.enter_context(TableWriter(
                        request.output, rows.wkt, rows.geometry_type, list(renamed.values()), space,
                        registry=request.registry))
                writer.write(part.wkb, part.columns, part.vectors)
        if writer is None:
            raise InputError("import-no-vector", "No row of {name} has numbers in all of {columns}: choose other "
                             "columns in FIELDS.", name=rows.name, columns=", ".join(found.columns.names[:3]))
    every = summary_of(np.concatenate(lengths))
    if joined is not None and joined.unmatched:
        progress.warn(f"{joined.unmatched} of {writer.count + left_out} rows of {rows.name} found no geometry in "
                      f"{request.geometry.shapes.name}.")
    _tell_rows(rows.name, writer.count, left_out, every, progress)
    return ImportResult(str(request.output), writer.count, left_out, space, writer.key, every)


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
            {spec.name: [cells[name][row] for row in whole] for name, spec in renamed.items()},
            len(vectors) - len(whole))
        done += len(vectors)
        progress.report(done / max(rows.count, done), f"Importing vectors: {done} of {max(rows.count, done)} rows")


def _space(request: ImportRequest, columns: VectorColumns, dimensions: int, lengths: Lengths,
           progress: Progress) -> Space:
    """Return the space as stated, else the undeclared one of the columns' names, with one warning."""
    if request.statement is not None:
        return request.statement.space(dimensions, lengths, request.rows.name, progress)
    names = columns.dimension_names(dimensions)
    hint = " (it looks like AlphaEarth)" if tuple(names) == _ALPHAEARTH else ""
    progress.warn(f"{request.rows.name} doesn't say what its embeddings are{hint}: they compare only with vectors of "
                  "the same column names, and never with declared ones. State it with “Describe embeddings”.")
    # Units as a raster of these bands would state them, so that both compare.
    return undeclared(names, [""] * dimensions)


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


def _tell_columns(columns: VectorColumns, space: Space, progress: Progress) -> None:
    """Tell which columns were taken."""
    names = columns.names
    text = f"{names[0]} to {names[-1]}, {len(names)} columns" if len(names) > 1 else f"lists in {names[0]}"
    progress.info(f"Vectors of {space.dimensions} dimensions from {text}.")


def _tell_rows(name: str, count: int, left_out: int, lengths: Lengths, progress: Progress) -> None:
    """Tell how many rows there are, which are missing, and how long the vectors are."""
    progress.info(f"{count} vectors; lengths {lengths.in_words()}.")
    if left_out:
        progress.warn(f"{left_out} of {count + left_out} rows of {name} have no vector (NULL, or not a number) and are "
                      "left out.")
    if lengths.zeros:
        progress.warn(f"{lengths.zeros} vectors of {name} are zero in all dimensions, which have no direction to "
                      "compare.")

"""Reads the labelled rows: targets, further columns, weights and groups, checked before any vector is looked for."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np

from ...errors import InputError
from ...importing.columns import SHORTEST_RUN, runs_of
from ...progress import Progress, check
from ...table import EMBEDDING, EMBEDDING_SPACE, ColumnSpec, Rows
from ...table.schema import column_named
from ..columns import NUMERIC_TYPES, level_of, numbers_of
from .request import REGRESSION, GatherRequest

_NUMBERS = (*NUMERIC_TYPES, "boolean", "text")
_CATEGORIES = (*NUMERIC_TYPES, "boolean", "text")
_WIDE = 16


@dataclass(frozen=True)
class Labels:
    """Labelled features that are still in: all lists are as long as `rows`, their numbers in the layer.

    `targets` are numbers `(n, T)` of a regression, or values of a classification as the layer has them.
    """

    rows: np.ndarray
    ids: "List[Any]"
    wkb: "List[Optional[bytes]]"
    targets: Any
    columns: "Dict[str, List[Any]]"
    weights: np.ndarray
    groups: "Optional[List[Any]]" = None
    keys: "Optional[List[Any]]" = None
    blobs: "Optional[List[Any]]" = None

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.rows)

    def part(self, kept: np.ndarray) -> "Labels":
        """Return some of them, by a mask."""
        if kept.all():
            return self
        places = np.flatnonzero(kept).tolist()

        def picked(values: Any) -> Any:
            """Return those values."""
            return values[kept] if isinstance(values, np.ndarray) else [values[place] for place in places]

        changed = {part.name: picked(getattr(self, part.name)) for part in fields(self)
                   if part.name != "columns" and getattr(self, part.name) is not None}
        return replace(self, columns={name: picked(cells) for name, cells in self.columns.items()}, **changed)


@dataclass(frozen=True)
class Fields:
    """The columns that a request names, as the layer spells and types them."""

    target: "Tuple[ColumnSpec, ...]"
    columns: "Tuple[ColumnSpec, ...]"
    weight: Optional[ColumnSpec]
    group: Optional[ColumnSpec]
    key: Optional[ColumnSpec]
    id: Optional[ColumnSpec]
    embedding: Optional[ColumnSpec]

    @property
    def wanted(self) -> "List[ColumnSpec]":
        """Return all of them once."""
        several = [*self.target, *self.columns, self.weight, self.group, self.key, self.id, self.embedding]
        return list({column.name: column for column in several if column is not None}.values())


@dataclass
class _Raw:
    """What is read of the rows that have a target."""

    rows: "List[int]" = field(default_factory=list)
    ids: "List[Any]" = field(default_factory=list)
    wkb: "List[Optional[bytes]]" = field(default_factory=list)
    cells: "Dict[str, List[Any]]" = field(default_factory=dict)
    read: int = 0


@dataclass(frozen=True)
class ReadLabels:
    """The labels, and how many rows were left out so far."""

    labels: Labels
    fields: Fields
    read: int
    without_target: int
    infinite: int
    without_weight: int


def fields_of(request: GatherRequest, key: Optional[ColumnSpec] = None) -> Fields:
    """Find the columns that a request names, or say which is missing or can't be what it shall be."""
    rows = request.rows
    target = tuple(_named(rows, name, "TARGET") for name in request.target)
    columns = tuple(_named(rows, name, "COLUMNS") for name in request.columns)
    weight = _named(rows, request.weight, "WEIGHT") if request.weight else None
    _refuse_twice(target, "TARGET")
    _refuse_twice(columns, "COLUMNS")
    both = next((column.name for column in columns if column in target), None)
    if both is not None:
        raise InputError("column-target", "The column “{column}” is the target and a further column at once, so it "
                         "would predict itself: leave it out of COLUMNS.", column=both)
    allowed = _NUMBERS if request.task == REGRESSION else _CATEGORIES
    for column in target:
        if column.type not in allowed:
            raise InputError("target-type", "The target “{column}” of {name} holds {kind} values, which can't be "
                             "learnt: choose a column of numbers, texts or yes and no.", column=column.name,
                             name=rows.name, kind=column.type)
    if weight is not None and weight.type not in (*NUMERIC_TYPES, "boolean"):
        raise InputError("weight-type", "The weight “{column}” of {name} holds {kind} values: choose a column of "
                         "numbers.", column=weight.name, name=rows.name, kind=weight.type)
    embedding = None
    if request.embeddings is None:
        embedding = _embedding(rows)
    return Fields(target, columns, weight, _named(rows, request.group, "GROUP") if request.group else None,
                  key, _named(rows, request.id_field, "ID_FIELD") if request.id_field else None, embedding)


def read_labels(request: GatherRequest, key: Optional[ColumnSpec], progress: Progress) -> ReadLabels:
    """Read the rows that have a target, and leave out those that can't be learnt from; `key` is read along."""
    found = fields_of(request, key)
    raw = _read(request, found, progress)
    if not raw.read:
        raise InputError("labels-none", "{name} has no rows: check its filter and selection.", name=request.rows.name)
    if not raw.rows:
        raise InputError("target-empty", "{name} has no value of “{target}” in any of its {count} rows: choose another "
                         "target.", name=request.rows.name, target="; ".join(request.target), count=raw.read)
    weights = np.ones(len(raw.rows))
    if found.weight is not None:
        weights = numbers_of(raw.cells[found.weight.name], found.weight.name)
    labels = Labels(
        np.array(raw.rows, dtype=np.int64), raw.cells[found.id.name] if found.id else raw.ids, raw.wkb,
        _targets(request, found, raw), {column.name: raw.cells[column.name] for column in found.columns}, weights,
        raw.cells[found.group.name] if found.group else None, raw.cells[found.key.name] if found.key else None,
        raw.cells[found.embedding.name] if found.embedding else None)
    finite = _finite(request, found, labels, progress)
    infinite = int((~finite).sum())
    if infinite == len(labels):
        raise InputError("labels-infinite", "All {count} rows of {name} with a target have an infinite value: mend the "
                         "columns first.", count=len(labels), name=request.rows.name)
    labels = labels.part(finite)
    weighted = _weighted(request, found, labels)
    if not weighted.any():
        raise InputError("weight-zero", "No row of {name} with a target has a weight over 0 in “{column}”: choose "
                         "another weight, or none.", name=request.rows.name, column=request.weight)
    return ReadLabels(labels.part(weighted), found, raw.read, raw.read - len(raw.rows), infinite,
                      int((~weighted).sum()))


def _read(request: GatherRequest, found: Fields, progress: Progress) -> _Raw:
    """Read what is wanted, without the rows that lack a target."""
    raw = _Raw(cells={column.name: [] for column in found.wanted})
    targets = [column.name for column in found.target]
    for chunk in request.rows.rows():
        check(progress)
        progress.report(min(1.0, raw.read / max(request.rows.count, 1)), None if raw.read else "Reading the labels")
        there = [row for row in range(len(chunk.wkb))
                 if all(level_of(chunk.columns[name][row]) is not None for name in targets)]
        raw.rows += [raw.read + row for row in there]
        raw.ids += [_plain(chunk.ids[row]) for row in there]
        raw.wkb += [chunk.wkb[row] for row in there]
        for name, cells in raw.cells.items():
            column = chunk.columns[name]
            cells += [column[row] for row in there]
        raw.read += len(chunk.wkb)
    progress.report(1.0)
    return raw


def _targets(request: GatherRequest, found: Fields, raw: _Raw) -> Any:
    """Return the numbers of a regression, or the values of a classification."""
    if request.task != REGRESSION:
        return raw.cells[found.target[0].name]
    return np.stack([_target_numbers(raw.cells[column.name], column.name, raw.ids, request.rows.name)
                     for column in found.target], axis=1)


def _target_numbers(cells: "Sequence[Any]", column: str, ids: "Sequence[Any]", name: str) -> np.ndarray:
    """Return a target as numbers, or name the first value that is none."""
    try:
        return np.array(cells, dtype=np.float64)
    except (TypeError, ValueError):
        for row, cell in enumerate(cells):
            try:
                float(cell)
            except (TypeError, ValueError) as error:
                raise InputError(
                    "target-text", "The target “{column}” of {name} holds “{cell}” (row {row}), which is no number: "
                    "choose a column of numbers, or use “Train classification” for categories.", column=column,
                    name=name, cell=cell, row=ids[row]) from error
        raise


def _finite(request: GatherRequest, found: Fields, labels: Labels, progress: Progress) -> np.ndarray:
    """Tell which rows have no infinite value, and warn of the others by column."""
    finite = np.ones(len(labels), dtype=bool)
    if request.task == REGRESSION:
        parts = [(column.name, labels.targets[:, index]) for index, column in enumerate(found.target)]
    else:
        parts = [(column.name, numbers_of(labels.targets, column.name)) for column in found.target
                 if column.type in NUMERIC_TYPES]
    parts += [(column.name, numbers_of(labels.columns[column.name], column.name)) for column in found.columns
              if column.type in NUMERIC_TYPES]
    if found.weight is not None:
        parts.append((found.weight.name, labels.weights))
    for name, values in parts:
        endless = np.isinf(values)
        if endless.any():
            progress.warn(f"{int(endless.sum())} rows of {request.rows.name} have an infinite value in “{name}” and "
                          "are left out.")
            finite &= ~endless
    return finite


def _weighted(request: GatherRequest, found: Fields, labels: Labels) -> np.ndarray:
    """Tell which rows have a weight."""
    if found.weight is None:
        return np.ones(len(labels), dtype=bool)
    below = np.flatnonzero(labels.weights < 0)
    if len(below):
        raise InputError("weight-negative", "The weight “{column}” of {name} is negative ({value:g} in row {row}): "
                         "weights must be 0 or more.", column=found.weight.name, name=request.rows.name,
                         value=float(labels.weights[below[0]]), row=labels.ids[below[0]])
    return labels.weights > 0


def _named(rows: Rows, name: str, parameter: str) -> ColumnSpec:
    """Return the column of a name."""
    column = column_named(rows.columns, name)
    if column is None or column.name.lower() in (EMBEDDING, EMBEDDING_SPACE):
        others = [other.name for other in rows.columns if other.name.lower() not in (EMBEDDING, EMBEDDING_SPACE)]
        raise InputError("gather-column", "{name} has no column “{column}”, which {parameter} names: choose among "
                         "{names}.", name=rows.name, column=name, parameter=parameter,
                         names=", ".join(others[:_WIDE]) + (", …" if len(others) > _WIDE else ""))
    return column


def _refuse_twice(columns: "Sequence[ColumnSpec]", parameter: str) -> None:
    """Refuse a column that is named twice."""
    names = [column.name for column in columns]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError("gather-twice", "{parameter} names “{column}” twice: name each column once.",
                         parameter=parameter, column=twice)


def _embedding(rows: Rows) -> ColumnSpec:
    """Return the column of vectors, or say which step is missing before this one."""
    column = column_named(rows.columns, EMBEDDING)
    if column is not None and column.type in ("binary", "text"):
        return column
    numeric = [column.name for column in rows.columns if column.type in NUMERIC_TYPES]
    runs = [run for group in runs_of(numeric).values() for run in group if len(run) >= SHORTEST_RUN]
    if runs:
        longest = max(runs, key=len)
        raise InputError("gather-wide", "{name} has no column “embedding”, but its columns {first} to {last} look like "
                         "one: turn them into vectors with “Import embeddings” and train on its result.",
                         name=rows.name, first=longest[0], last=longest[-1])
    raise InputError("gather-embedding", "{name} has no vectors of its own: name an embedding raster or table in "
                     "EMBEDDINGS.", name=rows.name)


def _plain(value: Any) -> Any:
    """Return an id as Python's own."""
    return value.item() if isinstance(value, np.generic) else value

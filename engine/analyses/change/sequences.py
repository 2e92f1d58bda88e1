"""Which rows of a table show the same thing at different dates."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Optional

import numpy as np

from ...errors import InputError
from ...progress import Progress, check
from ...space import parse_key
from ...table.parts import ColumnSpec, Table
from .dates import moment_of
from .vector_store import VectorStore

_NAMED = 3


@dataclass(frozen=True)
class Sequences:
    """Rows of each id in the order of time, and all vectors. `dates` are as in the table, by row number."""

    rows: "List[List[int]]"
    dates: "List[Any]"
    vectors: VectorStore
    count: int


@dataclass
class _Gathered:
    """What one reading of a table gives."""

    keys: "List[Optional[str]]" = field(default_factory=list)
    dates: "List[Any]" = field(default_factory=list)
    ids: "List[Any]" = field(default_factory=list)


def column_of(table: Table, name: str, parameter: str) -> ColumnSpec:
    """Return a column by its name, whatever its case, or say which there are."""
    for column in table.columns:
        if column.name == name:
            return column
    for column in table.columns:
        if column.name.lower() == name.lower():
            return column
    raise InputError("change-column", "{parameter}: {table} has no column “{name}”: choose one of {columns}.",
                     parameter=parameter, table=table.name, name=name,
                     columns=", ".join(column.name for column in table.columns) or "none")


def key_of(value: Any) -> Optional[str]:
    """Return what an id is compared by: 7, 7.0 and “7” are one; None for NULL and empty texts."""
    if value is None or value != value:
        return None
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        value = int(value)
    return str(value).strip() or None


def read_sequences(table: Table, id_field: str, date_field: str, file: Path, progress: Progress) -> Sequences:
    """Read a table with a row for each id and date."""
    found, store = _gather(table, id_field, date_field, file, progress)
    moments = [moment_of(value) for value in found.dates]
    groups: "Dict[str, List[int]]" = {}
    undated, nameless = 0, 0
    for row, (key, moment) in enumerate(zip(found.keys, moments)):
        if found.dates[row] not in (None, "") and moment is None:
            raise InputError("change-date-value", "Row {row} of {table} has “{value}” in {field}, which is no date: "
                             "write years or days such as 2023 or 2023-05-14.", row=found.ids[row], table=table.name,
                             value=found.dates[row], field=date_field)
        nameless += key is None
        undated += key is not None and moment is None
        if key is not None and moment is not None:
            groups.setdefault(key, []).append(row)
    for key, rows in groups.items():
        rows.sort(key=lambda row: moments[row] or ())
        for one, two in zip(rows, rows[1:]):
            if moments[one] == moments[two]:
                raise InputError(
                    "change-date-twice", "{table} has two rows of “{key}” with the date {date} (rows {one} and {two}): "
                    "leave one out, or merge them first.", table=table.name, key=key, date=found.dates[one],
                    one=found.ids[one], two=found.ids[two])
    if nameless:
        progress.warn(f"{nameless} rows of {table.name} have no {id_field} and get no change.")
    if undated:
        progress.warn(f"{undated} rows of {table.name} have no {date_field} and get no change.")
    alone = [key for key, rows in groups.items() if len(rows) < 2]
    if alone:
        named = ", ".join(alone[:_NAMED]) + (" …" if len(alone) > _NAMED else "")
        progress.warn(f"{len(alone)} of the {len(groups)} values of {id_field} have one date only and get no change: "
                      f"{named}.")
    return Sequences([rows for rows in groups.values() if len(rows) > 1], found.dates, store, len(found.keys))


def read_pairs(before: Table, after: Table, id_field: str, file: Path, progress: Progress) -> Sequences:
    """Read two tables that have ids in common; rows of the later come first, those of the earlier after them."""
    later, store = _gather(after, id_field, "", file, progress)
    earlier, store = _gather(before, id_field, "", file, progress, store)
    places = _unique(earlier.keys, earlier.ids, before, id_field)
    own = _unique(later.keys, later.ids, after, id_field)
    count = len(later.keys)
    rows = [[count + places[key], row] for key, row in own.items() if key in places]
    if not rows:
        raise InputError("change-no-pair", "{before} and {after} have no value of {field} in common: choose the column "
                         "that names the same places in both.", before=before.name, after=after.name,
                         field=id_field or "the feature id")
    missing = count - len(rows)
    if missing:
        progress.warn(f"{missing} of {count} rows of {after.name} have no partner in {before.name} and get no change.")
    gone = len(places) - len(rows)
    if gone:
        progress.warn(f"{gone} rows of {before.name} have no partner in {after.name} and are not in the result.")
    return Sequences(rows, [None] * count, store, count)


def _gather(table: Table, id_field: str, date_field: str, file: Path, progress: Progress,
            store: Optional[VectorStore] = None) -> "tuple[_Gathered, VectorStore]":
    """Read ids, dates and vectors."""
    name = column_of(table, id_field, "ID_FIELD").name if id_field else ""
    date = column_of(table, date_field, "DATE_FIELD").name if date_field else ""
    found = _Gathered()
    if store is None:
        store = VectorStore(file, parse_key(table.space_key).dimensions)
    for chunk in table.chunks():
        if table.count > 0:
            progress.report(min(1.0, len(found.keys) / table.count))
        check(progress)
        ids = list(chunk.ids.tolist() if isinstance(chunk.ids, np.ndarray) else chunk.ids)
        found.ids.extend(ids)
        found.keys.extend(key_of(value) for value in (chunk.columns[name] if name else ids))
        found.dates.extend(chunk.columns[date] if date else [None] * len(ids))
        store.add(chunk.vectors)
    return found, store


def _unique(keys: "List[Optional[str]]", ids: "List[Any]", table: Table, id_field: str) -> "Dict[str, int]":
    """Return the row of each id, or name two rows that share one."""
    found: "Dict[str, int]" = {}
    for row, key in enumerate(keys):
        if key is None:
            continue
        if key in found:
            raise InputError("change-id-twice", "{table} has two rows with {field} “{key}” (rows {one} and {two}): "
                             "leave one out, or choose another ID_FIELD.", table=table.name, field=id_field or "the id",
                             key=key, one=ids[found[key]], two=ids[row])
        found[key] = row
    return found

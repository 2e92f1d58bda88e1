"""Reads a table of units and dates into grids: values, and which vector and further columns were known when."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Dict, List, Optional

import numpy as np

from ..errors import InputError
from ..progress import Progress, check
from ..provenance import Provenance
from ..table import ColumnSpec
from ..table.schema import column_named
from ..training.columns import NUMERIC_TYPES, ColumnPlan, fit_columns, level_of, numbers_of
from ..training.vector_rows import VectorRows
from .calendar import Calendar, find_calendar, missing_dates, read_moments
from .request import ForecastRequest

NONE_YET = -1
_SHOWN = 8


@dataclass(frozen=True)
class Series:
    """Units by dates: `values` is `(U, T)`, NaN where there is none.

    `vector_at` and `columns_at` `(U, T)` are which row of `vectors` `(m, D)` and of `columns` `(r, C)` was the latest
    known at a date, -1 before the first. `shapes` are the latest geometries of the units.
    """

    ids: "List[Any]"
    shapes: "List[Optional[bytes]]"
    calendar: Calendar
    values: np.ndarray
    vectors: np.ndarray
    vector_at: np.ndarray
    columns: np.ndarray
    columns_at: np.ndarray
    plan: ColumnPlan
    id_column: ColumnSpec
    date_column: ColumnSpec
    target_column: ColumnSpec
    like: Any
    provenance: "tuple[Provenance, ...]"

    @property
    def units(self) -> int:
        """Return how many units there are."""
        return len(self.ids)

    @property
    def dates(self) -> int:
        """Return how many dates there are, those that nobody has among them."""
        return self.calendar.count


@dataclass
class _Read:
    """All rows, as they come."""

    units: "List[int]"
    dates: "List[Any]"
    values: "List[np.ndarray]"
    vectors: "List[np.ndarray]"
    vector_of: "List[int]"
    cells: "Dict[str, List[Any]]"
    idle: int = 0


def read_series(request: ForecastRequest, progress: Progress) -> Series:
    """Read the table, and say what it holds."""
    rows = request.rows
    named = {name: _column(request, text, name) for text, name in (
        (request.id_field, "ID_FIELD"), (request.date_field, "DATE_FIELD"), (request.target, "TARGET"))}
    target, dated, identity = named["TARGET"], named["DATE_FIELD"], named["ID_FIELD"]
    if target.type not in (*NUMERIC_TYPES, "text"):
        raise InputError("forecast-target", "TARGET: the column “{column}” of {name} holds {kind} values: choose one "
                         "of numbers.", column=target.name, name=rows.name, kind=target.type)
    further = [_column(request, text, "COLUMNS") for text in request.columns]
    both = next((column.name for column in further if column.name == target.name), None)
    if both is not None:
        raise InputError("forecast-column-target", "The column “{column}” is the target and a further column at once: "
                         "its past is used anyway, so leave it out of COLUMNS.", column=both)
    table = VectorRows(rows, request.registry, progress)
    known: "Dict[Any, int]" = {}
    shapes: "List[Optional[bytes]]" = []
    latest: "List[Any]" = []
    read = _Read([], [], [], [], [], {column.name: [] for column in further})
    last: "Dict[int, tuple[bytes, int]]" = {}
    kept = 0
    for chunk in table.chunks():
        check(progress)
        progress.report(len(read.units) / max(rows.count, 1), None if read.units else f"Reading {rows.name}")
        numbers = numbers_of(chunk.columns[target.name], target.name)
        there = [row for row in range(len(chunk.wkb)) if level_of(chunk.columns[identity.name][row]) is not None
                 and level_of(chunk.columns[dated.name][row]) is not None]
        read.idle += len(chunk.wkb) - len(there)
        whole = np.isfinite(chunk.vectors).all(axis=1)
        fresh: "List[int]" = []
        for row in there:
            name, date = chunk.columns[identity.name][row], chunk.columns[dated.name][row]
            unit = known.setdefault(name, len(known))
            if unit == len(shapes):
                shapes.append(None)
                latest.append(None)
            if chunk.wkb[row] is not None and (latest[unit] is None or date >= latest[unit]):
                shapes[unit], latest[unit] = chunk.wkb[row], date
            read.units.append(unit)
            read.dates.append(date)
            place = NONE_YET
            if whole[row]:
                raw = chunk.vectors[row].tobytes()
                # Units mostly have one vector on all their dates; it is kept once.
                if last.get(unit, (b"", 0))[0] != raw:
                    last[unit] = raw, kept + len(fresh)
                    fresh.append(row)
                place = last[unit][1]
            read.vector_of.append(place)
        kept += len(fresh)
        read.vectors.append(chunk.vectors[fresh])
        read.values.append(numbers[there])
        for column in further:
            read.cells[column.name] += [chunk.columns[column.name][row] for row in there]
    return _arranged(request, read, list(known), shapes, table, (identity, dated, target), further, progress)


def _arranged(request: ForecastRequest, read: _Read, ids: "List[Any]", shapes: "List[Optional[bytes]]",
              table: VectorRows, named: "tuple[ColumnSpec, ColumnSpec, ColumnSpec]", further: "List[ColumnSpec]",
              progress: Progress) -> Series:
    """Put rows into grids."""
    identity, dated, target = named
    name = request.rows.name
    if read.idle:
        progress.warn(f"{read.idle:,} rows of {name} have no id or no date and are left out.")
    moments = read_moments(read.dates, dated.name, name)
    found = find_calendar(list(moments.values()), dated.name, name)
    index = np.array([found.index_of(moments[date]) for date in read.dates], dtype=np.int64)
    unit = np.array(read.units, dtype=np.int64)
    place = unit * found.count + index
    order = np.argsort(place, kind="stable")
    twice = np.flatnonzero(np.diff(place[order]) == 0)
    if len(twice):
        row = int(order[twice[0]])
        raise InputError("forecast-twice", "{name} has two rows for {unit} at {date}: a forecast needs one row for "
                         "each unit and date.", name=name, unit=ids[unit[row]], date=read.dates[row])
    values = np.concatenate(read.values)
    endless = int(np.isinf(values).sum())
    if endless:
        progress.warn(f"{endless:,} infinite values of “{target.name}” count as missing.")
    shape = (len(ids), found.count)
    grid = np.full(shape, np.nan)
    grid[unit, index] = np.where(np.isfinite(values), values, np.nan)
    if not np.isfinite(grid).any():
        raise InputError("forecast-empty", "{name} has no value of “{target}”: choose another TARGET.", name=name,
                         target=target.name)
    if np.nanmin(grid) == np.nanmax(grid):
        raise InputError("forecast-constant", "The target “{target}” of {name} is {value:g} at all dates: there is "
                         "nothing to forecast.", target=target.name, name=name, value=float(np.nanmax(grid)))
    vector_at = np.full(shape, NONE_YET, dtype=np.int64)
    vector_at[unit, index] = read.vector_of
    rows_at = np.full(shape, NONE_YET, dtype=np.int64)
    rows_at[unit, index] = np.arange(len(unit))
    plan = fit_columns(further, read.cells)
    columns = plan.encode(read.cells) if further else np.zeros((len(unit), 0), dtype=np.float32)
    last = int(np.flatnonzero(np.isfinite(grid).any(axis=0))[-1]) + 1
    if last < found.count:
        progress.info(f"The last {found.count - last} dates have no value of “{target.name}”: the forecast begins "
                      "there, and what else they hold is not used.")
        found, grid = replace(found, count=last), grid[:, :last]
        vector_at, rows_at = vector_at[:, :last], rows_at[:, :last]
    _tell(request, found, grid, missing_dates(found, [moment for moment in moments.values()
                                                      if found.index_of(moment) < last]), progress)
    return Series(ids, shapes, found, grid, np.concatenate(read.vectors), carried_places(vector_at), columns,
                  carried_places(rows_at), plan, identity, dated, target, read.dates[0],
                  tuple(table.identity.provenance))


def carried_places(places: np.ndarray) -> np.ndarray:
    """Return `(U, T)` numbers where each -1 after a number became the last one before it."""
    dates = np.where(places != NONE_YET, np.arange(places.shape[1]), NONE_YET)
    latest = np.maximum.accumulate(dates, axis=1)
    found = np.take_along_axis(places, np.maximum(latest, 0), axis=1)
    return np.where(latest == NONE_YET, NONE_YET, found)


def _tell(request: ForecastRequest, found: Calendar, grid: np.ndarray, nobody: int, progress: Progress) -> None:
    """Say what was found."""
    progress.info(f"{grid.shape[0]:,} units at {found.count:,} dates, {found.spacing} apart.")
    missing = int((~np.isfinite(grid)).sum())
    if missing:
        beside = f" ({nobody} dates are missing altogether)" if nobody else ""
        progress.info(f"{missing:,} of {grid.size:,} values of “{request.target}” are missing{beside}: none is "
                      "invented to learn from; where a past value is missing, the one before stands for it.")


def _column(request: ForecastRequest, text: str, parameter: str) -> ColumnSpec:
    """Return the column that a parameter names."""
    column = column_named(request.rows.columns, text)
    if column is None:
        names = ", ".join(other.name for other in request.rows.columns[:_SHOWN])
        raise InputError("forecast-column", "{name} has no column “{column}”, which {parameter} names: choose among "
                         "{names}.", name=request.rows.name, column=text, parameter=parameter, names=names)
    return column

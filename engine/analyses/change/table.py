"""Change in embedding tables: between consecutive dates of each id, or each row against the history of its id."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional

import numpy as np
from osgeo import ogr

from ...dataset import quiet
from ...errors import InputError
from ...progress import Part, Progress, check
from ...space import Space, parse_key
from ...table import TableWriter
from ...table.location import parse_destination
from ...table.parts import ColumnSpec, Table
from ...whole import require_writable
from .comparable import Dated, require_same_spaces, require_untold
from .history import FLOOR_SHARE, History, centre_and_scale
from .measures import Measure, fit_standardised, plain_measure
from .request import (
    HISTORY,
    LEAST_DATES,
    STANDARDISED,
    TABLE_METHODS,
    TableChangeRequest,
    TableChangeResult,
)
from .sequences import Sequences, column_of, read_pairs, read_sequences
from .threshold import STABLE, ArrayValues, parse_threshold, split_threshold, stable_threshold

CHANGE = "change"
CHANGED = "changed"
PREVIOUS = "previous"
_CHUNK = 8192
_LEAST_SCALE = 1e-6


def detect_table_change(request: TableChangeRequest, progress: Progress) -> TableChangeResult:
    """Write the table with what changed."""
    started = time.monotonic()
    _check(request)
    folder = Path(parse_destination(request.output).path).resolve().parent
    require_writable(Path(parse_destination(request.output).path))
    _require_comparable(request, progress)
    with tempfile.TemporaryDirectory(prefix=".earthprint-", dir=folder) as scratch:
        file = Path(scratch) / "vectors.f4"
        reading = Part(progress, 0.0, 0.4)
        reading.report(0.0, "Reading")
        if request.before is not None:
            found = read_pairs(request.before, request.table, request.id_field, file, reading)
        else:
            found = read_sequences(request.table, request.id_field, request.date_field, file, reading)
        progress.report(0.4, "Comparing")
        changes, previous = _changes(found, request, Part(progress, 0.4, 0.6))
        if not np.isfinite(changes).any():
            raise _nothing(request)
        threshold = _threshold(changes, request, progress)
        rows = _write(request, changes, previous, found.dates, threshold, Part(progress, 0.6, 1.0))
    compared = int(np.isfinite(changes).sum())
    with np.errstate(invalid="ignore"):
        changed = int((changes >= threshold).sum())
    progress.info(f"Threshold {threshold:.6g}: {changed} of {compared} rows with a magnitude changed "
                  f"({changed / compared:.2%}).")
    return TableChangeResult(request.output, threshold, rows, compared, changed, time.monotonic() - started)


def _check(request: TableChangeRequest) -> None:
    """Refuse what can't be, before anything is read."""
    options = request.options
    if options.method not in TABLE_METHODS:
        raise InputError("change-method", "METHOD: “{method}” is not one of {methods}.", method=options.method,
                         methods=", ".join(TABLE_METHODS))
    if request.before is not None and options.method == HISTORY:
        raise InputError("change-dates-few", "METHOD history needs at least {least} dates to know what is usual for a "
                         "place, and there are {count}: give a table of all dates as INPUT, or choose cosine.",
                         least=LEAST_DATES, count=2)
    if request.before is None and not (request.id_field and request.date_field):
        raise InputError("change-fields", "ID_FIELD and DATE_FIELD name the columns that say which rows of {table} are "
                         "the same place at another date: give both, or two tables as BEFORE and AFTER.",
                         table=request.table.name)
    if parse_threshold(options.threshold) == STABLE:
        if not options.stable:
            raise InputError("change-stable-missing", "THRESHOLD is stable, but STABLE names no polygons of ground "
                             "that didn't change: draw some, or choose otsu, triangle or a number.")
        if request.table.geometry_type == ogr.wkbNone:
            raise InputError("change-stable-placeless", "THRESHOLD is stable, but the rows of {table} have no geometry "
                             "that could lie in STABLE: choose otsu, triangle or a number.", table=request.table.name)


def _require_comparable(request: TableChangeRequest, progress: Progress) -> None:
    """Check that the dates may be compared."""
    table, before = request.table, request.before
    if before is not None:
        dates = [_dated(before, before.name), _dated(table, table.name)]
    else:
        dates = [_dated(table, f"The earlier rows of {table.name}"), _dated(table, f"the later rows of {table.name}")]
        if not parse_key(table.space_key).declared:
            dates = [_dated(table, table.name)] * 2
    require_same_spaces(dates, progress)
    require_untold(dates[:1] if before is None else dates, True, request.encoders, progress)


def _dated(table: Table, name: str) -> Dated:
    """Return what a table says of itself."""
    identity = table.identity()
    return Dated(name, table.space_key, identity if isinstance(identity, Space) else None)


def _changes(found: Sequences, request: TableChangeRequest,
             progress: Progress) -> "tuple[np.ndarray, np.ndarray]":
    """Return each row's magnitude, NaN where there is none, and the row it is compared with, −1 where there is none."""
    changes = np.full(found.count, np.nan, dtype=np.float32)
    previous = np.full(found.count, -1, dtype=np.int64)
    if request.options.method == HISTORY:
        _histories(found, parse_key(request.table.space_key).metric == "cosine", changes, progress)
        return changes, previous
    pairs = np.array([pair for rows in found.rows for pair in zip(rows, rows[1:])], dtype=np.int64).reshape(-1, 2)
    if not len(pairs):
        return changes, previous
    measure = _measure(found, pairs, request, progress)
    for start in range(0, len(pairs), _CHUNK):
        check(progress)
        progress.report(start / len(pairs))
        part = pairs[start:start + _CHUNK]
        one, two = (np.ascontiguousarray(found.vectors.rows(part[:, side]).T) for side in (0, 1))
        changes[part[:, 1]] = measure.distance(*measure.mapped(one, two))
    if request.before is None:
        previous[pairs[:, 1]] = pairs[:, 0]
    return changes, previous


def _measure(found: Sequences, pairs: np.ndarray, request: TableChangeRequest, progress: Progress) -> Measure:
    """Return the way pairs are compared, fitted where the method learns from the data."""
    options = request.options
    if options.method != STANDARDISED:
        return plain_measure(options.method)
    chosen = pairs
    if len(pairs) > options.sample:
        kept = np.random.default_rng(options.seed).choice(len(pairs), options.sample, replace=False)
        chosen = pairs[np.sort(kept)]
    return fit_standardised(found.vectors.rows(chosen[:, 0]), found.vectors.rows(chosen[:, 1]), progress.warn)


def _histories(found: Sequences, angular: bool, changes: np.ndarray, progress: Progress) -> None:
    """Score the rows of each id that has dates enough; ids with as many dates go together."""
    by_length: "Dict[int, List[List[int]]]" = {}
    for rows in found.rows:
        by_length.setdefault(len(rows), []).append(rows)
    short = sum(len(groups) for length, groups in by_length.items() if length < LEAST_DATES)
    if short:
        progress.warn(f"{short} ids have fewer than {LEAST_DATES} dates, which is no history, and get no change.")
    plain = History(angular)
    together = [np.array(groups[start:start + _CHUNK // length + 1], dtype=np.int64)
                for length, groups in sorted(by_length.items()) if length >= LEAST_DATES
                for start in range(0, len(groups), _CHUNK // length + 1)]
    distances, scales = [], []
    for done, rows in enumerate(together):
        check(progress)
        progress.report(done / len(together))
        dates = [np.ascontiguousarray(found.vectors.rows(rows[:, place]).T) for place in range(rows.shape[1])]
        distances.append(plain.distances(dates)[0])
        known = distances[-1][:, np.isfinite(distances[-1]).any(axis=0)]
        scales.append(centre_and_scale(known)[1])
    if not together:
        return
    usual = np.concatenate(scales)
    least = max(FLOOR_SHARE * float(np.median(usual)), _LEAST_SCALE) if len(usual) else _LEAST_SCALE
    for rows, apart in zip(together, distances):
        changes[rows.T] = History(angular, least).scores(apart)


def _threshold(changes: np.ndarray, request: TableChangeRequest, progress: Progress) -> float:
    """Return from which magnitude on rows changed."""
    rule = parse_threshold(request.options.threshold)
    if isinstance(rule, float):
        return float(np.float32(rule))
    if rule == STABLE:
        inside = np.concatenate(list(_within(request.table, request.options.stable, progress)))
        return stable_threshold(ArrayValues(changes[inside]), request.options.false_alarm, "STABLE", progress)
    return float(np.float32(split_threshold(ArrayValues(changes), rule, progress)))


def _within(table: Table, polygons: "tuple[bytes, ...]", progress: Progress) -> "Iterator[np.ndarray]":
    """Yield which rows lie in polygons, by a point on each."""
    shapes = [ogr.CreateGeometryFromWkb(polygon) for polygon in polygons]
    with quiet():
        for chunk in table.chunks():
            check(progress)
            yield np.array([_inside(wkb, shapes) for wkb in chunk.wkb], dtype=bool)


def _inside(wkb: Optional[bytes], shapes: "List[ogr.Geometry]") -> bool:
    """Tell whether a point on a geometry lies in any polygon."""
    geometry = ogr.CreateGeometryFromWkb(wkb) if wkb is not None else None
    if geometry is None or geometry.IsEmpty():
        return False
    point = geometry.PointOnSurface() if geometry.GetDimension() == 2 else geometry.Centroid()
    return any(shape.Contains(point) for shape in shapes)


def _nothing(request: TableChangeRequest) -> InputError:
    """Say that no row has a partner."""
    if request.options.method == HISTORY:
        return InputError("change-dates-few", "METHOD history needs at least {least} dates to know what is usual for a "
                          "place, and no value of {field} in {table} has as many: choose cosine, or another ID_FIELD.",
                          least=LEAST_DATES, field=request.id_field, table=request.table.name)
    return InputError("change-single", "No value of {field} in {table} has vectors at two dates, so nothing can be "
                      "compared: choose the column that names the same place at every date.",
                      field=request.id_field or "the feature id", table=request.table.name)


def _write(request: TableChangeRequest, changes: np.ndarray, previous: np.ndarray, dates: "List[Any]",
           threshold: float, progress: Progress) -> int:
    """Write the rows in their order with what changed."""
    table = request.table
    own = {CHANGE, CHANGED, PREVIOUS}
    replaced = [column.name for column in table.columns if column.name.lower() in own]
    if replaced:
        progress.info(f"The columns {', '.join(replaced)} of {table.name} are replaced.")
    columns = [column for column in table.columns if column.name not in replaced]
    added = [ColumnSpec(CHANGE, "real"), ColumnSpec(CHANGED, "boolean")]
    if request.before is None and request.options.method != HISTORY:
        added.insert(0, ColumnSpec(PREVIOUS, column_of(table, request.date_field, "DATE_FIELD").type))
    coding = parse_key(table.space_key).coding
    start = 0
    progress.report(0.0, "Writing")
    with TableWriter(request.output, table.wkt, table.geometry_type, columns + added, table.identity(), coding,
                     request.registry) as writer:
        for chunk in table.chunks():
            progress.report(start / max(1, len(changes)))
            check(progress)
            part = slice(start, start + len(chunk.wkb))
            values = changes[part]
            known = np.isfinite(values)
            cells: "Dict[str, Any]" = {column.name: chunk.columns[column.name] for column in columns}
            cells[CHANGE] = [float(value) if there else None for value, there in zip(values, known)]
            cells[CHANGED] = [bool(value >= threshold) if there else None for value, there in zip(values, known)]
            cells[PREVIOUS] = [dates[row] if row >= 0 else None for row in previous[part]]
            writer.write(chunk.wkb, cells, chunk.vectors)
            start = part.stop
        return writer.count

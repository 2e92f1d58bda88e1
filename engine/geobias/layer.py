"""Judges a layer of predictions: rows in, points with local scores and a page out."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Tuple

import numpy as np
from osgeo import ogr, osr

from ..dataset import quiet, spatial_reference
from ..errors import InputError
from ..locations.latitudes import refuse_beyond
from ..locations.places import CENTROID, Places
from ..plain_layer import LayerWriter
from ..progress import Part, Progress, check
from ..table import CHUNK_ROWS, ColumnSpec, Rows
from ..table.kept_names import kept_names
from ..whole import require_writable
from .judged_columns import JudgedColumns, judged_columns
from .marking import AUTOMATIC, Marks, marks_from, marks_of
from .report import Told, write_report
from .request import BiasRequest
from .result import BiasResult
from .scoring import geo_bias
from .threshold import DEFAULT_THRESHOLD, parse_threshold
from .verdict import FEW, LEVEL, Verdict, smallest_possible, verdict_of

_POINT = np.dtype([("order", "u1"), ("kind", "<u4"), ("x", "<f8"), ("y", "<f8")])


@dataclass(frozen=True)
class LayerBiasRequest:
    """Rows with predictions, where truth and prediction stand, and where results go; empty columns are looked for."""

    rows: Rows
    output: str
    bias: BiasRequest = field(default_factory=BiasRequest)
    truth: str = ""
    predicted: str = ""
    mark: str = ""
    kind: str = AUTOMATIC
    threshold: str = DEFAULT_THRESHOLD
    place: str = CENTROID
    report: str = ""


@dataclass(frozen=True)
class LayerBiasResult:
    """What was found, and what was written."""

    output: str
    bias: BiasResult
    verdict: Verdict
    left_out: int


@dataclass(frozen=True, eq=False)
class _Read:
    """What is needed of all rows at once."""

    places: np.ndarray
    marks: Marks
    columns: JudgedColumns


def layer_bias(request: LayerBiasRequest, progress: Progress) -> LayerBiasResult:
    """Score the layer and write points in its CRS, with all attributes, in the order of its rows."""
    rows = request.rows
    for path in filter(None, (request.output.split("|")[0], request.report)):
        require_writable(Path(path))
    request.bias.check()
    threshold = parse_threshold(request.threshold)
    if rows.geometry_type == ogr.wkbNone:
        raise InputError("bias-no-geometry", "{name} is a table without geometry, so its rows have no place: make "
                         "points with “Create points layer from table” first.", name=rows.name)
    read = _read(request, threshold, Part(progress, 0.0, 0.1))
    if read.columns.chosen:
        progress.info(read.columns.chosen)
    progress.info(f"A point counts as a failure where {read.marks.told}.")
    left_out = _tell_left_out(rows, read, progress)
    result = geo_bias(read.places, read.marks.failures, request.bias, Part(progress, 0.1, 0.9), rows.name)
    verdict = verdict_of(result, read.marks.by_sign)
    warnings = list(result.warnings)
    least = smallest_possible(request.bias.permutations)
    if verdict.found is not None and least * verdict.looks > LEVEL:
        looks = f" with {verdict.looks} scores" if verdict.looks > 1 else ""
        warnings.append(f"PERMUTATIONS {request.bias.permutations} can give no p-value below {least:.2g}, too large to "
                        f"show anything{looks}: take 199.")
        progress.warn(warnings[-1])
    _write(request, read, result, Part(progress, 0.9, 1.0))
    if request.report:
        write_report(request.report, Told(rows.name, request.bias, read.places, read.marks, result, verdict,
                                          tuple(warnings), left_out))
    progress.info(verdict.sentence)
    return LayerBiasResult(request.output, result, verdict, left_out)


def _read(request: LayerBiasRequest, threshold: Any, progress: Progress) -> _Read:
    """Read places, truth and predictions."""
    rows = request.rows
    if not rows.count:
        raise InputError("table-empty", "{name} has no rows: check its filter, or choose another layer.",
                         name=rows.name)
    columns = judged_columns(rows.name, [column.name for column in rows.columns], request.truth, request.predicted,
                             request.mark)
    finder = Places(rows.name, rows.wkt, request.place)
    places: List[np.ndarray] = []
    values: Dict[str, List[Any]] = {name: [] for name in (columns.truth, columns.predicted, columns.mark) if name}
    done = 0
    for chunk in rows.rows(CHUNK_ROWS):
        check(progress)
        found_places = finder.find(chunk.wkb)
        nowhere = np.flatnonzero(~np.isfinite(found_places[:, 0]))
        if len(nowhere) and finder.degrees:
            refuse_beyond(rows.name, [chunk.ids[row] for row in nowhere], [chunk.wkb[row] for row in nowhere])
        places.append(found_places)
        for name, found in values.items():
            found.extend(chunk.columns[name])
        done += len(chunk.wkb)
        progress.report(done / max(rows.count, done), "Reading" if done == len(chunk.wkb) else None)
    where = np.concatenate(places) if places else np.empty((0, 2))
    if columns.mark:
        marks = marks_from(values[columns.mark], columns.mark)
    else:
        marks = marks_of(values[columns.truth], values[columns.predicted], request.kind, threshold)
    return _Read(where, marks, columns)


def _tell_left_out(rows: Rows, read: _Read, progress: Progress) -> int:
    """Count what can't be scored, and say why."""
    nowhere = ~np.isfinite(read.places).all(axis=1)
    unmarked = ~np.isfinite(read.marks.failures) & ~nowhere
    if nowhere.any():
        progress.warn(f"{int(nowhere.sum())} of {len(nowhere)} features of {rows.name} have no place on the globe (no "
                      "geometry, an empty one, or coordinates that its coordinate reference system doesn't have) "
                      "and are left out.")
    if unmarked.any():
        progress.warn(f"{int(unmarked.sum())} features of {rows.name} have no value to compare and are left out.")
    return int((nowhere | unmarked).sum())


def _write(request: LayerBiasRequest, read: _Read, result: BiasResult, progress: Progress) -> None:
    """Write the points."""
    rows = request.rows
    added = _added(read, result)
    names = kept_names(rows.name, rows.columns, [spec.name for spec, _ in added], progress)
    columns = [ColumnSpec(names.get(column.name, column.name), column.type) for column in rows.columns]
    points = ogr.GT_Flatten(rows.geometry_type) == ogr.wkbPoint
    geometry_type = rows.geometry_type if points else ogr.wkbPoint
    start = 0
    with LayerWriter(request.output, rows.wkt, geometry_type, [*columns, *(spec for spec, _ in added)]) as writer:
        for chunk in rows.rows(CHUNK_ROWS):
            check(progress)
            part = slice(start, start + len(chunk.wkb))
            wkb = chunk.wkb if points else _point_shapes(rows.wkt, read.places[part])
            values = {names.get(name, name): column for name, column in chunk.columns.items()}
            values.update({spec.name: _plain(column[part]) for spec, column in added})
            writer.write(wkb, values)
            start += len(chunk.wkb)
            progress.report(start / max(rows.count, start), "Writing" if start == len(chunk.wkb) else None)


def _added(read: _Read, result: BiasResult) -> "List[Tuple[ColumnSpec, np.ndarray]]":
    """Return the columns that a point gets."""
    known = np.isfinite(result.share)
    near = np.where(known, result.near.astype(np.float64), np.nan)
    found = [(ColumnSpec("failure", "integer"), np.where(known, read.marks.failures, np.nan)),
             (ColumnSpec("places_near", "integer"), near),
             (ColumnSpec("failures_near", "real"), result.share_near),
             (ColumnSpec("few_near", "integer"), np.where(known, (result.near < FEW).astype(np.float64), np.nan))]
    for score, local in result.local.items():
        found += [(ColumnSpec(f"bias_{score}", "real"), local.values), (ColumnSpec(f"p_{score}", "real"), local.p)]
    whole = {"failure", "places_near", "few_near"}
    return [(spec, values.astype(object) if spec.name in whole else values) for spec, values in found]


def _plain(values: np.ndarray) -> "List[Any]":
    """Return values as a layer takes them, None for NaN; columns of whole numbers come as objects."""
    whole = values.dtype == object
    return [None if value != value else int(value) if whole else float(value) for value in values.tolist()]


def _point_shapes(wkt: str, places: np.ndarray) -> "List[Any]":
    """Return places as points in a CRS, None where there is none."""
    found = np.full(places.shape, np.nan)
    known = np.isfinite(places).all(axis=1)
    if known.any():
        world = osr.SpatialReference()
        world.ImportFromEPSG(4326)
        world.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
        with quiet():
            way = osr.CoordinateTransformation(world, spatial_reference(wkt))
            found[known] = np.asarray(way.TransformPoints(places[known].tolist()), dtype=np.float64)[:, :2]
    packed = np.zeros(len(found), dtype=_POINT)
    packed["order"], packed["kind"], packed["x"], packed["y"] = 1, 1, found[:, 0], found[:, 1]
    data, size = packed.tobytes(), _POINT.itemsize
    return [data[row * size:(row + 1) * size] if one else None
            for row, one in enumerate(np.isfinite(found).all(axis=1).tolist())]

"""Reads what is needed of coarse and fine units beside their vectors: values, weights, keys and places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, List, Optional

import numpy as np
from osgeo import ogr

from ..centres import centres_of
from ..dataset import quiet
from ..errors import InputError
from ..fusing.true_areas import TrueAreas
from ..geodesy import polygon_area
from ..progress import Progress, check
from ..table import ColumnSpec, Rows
from ..table.schema import column_named
from ..training.columns import NUMERIC_TYPES, numbers_of

SQUARE_KILOMETRE = 1e6
_ROWS = 20_000
_MANY = 2000
_FLAT_AREAL = (ogr.wkbPolygon, ogr.wkbMultiPolygon, ogr.wkbCurvePolygon, ogr.wkbMultiSurface)


@dataclass(frozen=True)
class Units:
    """Units in the order of their layer: numbers are NaN where there is none; areas are in square kilometres.

    `points` lie within the units, in the CRS of the layer; `keys` are the values of the column that was asked for.
    """

    ids: "List[Any]"
    keys: "List[Any]"
    values: np.ndarray
    weights: np.ndarray
    areas: np.ndarray
    points: np.ndarray
    shapes: "List[Optional[bytes]]"

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.ids)

    @property
    def areal(self) -> bool:
        """Tell whether any of them covers ground."""
        return bool((np.nan_to_num(self.areas) > 0).any())


@dataclass(frozen=True)
class UnitColumns:
    """What to read of a layer: columns, None for what isn't needed, areas and whole geometries."""

    value: Optional[ColumnSpec]
    weight: Optional[ColumnSpec]
    key: Optional[ColumnSpec]
    areas: bool = True
    shapes: bool = False


def read_units(rows: Rows, wanted: UnitColumns, progress: Progress) -> Units:
    """Read all units of a layer; areas that aren't wanted are NaN."""
    ids: "List[Any]" = []
    keys: "List[Any]" = []
    shapes: "List[Optional[bytes]]" = []
    values, weights, areas, points = [], [], [], []
    for chunk in rows.rows(_ROWS):
        check(progress)
        progress.report(len(ids) / max(rows.count, 1), None if ids else f"Reading {rows.name}")
        count = len(chunk.wkb)
        values.append(_numbers(chunk.columns, wanted.value, count))
        weights.append(_numbers(chunk.columns, wanted.weight, count))
        areas.append(areas_of(chunk.wkb, rows.wkt) if wanted.areas else np.full(count, np.nan))
        points.append(_inner_points(chunk.wkb))
        ids += [_plain(value) for value in chunk.ids]
        keys += chunk.columns[wanted.key.name] if wanted.key is not None else [None] * count
        shapes += chunk.wkb if wanted.shapes else []
    if not ids:
        raise InputError("units-none", "{name} has no rows: check its filter and selection.", name=rows.name)
    return Units(ids, keys, np.concatenate(values), np.concatenate(weights), np.concatenate(areas),
                 np.concatenate(points), shapes)


def number_column(rows: Rows, name: str, parameter: str) -> ColumnSpec:
    """Return a column of numbers that a parameter names."""
    column = any_column(rows, name, parameter)
    if column.type not in (*NUMERIC_TYPES, "text"):
        raise InputError("units-type", "{parameter}: the column “{column}” of {name} holds {kind} values: choose one "
                         "of numbers.", parameter=parameter, column=column.name, name=rows.name, kind=column.type)
    return column


def any_column(rows: Rows, name: str, parameter: str) -> ColumnSpec:
    """Return the column that a parameter names."""
    column = column_named(rows.columns, name)
    if column is None:
        raise InputError("units-column", "{name} has no column “{column}”, which {parameter} names.", name=rows.name,
                         column=name, parameter=parameter)
    return column


def _numbers(columns: Any, spec: Optional[ColumnSpec], count: int) -> np.ndarray:
    """Return a column's numbers; an infinite one is none."""
    if spec is None:
        return np.full(count, np.nan)
    found = numbers_of(columns[spec.name], spec.name)
    return np.where(np.isfinite(found), found, np.nan)


def areas_of(shapes: "List[Optional[bytes]]", wkt: str) -> np.ndarray:
    """Return square kilometres of true ground; NaN without a geometry, 0 for points and lines.

    Of many polygons each is measured in the plane, times what that is on the ground thereabouts.
    """
    if len(shapes) < _MANY:
        return np.array([polygon_area(shape, wkt) for shape in shapes]) / SQUARE_KILOMETRE
    found = np.full(len(shapes), np.nan)
    rows, polygons = [], []
    for row, shape in enumerate(shapes):
        geometry = ogr.CreateGeometryFromWkb(shape) if shape is not None else None
        if geometry is None:
            continue
        found[row] = 0.0
        if geometry.GetDimension() == 2 and not geometry.IsEmpty():
            rows.append(row)
            polygons.append(geometry)
    if polygons:
        boxes = np.array([polygon.GetEnvelope() for polygon in polygons])
        extent = (boxes[:, 0].min(), boxes[:, 1].max(), boxes[:, 2].min(), boxes[:, 3].max())
        found[rows] = TrueAreas(wkt, extent).of(polygons) / SQUARE_KILOMETRE
    return found


def _inner_points(shapes: "List[Optional[bytes]]") -> np.ndarray:
    """Return a point within each polygon, which a centroid need not be, and the centre of anything else."""
    found = centres_of(shapes)
    with quiet():
        for row, shape in enumerate(shapes):
            if shape is None or len(shape) <= 21:
                continue
            geometry = ogr.CreateGeometryFromWkb(shape)
            if geometry is None or ogr.GT_Flatten(geometry.GetGeometryType()) not in _FLAT_AREAL:
                continue
            try:
                inner = geometry.PointOnSurface()
            except RuntimeError:
                # An outline that crosses itself has none; its centre is the best there is.
                continue
            if inner is not None and not inner.IsEmpty():
                found[row] = inner.GetX(), inner.GetY()
    return found


def _plain(value: Any) -> Any:
    """Return an id as Python's own."""
    return value.item() if isinstance(value, np.generic) else value

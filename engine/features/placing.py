"""Brings the vertices of features into the CRS of a field."""

from __future__ import annotations

from typing import Optional

import numpy as np
from osgeo import osr

from ..dataset import metres_per_unit, quiet, spatial_reference
from ..errors import InputError
from ..geodesy import densified
from ..progress import Progress, check
from .outlines import POINT, Outlines

_LONGEST_METRES = 5000.0
_LONGEST_DEGREES = 0.05
_MOST_PARTS = 512
_BATCH = 100_000
_NONE = '"Undefined '


def bring_over(outlines: Outlines, wkt: str, name: str, field_wkt: str, field_name: str,
               progress: Progress) -> Outlines:
    """Return outlines in the CRS of a field; vertices that have no place there become NaN.

    Long edges get vertices in between first, because a straight edge is curved in another CRS.
    """
    way = _way(wkt, name, field_wkt, field_name)
    if way is None or not outlines.vertices:
        return outlines
    metres = metres_per_unit(wkt)
    longest = _LONGEST_DEGREES if metres is None else _LONGEST_METRES / metres
    dense = [points if kind == POINT else _dense(points, longest)
             for kind, points in zip(outlines.kinds, outlines.vertices)]
    lengths = [len(points) for points in dense]
    flat = np.concatenate(dense)
    for start in range(0, len(flat), _BATCH):
        check(progress)
        flat[start:start + _BATCH] = _moved(way, flat[start:start + _BATCH])
    ends = np.cumsum(lengths)
    return Outlines(outlines.kinds, outlines.features, np.split(flat, ends[:-1]), outlines.count, outlines.mended)


def stated(wkt: str) -> str:
    """Return a CRS, or nothing for those that GeoPackages have for layers without any."""
    return "" if _NONE in wkt[:60] else wkt


def _way(wkt: str, name: str, field_wkt: str, field_name: str) -> Optional[osr.CoordinateTransformation]:
    """Return the transformation, None where none is needed."""
    wkt, field_wkt = stated(wkt), stated(field_wkt)
    for one, one_name, other in ((wkt, name, field_wkt), (field_wkt, field_name, wkt)):
        if not one and other:
            raise InputError("features-crs", "{name} has no CRS: state it with “Assign projection” first.",
                             name=one_name)
    if not wkt:
        return None
    source, target = spatial_reference(wkt), spatial_reference(field_wkt)
    with quiet() as messages:
        if source.IsSame(target):
            return None
        try:
            way = osr.CoordinateTransformation(source, target)
        except RuntimeError as error:
            raise _no_way(name, field_name, error) from error
        if getattr(way, "this", None) is None:
            raise _no_way(name, field_name, messages.last)
    return way


def _no_way(name: str, field_name: str, reason: object) -> InputError:
    """Say that two CRSs don't meet."""
    return InputError("features-crs-way", "{name} can't be brought into the CRS of {field} ({reason}): use “Reproject "
                      "layer” first.", name=name, field=field_name, reason=reason)


def _dense(points: np.ndarray, longest: float) -> np.ndarray:
    """Put vertices into edges that are too long."""
    step = np.abs(np.diff(points, axis=0)).max(initial=0.0)
    if not step > longest:
        return points
    return densified(points, max(longest, step / _MOST_PARTS))


def _moved(way: osr.CoordinateTransformation, points: np.ndarray) -> np.ndarray:
    """Transform points; NaN where there is no way."""
    with quiet():
        try:
            found = np.asarray(way.TransformPoints(points.tolist()), dtype=np.float64)[:, :2]
        except RuntimeError:
            found = np.array([_one(way, point) for point in points])
    found[~np.isfinite(found).all(axis=1)] = np.nan
    return found


def _one(way: osr.CoordinateTransformation, point: np.ndarray) -> "tuple[float, float]":
    """Transform one point, where GDAL raises for the first that it can't."""
    try:
        x, y, _ = way.TransformPoint(float(point[0]), float(point[1]))
    except RuntimeError:
        return float("nan"), float("nan")
    return x, y

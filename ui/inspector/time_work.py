"""What the page of dates has done in tasks: which rasters have which space and date, and the curves at places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Tuple

from qgis.core import QgsCoordinateReferenceSystem

from ...engine.analyses.change.dates import moment_of
from ...engine.dataset import raster_info
from ...engine.errors import Cancelled, EarthprintError, InputError
from ...engine.field import open_field
from ...engine.inspecting.date_names import date_in, date_of_metadata
from ...engine.inspecting.timeline import Timeline, timeline
from ...engine.inspecting.usual_change import usual_change
from ...engine.progress import Part, Progress, check
from ...engine.space import require_same
from .scatter_work import wkt_of
from .session import Place


@dataclass(frozen=True)
class RasterAsked:
    """A raster of the project: its layer, its file, and the date that QGIS or the user states (else empty)."""

    layer_id: str
    name: str
    path: str
    date: str


@dataclass(frozen=True)
class RasterFound:
    """A raster with embeddings: its space's key and its date, as stated or as name and metadata tell (else empty)."""

    layer_id: str
    name: str
    path: str
    key: str
    date: str


@dataclass(frozen=True)
class CurvesRequest:
    """Rasters with dates, the path of the one to compare with, and named places in one CRS."""

    rasters: Tuple[RasterFound, ...]
    reference: str
    places: Tuple[Tuple[str, Place], ...]
    crs: QgsCoordinateReferenceSystem


@dataclass(frozen=True)
class UsualRequest:
    """The paths of rasters that may be compared, the one to compare with, and an extent in a CRS."""

    paths: Tuple[str, ...]
    reference: str
    crs: QgsCoordinateReferenceSystem
    extent: Tuple[float, float, float, float]


@dataclass(frozen=True)
class PlaceCurve:
    """A place with its letter, and its distances."""

    letter: str
    place: Place
    line: Timeline


@dataclass(frozen=True)
class Curves:
    """Curves in the order of dates, and what went wrong beside them."""

    curves: Tuple[PlaceCurve, ...]
    remarks: Tuple[str, ...]


def look_through(asked: "Tuple[RasterAsked, ...]", progress: Progress) -> List[RasterFound]:
    """Return the rasters that have embeddings; others are not spoken of."""
    found = []
    for raster in asked:
        check(progress)
        try:
            key = open_field(raster.path).key
            date = raster.date or date_in(raster.name) or date_in(_file_name(raster.path))
            date = date or date_of_metadata(raster_info(raster.path).metadata)
        except Cancelled:
            raise
        except EarthprintError:
            continue
        found.append(RasterFound(raster.layer_id, raster.name, raster.path, key, date))
    return found


def draw_curves(request: CurvesRequest, progress: Progress) -> Curves:
    """Return the curves of all places; where only the pinned place has none, the other is shown without it."""
    _require_comparable(request.rasters)
    paths = [raster.path for raster in request.rasters]
    dates = [raster.date for raster in request.rasters]
    wkt = wkt_of(request.crs)
    found: List[PlaceCurve] = []
    remarks: List[str] = []
    for number, (letter, place) in enumerate(request.places):
        part = Part(progress, number / len(request.places), (number + 1) / len(request.places))
        try:
            found.append(PlaceCurve(letter, place, timeline(paths, dates, place.x, place.y, wkt, part,
                                                            request.reference)))
        except Cancelled:
            raise
        except EarthprintError as error:
            if number + 1 == len(request.places) and not found:
                raise
            remarks.append("{}: {}".format(letter, error))
    return Curves(tuple(found), tuple(remarks))


def find_usual(request: UsualRequest, progress: Progress) -> "Dict[str, Tuple[float, float]]":
    """Return the bounds of the usual change by the rasters' paths."""
    found = usual_change(request.paths, request.paths.index(request.reference), request.extent, wkt_of(request.crs),
                         progress)
    return {path: (low, high) for path, (low, high) in zip(request.paths, found.tolist())}


def _require_comparable(rasters: "Tuple[RasterFound, ...]") -> None:
    """Raise, naming two rasters, where these are of different spaces, or of one date; or where a date is missing."""
    if len(rasters) < 2:
        raise InputError("time-few", "A curve needs two dates or more: tick more rasters of one embedding space.")
    for other in rasters[1:]:
        require_same(rasters[0].key, "“{}”".format(rasters[0].name), other.key, "“{}”".format(other.name))
    seen: Dict[Tuple[float, ...], RasterFound] = {}
    for raster in rasters:
        moment = moment_of(raster.date)
        if moment is None:
            raise InputError("time-date", "“{name}” has no date that can be read: write a year or a day such as 2023 "
                             "or 2023-05-14 beside it, or untick it.", name=raster.name)
        if moment in seen:
            raise InputError("time-twice", "“{first}” and “{second}” have the same date, {date}: give each its own, "
                             "or untick one.", first=seen[moment].name, second=raster.name, date=raster.date)
        seen[moment] = raster


def _file_name(path: str) -> str:
    """Return the last part of a path of any system."""
    return path.replace("\\", "/").rpartition("/")[2]

"""From what was asked to the list of candidates: baselines first, then encoders, rasters and tables."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import List, Optional, Tuple

from ..encoders.library import find_encoder
from ..errors import InputError
from ..locations.finding import find_location_encoder
from ..locations.shipped import IDS
from .candidates import Candidate, made_different
from .image_candidates import BandStatistics, ImageEncoder, Imaging, RawBands
from .location_candidates import LocationCandidate
from .request import AUTOMATIC, BenchmarkRequest
from .stored_candidates import FieldCandidate, TableCandidate

RAW, STATISTICS = "raw bands", "band statistics"
# What finding a location encoder answers where a text may mean something else.
_NO_LOCATION = ("location-image", "location-unknown")


def candidates_of(request: BenchmarkRequest) -> "Tuple[Candidate, ...]":
    """Return what is to be compared in every layer; own vectors and coordinates are added where a layer has them."""
    imaging = Imaging(Path(request.results), request.folders, request.cell, request.seed, request.device,
                      request.memory_mib)
    found: "List[Candidate]" = []
    for path in request.images:
        of = f" of {Path(path).stem}" if len(request.images) > 1 else ""
        found += [RawBands(RAW + of, path), BandStatistics(STATISTICS + of, path, imaging)]
    for text in dict.fromkeys(text.strip() for text in request.encoders):
        found += _encoders(text, request, imaging)
    found += [FieldCandidate(Path(path).stem, path) for path in request.fields]
    found += [TableCandidate(table.name.strip("“”"), table) for table in request.tables]
    names = made_different([candidate.name for candidate in found])
    return tuple(replace(candidate, name=name) for candidate, name in zip(found, names))  # type: ignore[type-var]


def _encoders(text: str, request: BenchmarkRequest, imaging: Imaging) -> "List[Candidate]":
    """Return an encoder as a candidate: of places, or of every image."""
    if text.lower() != AUTOMATIC:
        location = _location(text, request)
        if location is not None:
            return [location]
    text = AUTOMATIC if text.lower() == AUTOMATIC else text
    name = text if text == AUTOMATIC else _image_encoder(text, request)
    if not request.images:
        raise InputError("benchmark-images", "ENCODERS names {encoder}, which embeds rasters, but IMAGES is empty: "
                         "give the rasters that it shall embed.", encoder=text)
    return [ImageEncoder(name + (f" on {Path(path).stem}" if len(request.images) > 1 else ""), text, path, imaging)
            for path in request.images]


def _image_encoder(text: str, request: BenchmarkRequest) -> str:
    """Return the id of an encoder of images, or say that nothing bears this name."""
    try:
        return find_encoder(text, request.folders).id
    except InputError as error:
        if error.code != "encoder-unknown":
            raise
        raise InputError("benchmark-encoder", "ENCODERS: there is no encoder {text}, neither of images nor of "
                         "locations: write automatic, the path of a file, or an id ({ids} are always there).",
                         text=text, ids=", ".join(IDS)) from error


def _location(text: str, request: BenchmarkRequest) -> "Optional[LocationCandidate]":
    """Return a location encoder, None where a text means an encoder of images."""
    try:
        encoder = find_location_encoder(text, folders=request.folders)
    except InputError as error:
        if error.code in _NO_LOCATION:
            return None
        raise
    path = getattr(getattr(encoder, "card", None), "path", None)
    return LocationCandidate(getattr(encoder, "name", text), encoder, str(path.with_suffix(".onnx")) if path else "")

"""Fields: embeddings on a raster grid, a GeoTIFF of D bands that carries its space."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any, Mapping, Optional

import numpy as np
from osgeo import gdal

from .coding import ALPHAEARTH, FLOAT32, Coding, FloatCoding, ScaledCoding, lerc
from .dataset import RasterInfo, RasterLayout, create_raster, raster_info
from .errors import InputError, SpaceError
from .grid import Grid, Window
from .provenance import PROVENANCE_ITEM, provenance_item, provenance_of
from .space import Space, from_json, undeclared
from .validity import read_valid, rule_for

SPACE_ITEM = "EARTHPRINT_SPACE"
KEY_ITEM = "EARTHPRINT_KEY"
CODING_ITEM = "EARTHPRINT_CODING"
_NAMES = {"f4": "float32", "u1": "uint8", "i2": "int16", "a1": "alphaearth"}
_LERC = "lerc"
_ALPHAEARTH_BANDS = 64
__all__ = ["CODING_ITEM", "KEY_ITEM", "PROVENANCE_ITEM", "SPACE_ITEM", "Field", "coding_in_words", "coding_item",
           "coding_of", "create_field", "field_layout", "open_field"]


@dataclass(frozen=True)
class Field:
    """An embedding raster on disk: its file facts, its space, and how its numbers are coded."""

    info: RasterInfo
    space: Space
    coding: Coding

    @property
    def key(self) -> str:
        """Return the space's key with this file's coding."""
        return self.space.key(self.coding.code)

    def read(self, dataset: gdal.Dataset, window: Window) -> np.ndarray:
        """Read a window as float32 `(dims, rows, cols)`, NaN where any dimension has no value."""
        bands = [band.index for band in self.info.data_bands]
        raw, valid = read_valid(dataset, window, bands, self.info.dtype, rule_for(self.info, bands), self.info.path)
        values = self.coding.decode(raw)
        missing = ~valid
        missing |= ~np.isfinite(values).all(axis=0)
        if missing.any():
            values = np.array(values, copy=True)
            values[:, missing] = np.nan
        return values


def open_field(path: str) -> Field:
    """Read what an embedding raster says of itself; anybody's multiband raster becomes an undeclared field."""
    info = raster_info(path)
    space = _space_of(info)
    return Field(info, replace(space, provenance=provenance_of(info.metadata, space.encoder)), coding_of(info))


def _space_of(info: RasterInfo) -> Space:
    """Return the declared space of a raster, or an undeclared one made of its bands."""
    text = info.metadata.get(SPACE_ITEM)
    bands = info.data_bands
    if text is None:
        return undeclared([band.description or f"Band {band.index}" for band in bands], [band.unit for band in bands])
    space = from_json(text)
    if space.dimensions != len(bands):
        raise SpaceError("field-bands", "{path} says it holds vectors of {said} numbers but has {found} bands: use the "
                         "whole raster, or state the space of the part with “Describe embeddings”.",
                         path=info.path, said=space.dimensions, found=len(bands))
    return space


def how_to_state(opened: Field) -> str:
    """Return the sentence that tells how to say what a field's vectors are."""
    bands = opened.info.data_bands
    if opened.info.dtype == np.dtype("i1") and len(bands) == _ALPHAEARTH_BANDS:
        return ("Its signed bytes in 64 bands look like AlphaEarth's, which have to be decoded: open it with “Import "
                "embedding raster” first, which copies nothing.")
    return "State it with “Describe embeddings”."


def coding_of(info: RasterInfo) -> Coding:
    """Return how a raster's numbers become vectors."""
    bands = info.data_bands
    key = info.metadata.get(KEY_ITEM, "")
    if "/a1/" in key:
        return ALPHAEARTH
    nodata = bands[0].nodata if bands[0].nodata is not None else float("nan")
    scales = tuple(1.0 if band.scale is None else float(band.scale) for band in bands)
    offsets = tuple(0.0 if band.offset is None else float(band.offset) for band in bands)
    if all(scale == 1.0 for scale in scales) and not any(offsets):
        if info.dtype == np.dtype("f4") and np.isnan(nodata):
            return _float_coding(info)
        return FloatCoding("f4", info.dtype, nodata)
    code = {"u1": "u1", "i2": "i2"}.get(info.dtype.str[1:], "s" + info.dtype.str[1:])
    limits = np.iinfo(info.dtype) if info.dtype.kind in "iu" else None
    low, high = (int(limits.min), int(limits.max)) if limits else (0, 0)
    return ScaledCoding(code, info.dtype, nodata, low, high, scales, offsets)


def _float_coding(info: RasterInfo) -> Coding:
    """Return plain float32, with the error that LERC was allowed where the file states one."""
    try:
        told = json.loads(info.metadata.get(CODING_ITEM, "") or "{}")
        return lerc(float(told["largest_error"])) if told.get("coding") == _LERC else FLOAT32
    except (ValueError, KeyError, TypeError, AttributeError, InputError):
        return FLOAT32


def coding_item(coding: Coding) -> str:
    """Return what a file says of its coding: its name, and how far a value may have moved when it was written."""
    return json.dumps({"coding": _name(coding), "largest_error": coding.largest_error}, sort_keys=True)


def coding_in_words(coding: Coding) -> str:
    """Return the coding and its error for a log."""
    return f"Coding {_name(coding)}, in which a value is off by {coding.largest_error:.3g} at most."


def _name(coding: Coding) -> str:
    """Return the word for a coding that users see."""
    return _LERC if isinstance(coding, FloatCoding) and coding.lerc_error else _NAMES.get(coding.code, coding.code)


def field_layout(coding: Coding, names: "tuple[str, ...]", side: int = 256) -> RasterLayout:
    """Return the bands of an embedding raster in a coding."""
    scaled = isinstance(coding, ScaledCoding)
    return RasterLayout(coding.dtype, coding.nodata, names, coding.scale if scaled else None,
                        coding.offset if scaled else None,
                        lerc_error=coding.lerc_error if isinstance(coding, FloatCoding) else 0.0, side=side)


def create_field(path: str, grid: Grid, space: Space, coding: Coding,
                 provenance: "Optional[Mapping[str, Any]]" = None) -> gdal.Dataset:
    """Create an empty embedding raster that says what it will hold."""
    prefix = "Component" if space.reduction is not None else "Dimension"
    names = tuple(f"{prefix} {index}" for index in range(1, space.dimensions + 1))
    metadata = {SPACE_ITEM: space.canonical(), KEY_ITEM: space.key(coding.code)}
    if coding.largest_error:
        metadata[CODING_ITEM] = coding_item(coding)
    if provenance or space.provenance:
        metadata[PROVENANCE_ITEM] = provenance_item(space.provenance, provenance)
    return create_raster(path, grid, field_layout(coding, names), metadata)

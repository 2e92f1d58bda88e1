"""Fields: embeddings on a raster grid, a GeoTIFF of D bands that carries its space."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Mapping, Optional

import numpy as np
from osgeo import gdal

from .coding import ALPHAEARTH, FLOAT32, Coding, FloatCoding, ScaledCoding
from .dataset import RasterInfo, RasterLayout, create_raster, raster_info
from .errors import SpaceError
from .grid import Grid, Window
from .provenance import PROVENANCE_ITEM, provenance_item, provenance_of
from .space import Space, from_json, undeclared
from .validity import read_valid, rule_for

SPACE_ITEM = "EARTHPRINT_SPACE"
KEY_ITEM = "EARTHPRINT_KEY"
__all__ = ["KEY_ITEM", "PROVENANCE_ITEM", "SPACE_ITEM", "Field", "coding_of", "create_field", "open_field"]


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
        return FLOAT32 if info.dtype == np.dtype("f4") and np.isnan(nodata) else FloatCoding("f4", info.dtype, nodata)
    code = {"u1": "u1", "i2": "i2"}.get(info.dtype.str[1:], "s" + info.dtype.str[1:])
    limits = np.iinfo(info.dtype) if info.dtype.kind in "iu" else None
    low, high = (int(limits.min), int(limits.max)) if limits else (0, 0)
    return ScaledCoding(code, info.dtype, nodata, low, high, scales, offsets)


def create_field(path: str, grid: Grid, space: Space, coding: Coding,
                 provenance: "Optional[Mapping[str, Any]]" = None) -> gdal.Dataset:
    """Create an empty embedding raster that says what it will hold."""
    scaled = isinstance(coding, ScaledCoding)
    prefix = "Component" if space.reduction is not None else "Dimension"
    names = tuple(f"{prefix} {index}" for index in range(1, space.dimensions + 1))
    layout = RasterLayout(coding.dtype, coding.nodata, names, coding.scale if scaled else None,
                          coding.offset if scaled else None)
    metadata = {SPACE_ITEM: space.canonical(), KEY_ITEM: space.key(coding.code)}
    if provenance or space.provenance:
        metadata[PROVENANCE_ITEM] = provenance_item(space.provenance, provenance)
    return create_raster(path, grid, layout, metadata)

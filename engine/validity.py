"""Nodata, NaN, mask bands and alpha become one boolean mask per block."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Optional, Sequence

import numpy as np
from osgeo import gdal

from .dataset import RasterInfo, read, read_mask
from .grid import Window


@dataclass(frozen=True)
class ValidityRule:
    """How a raster says which of its pixels count, in plain values that travel.

    `ignored` are positions (in the list of bands read) of bands that hold no valid pixel anywhere: they would
    invalidate every pixel, so they don't vote.
    """

    nodata: "tuple[Optional[float], ...]"
    alpha: int = 0
    mask_of: int = 0
    ignored: "frozenset[int]" = frozenset()

    def of_values(self, values: np.ndarray) -> np.ndarray:
        """Return `(rows, cols)` True where every voting band has a value."""
        valid = np.ones(values.shape[1:], dtype=bool)
        floating = values.dtype.kind == "f"
        for position, nodata in enumerate(self.nodata):
            if position in self.ignored:
                continue
            band = values[position]
            if floating:
                valid &= np.isfinite(band)
            if nodata is not None and not math.isnan(nodata):
                valid &= ~_equals(band, nodata)
        return valid


def rule_for(info: RasterInfo, bands: "Sequence[int]") -> ValidityRule:
    """Read a raster's own rule for the bands (counted from 1) that will be read."""
    by_index = {band.index: band for band in info.bands}
    alpha = next((band.index for band in info.bands if band.is_alpha), 0)
    masked = next((index for index in bands if by_index[index].has_mask), 0)
    return ValidityRule(tuple(by_index[index].nodata for index in bands), alpha, 0 if alpha else masked)


def read_valid(dataset: gdal.Dataset, window: Window, bands: "Sequence[int]", dtype: np.dtype, rule: ValidityRule,
               path: str) -> "tuple[np.ndarray, np.ndarray]":
    """Read a window's values `(bands, rows, cols)` and its mask `(rows, cols)`."""
    values = read(dataset, window, bands, dtype, path)
    valid = rule.of_values(values)
    if rule.alpha:
        valid &= read(dataset, window, [rule.alpha], np.dtype("f4"), path)[0] > 0
    if rule.mask_of:
        valid &= read_mask(dataset, window, rule.mask_of, path)
    return values, valid


def _equals(band: np.ndarray, nodata: float) -> np.ndarray:
    """Compare with a nodata value as the band's own type would hold it."""
    if band.dtype.kind in "iu":
        limits = np.iinfo(band.dtype)
        if not float(nodata).is_integer() or not limits.min <= nodata <= limits.max:
            return np.zeros(band.shape, dtype=bool)
        return band == band.dtype.type(int(nodata))
    return band == band.dtype.type(nodata)

"""AlphaEarth and TESSERA in rasters that GDAL opens, told by bands, types and values."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Optional

import numpy as np

from ..coding import ALPHAEARTH as COMPANDED
from ..coding import FLOAT32, Coding
from ..dataset import RasterInfo, open_raster, raster_info, read
from ..errors import InputError
from ..field import SPACE_ITEM
from ..grid import Grid, Window
from ..sample import spread
from ..statement import lengths_of
from ..validity import ValidityRule, read_valid, rule_for
from .catalogue import ALPHAEARTH, TESSERA, Product, tessera_version
from .recognition import are_codes
from .virtual import HAS_INT8, View

_SIDE = 64
_WINDOWS = 16
_UNIT = (0.9, 1.02)
_CERTAIN = (0.98, 1.02)
_ALPHAEARTH_BAND = re.compile(r"^A\d{2}$", re.IGNORECASE)
_SIGNED = np.dtype("i1")


@dataclass(frozen=True)
class _Look:
    """Raw vectors `(rows, dims)` of cells spread over a raster that are not all nodata."""

    raw: np.ndarray
    zeros: int

    def lengths(self, coded: bool) -> np.ndarray:
        """Return the lengths of the vectors, as they are or after expanding AlphaEarth's codes."""
        vectors = COMPANDED.decode(self.raw.T.astype(np.int8)).T if coded else self.raw
        vectors = vectors[np.isfinite(vectors).all(axis=1)]
        return lengths_of(vectors[(vectors != 0).any(axis=1)])


class RasterField:
    """A published raster as GDAL opens it; vectors of zeros alone are nodata where the product has none."""

    def __init__(self, view: View, product: Product, reason: str, coded: bool, empty_zeros: bool) -> None:
        """Keep what was found."""
        self.path = view.info.path
        self.view = view
        self.product = product
        self.reason = reason
        self.dimensions = len(view.info.data_bands)
        self.coded = coded
        self.empty_zeros = empty_zeros
        self.coding: Coding = COMPANDED if coded else FLOAT32
        self._source = open_raster(self.path)
        self._dataset = view.warped(self._source, "") if view.is_warped else self._source
        transform = self._dataset.GetGeoTransform()
        reference = self._dataset.GetSpatialRef()
        self.grid = Grid(self._dataset.RasterXSize, self._dataset.RasterYSize, tuple(transform),
                         reference.ExportToWkt(["FORMAT=WKT2_2019"]) if reference is not None else "")
        bands = tuple(band.index for band in view.info.data_bands)
        rule = rule_for(view.info, bands)
        # A zero in one dimension is a value like others; only vectors of nothing but zeros are none.
        nodata = tuple(None if value == 0 else value for value in rule.nodata)
        self._rule = ValidityRule(nodata, 0 if view.is_warped else rule.alpha, 0 if view.is_warped else rule.mask_of)
        self._bands = tuple(range(1, len(bands) + 1)) if view.is_warped else bands

    @property
    def in_place(self) -> str:
        """Return why the file can't be used in place, empty where it can."""
        if self.empty_zeros:
            return "its empty cells are zeros, which are values elsewhere"
        if self.coded and self.view.info.dtype != _SIGNED:
            return "its codes are stored as other numbers than signed bytes"
        return ""

    def vectors(self, window: Window) -> np.ndarray:
        """Return `(dims, rows, cols)` float32, NaN where there is nothing."""
        raw, valid = read_valid(self._dataset, window, self._bands, self.view.info.dtype, self._rule, self.path)
        found = self._decoded(raw)
        missing = ~valid | ~np.isfinite(found).all(axis=0)
        if self.empty_zeros:
            missing |= ~raw.any(axis=0)
        if missing.any():
            found = np.array(found, copy=True)
            found[:, missing] = np.nan
        return found

    def impossible(self, window: Window) -> int:
        """Return how many cells are nodata in some dimensions only."""
        if not self.coded:
            return 0
        raw = read(self._dataset, window, self._bands, self.view.info.dtype, self.path) == -128
        return int((raw.any(axis=0) & ~raw.all(axis=0)).sum())

    def _decoded(self, raw: np.ndarray) -> np.ndarray:
        """Return what the numbers mean."""
        if not self.coded:
            return raw.astype(np.float32, copy=False)
        return COMPANDED.decode(np.nan_to_num(raw, nan=-128).astype(np.int8))


def raster_field(path: str, product: str, crs: str) -> RasterField:
    """Tell what a raster is of, or say in words why nobody can."""
    info = _signed(raster_info(path))
    if SPACE_ITEM in info.metadata:
        raise InputError("field-already", "{path} is an embedding raster already: use it as it is.", path=path)
    if not info.grid.wkt:
        raise InputError("field-crs", "{path} states no CRS: give it the right one first (Raster ▸ Projections ▸ "
                         "Assign Projection).", path=path)
    look = _look(info)
    found = _alphaearth(info, look, product) if product in ("automatic", "alphaearth") else None
    if found is None and product in ("automatic", "tessera"):
        found = _tessera(info, look, product)
    if found is None:
        raise _unknown(info, look, product)
    of, reason, coded = found
    declared = info.data_bands[0].nodata == 0
    # Zeros among codes are what GDAL before 3.7 shows between the tiles of a mosaic.
    empty = of is ALPHAEARTH and (look.zeros > 0 or (declared and not coded))
    return RasterField(View(_upright(info), crs), of, reason, coded, empty)


def _signed(info: RasterInfo) -> RasterInfo:
    """Return 64 bands of bytes as signed: before GDAL 3.7 a mosaic (.vrt) of tiles forgets that they are."""
    if HAS_INT8 or len(info.data_bands) not in ALPHAEARTH.dimensions or info.dtype != np.dtype("u1"):
        return info
    return replace(info, bands=tuple(replace(band, dtype=_SIGNED) for band in info.bands))


def _look(info: RasterInfo) -> _Look:
    """Read cells spread over the raster; where these hold nothing, all of it."""
    dataset = open_raster(info.path)
    bands = [band.index for band in info.data_bands]
    found, zeros = [], 0
    for window in (*spread(info.grid.whole, _SIDE, _WINDOWS, 0), *spread(info.grid.whole, 4 * _SIDE, 64, 1)):
        raw = read(dataset, window, bands, info.dtype, info.path).reshape(len(bands), -1).T.astype(np.float32)
        empty = ~raw.any(axis=1)
        zeros += int(empty.sum())
        kept = raw[np.isfinite(raw).all(axis=1) & ~empty & ~_is_nodata(raw, info)]
        if len(kept):
            found.append(kept)
        if len(found) >= _WINDOWS or (found and window.width > _SIDE):
            break
    if not found:
        raise InputError("field-empty", "{path} has no valid pixel: check its nodata value.", path=info.path)
    return _Look(np.concatenate(found), zeros)


def _is_nodata(raw: np.ndarray, info: RasterInfo) -> np.ndarray:
    """Return which vectors are nothing but nodata."""
    nodata = info.data_bands[0].nodata
    codes = (raw == -128).all(axis=1)
    return codes if nodata is None or np.isnan(nodata) else codes | (raw == np.float32(nodata)).all(axis=1)


def _alphaearth(info: RasterInfo, look: _Look, product: str) -> "Optional[tuple[Product, str, bool]]":
    """Tell AlphaEarth by 64 bands, and by lengths of 1 after or without expanding the codes."""
    bands = info.data_bands
    if len(bands) not in ALPHAEARTH.dimensions:
        return None
    named = all(_ALPHAEARTH_BAND.match(band.description) for band in bands)
    silent = not any(band.description for band in bands)
    coded = info.dtype == _SIGNED or (are_codes(look.raw) and len(look.raw) > 1)
    lengths = look.lengths(coded)
    if not len(lengths):
        return None
    median = float(np.median(lengths))
    low, high = _UNIT if named or coded or product == "alphaearth" else _CERTAIN
    within = coded or float(np.abs(look.raw).max()) <= ALPHAEARTH.largest + 1e-3
    if not (low <= median <= high and within) or not (named or silent or coded or product == "alphaearth"):
        return None
    kind = "signed bytes" if coded else "decoded numbers"
    names = " called A00 to A63" if named else ""
    return ALPHAEARTH, f"64 bands{names} of {kind}, whose vectors have length {median:.3f}", coded


def _tessera(info: RasterInfo, look: _Look, product: str) -> "Optional[tuple[Product, str, bool]]":
    """Tell TESSERA by what its own exports say of themselves, or because the user says so."""
    if len(info.data_bands) not in TESSERA.dimensions:
        return None
    tags = {key: value for key, value in info.metadata.items() if "TESSERA" in key.upper()}
    named = all("tessera" in band.description.lower() for band in info.data_bands)
    if not (tags or named or product == "tessera"):
        return None
    if info.dtype.kind != "f":
        raise InputError("tessera-type", "{path} holds TESSERA's whole numbers without their scales: import the .npy "
                         "beside its _scales.npy, or the GeoTIFF that geotessera exports.", path=info.path)
    reason = "tags of geotessera" if tags else "names of its bands" if named else "PRODUCT"
    version = info.metadata.get("TESSERA_DATASET_VERSION", "")
    return tessera_version(version), f"{len(info.data_bands)} bands and {reason}", False


def _unknown(info: RasterInfo, look: _Look, product: str) -> InputError:
    """Say what was seen and what to do."""
    lengths = look.lengths(False)
    seen = f"{len(info.data_bands)} bands of {info.dtype}"
    if len(lengths):
        seen += f", vectors of length {float(np.median(lengths)):.3g}"
    wanted = {"alphaearth": "AlphaEarth, which has 64 bands and vectors of length 1 once decoded",
              "tessera": "TESSERA, which has 128 bands (or a prefix of 64, 32 or 16)"}.get(
                  product, "any product known here (AlphaEarth, TESSERA)")
    return InputError("field-unknown", "{path} ({seen}) does not look like {wanted}: state what it is with “Describe "
                      "embeddings”.", path=info.path, seen=seen, wanted=wanted)


def _upright(info: RasterInfo) -> RasterInfo:
    """Return the .vrt beside a tile that lies upside down, if it shows the same cells north up (and is no result)."""
    beside = Path(info.path).with_suffix(".vrt")
    if not info.grid.south_up or not beside.is_file():
        return info
    try:
        other = raster_info(str(beside))
    except InputError:
        return info
    same = (other.grid.width, other.grid.height, len(other.data_bands), other.grid.south_up) == (
        info.grid.width, info.grid.height, len(info.data_bands), False)
    near = np.allclose(other.grid.extent(), info.grid.extent(), rtol=0, atol=1e-6 * abs(info.grid.transform[1]))
    ours = SPACE_ITEM in other.metadata
    return other if same and near and not ours and other.dtype == info.dtype else info

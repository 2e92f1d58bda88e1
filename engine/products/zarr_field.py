"""AlphaEarth and TESSERA in Zarr stores: an array of embeddings, with scales where its numbers need them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator, List, Optional, Sequence, Tuple

import numpy as np
from osgeo import gdal

from ..coding import ALPHAEARTH as COMPANDED
from ..coding import FLOAT32, Coding, decode_with_scales
from ..dataset import open_arrays, quiet, user_reference
from ..errors import InputError
from ..grid import Grid, Window
from .catalogue import ALPHAEARTH, TESSERA, Product, tessera_version

_Y = ("y", "northing", "lat", "latitude")
_X = ("x", "easting", "lon", "longitude")
_TIME = ("time", "year", "date")
_NAMES = ("embeddings", "embedding", "features")
_SCALES = ("scales", "scale")
_FILES = (".zarray", ".zgroup", ".zmetadata", "zarr.json")
_LEVELS = 3
_SLACK = 1e-3


@dataclass(frozen=True)
class _Axes:
    """Which axis of an array is which; `time` is −1 where there is none."""

    y: int
    x: int
    band: int
    time: int = -1


def is_store(path: str) -> bool:
    """Tell whether a path is a Zarr store: a folder of it, or text that GDAL takes for one."""
    place = Path(path)
    return path.upper().startswith("ZARR:") or (place.is_dir() and any((place / name).is_file() for name in _FILES))


def store_of(path: str) -> str:
    """Return the store where somebody chose one of its metadata files, as dialogs for files only let them."""
    place = Path(path)
    return str(place.parent) if place.name in _FILES and place.is_file() else path


class ZarrField:
    """A store's embeddings, of the last date where there are several."""

    def __init__(self, path: str, product: str) -> None:
        """Find the arrays and where they lie."""
        self.path = path
        self._dataset = open_arrays(path)
        root = self._dataset.GetRootGroup()
        group, array, axes = _embeddings(root, path)
        self._group = group
        self._array = array
        self._axes = axes
        self._scales = next((found for name in _SCALES for found in [_array(group, name)] if found is not None), None)
        sizes = [dimension.GetSize() for dimension in array.GetDimensions()]
        self.dimensions = sizes[axes.band]
        self._step = sizes[axes.time] - 1 if axes.time >= 0 else 0
        self.grid = _grid(root, group, array, axes, path)
        self.product, self.reason = _product(self.dimensions, self._scales is not None, root, group, product, path)
        self._is_whole = self._scales is not None or _is_signed(array, group)
        self.coding: Coding = COMPANDED if self.product is ALPHAEARTH and self._is_whole else FLOAT32

    def vectors(self, window: Window) -> np.ndarray:
        """Return `(dims, rows, cols)` float32, NaN where there is nothing."""
        found = self._raw(window)
        if self.coding is COMPANDED:
            return np.array(COMPANDED.decode(np.nan_to_num(found, nan=-128).astype(np.int8)))
        if self._scales is not None:
            return decode_with_scales(found, self._scale(window))
        missing = ~np.isfinite(found).all(axis=0)
        found[:, missing] = np.nan
        return found

    @property
    def scale_bands(self) -> int:
        """Return how many scales a cell has: one or as many as dimensions, 0 where there are none."""
        if self._scales is None:
            return 0
        return 1 if len(self._scales.GetDimensions()) < len(self._array.GetDimensions()) else self.dimensions

    def coded(self, window: Window) -> "Tuple[np.ndarray, np.ndarray]":
        """Return codes `(dims, rows, cols)` and scales `(1 or dims, rows, cols)`."""
        return self._raw(window).astype(np.int8), self._scale(window)

    def impossible(self, window: Window) -> int:
        """Return how many cells are nodata in some dimensions only."""
        if self.coding is not COMPANDED:
            return 0
        raw = self._raw(window) == -128
        return int((raw.any(axis=0) & ~raw.all(axis=0)).sum())

    def _raw(self, window: Window) -> np.ndarray:
        """Read a window of all dimensions as float32."""
        axes = self._axes
        count = len(self._array.GetDimensions())
        start, size = [0] * count, [1] * count
        for axis, first, length in ((axes.y, window.y, window.height), (axes.x, window.x, window.width),
                                    (axes.band, 0, self.dimensions)):
            start[axis], size[axis] = first, length
        if axes.time >= 0:
            start[axes.time] = self._step
        values = _read(self._array, start, size, self.path)
        order = [axes.band, axes.y, axes.x] + ([axes.time] if axes.time >= 0 else [])
        return np.array(values.transpose(order).reshape(self.dimensions, window.height, window.width))

    def _scale(self, window: Window) -> np.ndarray:
        """Read a window of scales, of one a cell or one a value."""
        names = [dimension.GetName().lower() for dimension in self._scales.GetDimensions()]
        count = len(names)
        if count == len(self._array.GetDimensions()):
            axes = self._axes
            start, size = [0] * count, [1] * count
            spans = [(axes.y, window.y, window.height), (axes.x, window.x, window.width),
                     (axes.band, 0, self.dimensions)]
            order = [axes.band, axes.y, axes.x] + ([axes.time] if axes.time >= 0 else [])
            step = axes.time
        else:
            # The same order of axes, less the dimensions.
            left = [axis for axis in range(len(self._array.GetDimensions())) if axis != self._axes.band]
            y, x = left.index(self._axes.y), left.index(self._axes.x)
            step = left.index(self._axes.time) if self._axes.time >= 0 else -1
            start, size = [0] * count, [1] * count
            spans = [(y, window.y, window.height), (x, window.x, window.width)]
            order = [y, x] + ([step] if step >= 0 else [])
        for axis, first, length in spans:
            start[axis], size[axis] = first, length
        if step >= 0:
            start[step] = self._step
        values = _read(self._scales, start, size, self.path).transpose(order)
        return values.reshape(-1, window.height, window.width)


def _read(array: Any, start: "List[int]", size: "List[int]", path: str) -> np.ndarray:
    """Read a part of an array as float32, which holds each of its numbers exactly."""
    with quiet() as messages:
        try:
            raw = array.Read(array_start_idx=start, count=size,
                             buffer_datatype=gdal.ExtendedDataType.Create(gdal.GDT_Float32))
        except RuntimeError as error:
            messages.texts.append(str(error))
            raw = None
    if raw is None:
        raise InputError("zarr-read", "A part of {path} can't be read ({reason}): copy or download it again.",
                         path=path, reason=messages.last)
    return np.frombuffer(raw, dtype=np.float32).reshape(size)


def _embeddings(root: Any, path: str) -> "Tuple[Any, Any, _Axes]":
    """Return the group and array of embeddings: of a usual name, else the only one with enough axes."""
    found = [(group, array, axes) for group, array in _arrays(root, _LEVELS) for axes in [_axes(array)]
             if axes is not None]
    named = [item for item in found if item[1].GetName().lower() in _NAMES]
    chosen = named or found
    if not chosen:
        raise InputError("zarr-none", "{path} holds no array of embeddings with rows, columns and dimensions: choose "
                         "the store or group that does.", path=path)
    if len(chosen) > 1:
        raise InputError("zarr-several", "{path} holds {count} arrays of embeddings ({names}): choose the folder of "
                         "one of them.", path=path, count=len(chosen),
                         names=", ".join(item[1].GetFullName() for item in chosen[:4]))
    return chosen[0]


def _arrays(group: Any, levels: int) -> "Iterator[Tuple[Any, Any]]":
    """Yield all arrays of a group and those within."""
    for name in group.GetMDArrayNames() or ():
        array = _array(group, name)
        if array is not None:
            yield group, array
    for name in (group.GetGroupNames() or ()) if levels else ():
        inner = group.OpenGroup(name)
        if inner is not None:
            yield from _arrays(inner, levels - 1)


def _array(group: Any, name: str) -> Any:
    """Return an array of a group, None where there is none or it can't be read."""
    if name not in (group.GetMDArrayNames() or ()):
        return None
    with quiet():
        try:
            return group.OpenMDArray(name)
        except RuntimeError:
            return None


def _axes(array: Any) -> Optional[_Axes]:
    """Return which axis is which, by names, else by the number of dimensions that products have."""
    dimensions = array.GetDimensions()
    if len(dimensions) not in (3, 4):
        return None
    names = [dimension.GetName().lower() for dimension in dimensions]
    y, x, time = (_position(names, wanted) for wanted in (_Y, _X, _TIME))
    rest = [axis for axis in range(len(names)) if axis not in (y, x, time)]
    known = (*ALPHAEARTH.dimensions, *TESSERA.dimensions)
    if y >= 0 and x >= 0 and len(rest) == 1:
        return _Axes(y, x, rest[0], time)
    sizes = [dimension.GetSize() for dimension in dimensions]
    if len(names) == 3 and sizes[2] in known:
        return _Axes(0, 1, 2)
    return _Axes(1, 2, 0) if len(names) == 3 and sizes[0] in known else None


def _position(names: "Sequence[str]", wanted: "Sequence[str]") -> int:
    """Return the axis of one of these names, −1 where there is none."""
    return next((axis for axis, name in enumerate(names) if name in wanted), -1)


def _grid(root: Any, group: Any, array: Any, axes: _Axes, path: str) -> Grid:
    """Return where the cells lie: by coordinates of the axes, else by a transform among the attributes."""
    dimensions = array.GetDimensions()
    height, width = dimensions[axes.y].GetSize(), dimensions[axes.x].GetSize()
    x, y = (_regular(group, dimensions[axis]) for axis in (axes.x, axes.y))
    if x is not None and y is not None:
        transform = (x[0] - x[1] / 2, x[1], 0.0, y[0] - y[1] / 2, 0.0, y[1])
    else:
        listed = _attribute((array, group, root), "transform", "spatial:transform", "tessera:transform")
        if not isinstance(listed, (list, tuple)) or len(listed) < 6:
            raise InputError("zarr-georeference", "{path} doesn't say where its cells lie: it needs coordinates x and "
                             "y, or a transform among its attributes.", path=path)
        a, b, c, d, e, f = (float(number) for number in listed[:6])
        transform = (c, a, b, f, d, e)
    wkt = _crs(root, group, array)
    if not wkt:
        raise InputError("zarr-crs", "{path} states no CRS: add the attribute crs_epsg (or proj:epsg) to the store.",
                         path=path)
    return Grid(width, height, transform, wkt)


def _regular(group: Any, dimension: Any) -> "Optional[Tuple[float, float]]":
    """Return the first centre and the step of an axis with evenly spaced coordinates."""
    variable = dimension.GetIndexingVariable() or _array(group, dimension.GetName())
    if variable is None or len(variable.GetDimensions()) != 1 or dimension.GetSize() < 2:
        return None
    raw = variable.Read(buffer_datatype=gdal.ExtendedDataType.Create(gdal.GDT_Float64))
    values = np.frombuffer(raw, dtype=np.float64)
    step = (values[-1] - values[0]) / (len(values) - 1)
    even = np.allclose(np.diff(values), step, rtol=_SLACK, atol=0) and step != 0
    return (float(values[0]), float(step)) if even else None


def _crs(root: Any, group: Any, array: Any) -> str:
    """Return the CRS that the array, its group or the store states."""
    reference = array.GetSpatialRef()
    if reference is None:
        told = _attribute((array, group, root), "crs_epsg", "proj:epsg", "tessera:epsg", "epsg", "proj:code", "crs_wkt",
                          "proj:wkt2", "crs")
        text = f"EPSG:{int(told)}" if isinstance(told, (int, float)) and not math.isnan(told) else str(told or "")
        reference = user_reference(text) if text else None
    return reference.ExportToWkt(["FORMAT=WKT2_2019"]) if reference is not None else ""


def _attribute(holders: "Sequence[Any]", *names: str) -> Any:
    """Return the first attribute of these names."""
    for holder in holders:
        found = {attribute.GetName(): attribute for attribute in holder.GetAttributes() or ()}
        for name in names:
            if name in found:
                return found[name].Read()
    return None


def _is_signed(array: Any, group: Any) -> bool:
    """Tell whole numbers from floats."""
    return gdal.GetDataTypeName(array.GetDataType().GetNumericDataType()) not in ("Float32", "Float64", "Float16")


def _product(dimensions: int, scaled: bool, root: Any, group: Any, product: str, path: str) -> "Tuple[Product, str]":
    """Tell the product by dimensions and scales, if that is what the user says."""
    version = str(_attribute((group, root), "tessera_dataset_version", "tessera:dataset_version",
                             "tessera:version") or "")
    names = {attribute.GetName() for holder in (group, root) for attribute in holder.GetAttributes() or ()}
    is_tessera = scaled or product == "tessera" or any("tessera" in name for name in names)
    if is_tessera and product in ("automatic", "tessera") and dimensions in TESSERA.dimensions:
        return tessera_version(version), f"a Zarr array of {dimensions} dimensions" + (" with scales" if scaled else "")
    if not scaled and product in ("automatic", "alphaearth") and dimensions in ALPHAEARTH.dimensions:
        return ALPHAEARTH, f"a Zarr array of {dimensions} dimensions without scales"
    raise InputError("zarr-unknown", "{path} has {dimensions} dimensions {scales} scales and looks like no product "
                     "known here: save it as GeoTIFF and state what it is with “Describe embeddings”.", path=path,
                     dimensions=dimensions, scales="with" if scaled else "without")

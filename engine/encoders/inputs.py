"""Builds what a graph is fed: pixels in its order of axes, and the extra inputs that some encoders ask for."""

from __future__ import annotations

import datetime
import math
from dataclasses import dataclass, replace
from typing import Callable, Dict, List, Optional, Sequence, Tuple

import numpy as np

from ..card import Card, ModelInput
from ..errors import CardError, InputError, ModelError
from .session import shape_text

IMAGE_AXES = ("batch", "time", "bands", "height", "width")
NUMPY_TYPES = ("float32", "float16", "float64", "uint8", "int8", "uint16", "int16", "int32", "int64", "bool")
WEEKS = 52
HOURS = 24


@dataclass(frozen=True)
class TileBatch:
    """Tiles of one size and what is known of their place and time.

    `values` is float32 `(tiles, dates, bands, height, width)` in the units of the card before its scaling; `valid`
    is `(tiles, height, width)`. `longitude` and `latitude` are degrees WGS 84 of the tiles' centres; `dates` holds
    one moment for each date of the values.
    """

    values: np.ndarray
    valid: np.ndarray
    longitude: Optional[np.ndarray] = None
    latitude: Optional[np.ndarray] = None
    dates: "Tuple[datetime.datetime, ...]" = ()
    gsd_m: Optional[float] = None

    def __len__(self) -> int:
        """Count the tiles."""
        return len(self.values)

    @property
    def size(self) -> Tuple[int, int]:
        """Return height and width in pixels."""
        return self.values.shape[-2], self.values.shape[-1]

    def part(self, start: int, stop: int) -> "TileBatch":
        """Return some of the tiles."""
        return replace(
            self, values=self.values[start:stop], valid=self.valid[start:stop],
            longitude=None if self.longitude is None else self.longitude[start:stop],
            latitude=None if self.latitude is None else self.latitude[start:stop])

    def padded(self, count: int) -> "TileBatch":
        """Repeat the last tile until there are `count`, for graphs with a fixed batch."""
        rows = np.minimum(np.arange(count), len(self) - 1)
        return replace(
            self, values=self.values[rows], valid=self.valid[rows],
            longitude=None if self.longitude is None else np.asarray(self.longitude)[rows],
            latitude=None if self.latitude is None else np.asarray(self.latitude)[rows])


def build_feeds(card: Card, batch: TileBatch) -> Dict[str, np.ndarray]:
    """Build the array of every input; the values of the batch are normalised and finite already."""
    feeds: Dict[str, np.ndarray] = {}
    for declared in card.inputs:
        build = _BUILDERS.get(declared.role)
        if build is None:
            raise CardError("role-unknown", "The card of {encoder} gives its input {name} the role {role}: use "
                            "{known}.",
                            encoder=card.id, name=declared.name, role=declared.role, known=", ".join(_BUILDERS))
        feeds[declared.name] = build(card, declared, batch)
    return feeds


def missing_context(card: Card, batch: TileBatch) -> "Tuple[str, ...]":
    """Name what the encoder could use of place and time but isn't given, so that it works with zeros instead."""
    roles = {(declared.role, declared.encoding) for declared in card.inputs}
    missing = []
    if ("time", "sincos") in roles and not batch.dates:
        missing.append("the date")
    if ("latlon", "sincos") in roles and (batch.longitude is None or batch.latitude is None):
        missing.append("the place")
    return tuple(missing)


def _image(card: Card, declared: ModelInput, batch: TileBatch) -> np.ndarray:
    """Arrange the pixels."""
    values = batch.values
    tiles, dates, bands, height, width = values.shape
    if dates != max(card.dates, 1):
        raise InputError("dates-count", "The encoder {encoder} takes {expected} dates but was given {found}: give one "
                         "raster for each date.", encoder=card.id, expected=card.dates, found=dates)
    if bands != len(card.bands):
        raise InputError("bands-count", "The encoder {encoder} takes {expected} bands but was given {found}: choose "
                         "the bands {names}.", encoder=card.id, expected=len(card.bands), found=bands,
                         names=", ".join(band.name for band in card.bands))
    if dates > 1 and "time" not in declared.dim_order and _declared_size(declared, "bands") == dates * bands:
        values = values.reshape(tiles, 1, dates * bands, height, width)
    return _arranged(card, declared, values)


def _mask(card: Card, declared: ModelInput, batch: TileBatch) -> np.ndarray:
    """Arrange the validity as one band of ones and zeros."""
    return _arranged(card, declared, batch.valid[:, None, None])


def _arranged(card: Card, declared: ModelInput, values: np.ndarray) -> np.ndarray:
    """Bring `(batch, time, bands, height, width)` into the declared order of axes and type."""
    order = declared.dim_order
    unknown = [axis for axis in order if axis not in IMAGE_AXES]
    if unknown or len(set(order)) != len(order) or "height" not in order or "width" not in order:
        raise CardError("input-axes", "The card of {encoder} names the axes {order} for its input {name}: use batch, "
                        "bands, height, width and, for several dates, time.", encoder=card.id, order=", ".join(order),
                        name=declared.name)
    absent = [axis for axis in IMAGE_AXES if axis not in order]
    for axis in absent:
        length = values.shape[IMAGE_AXES.index(axis)]
        if length != 1:
            raise CardError("input-axis-missing", "The card of {encoder} gives its input {name} no axis {axis}, but "
                            "there are {length} of them to put in: correct dim_order.", encoder=card.id,
                            name=declared.name, axis=axis, length=length)
    squeezed = values.reshape([values.shape[i] for i, axis in enumerate(IMAGE_AXES) if axis in order])
    kept = [axis for axis in IMAGE_AXES if axis in order]
    array = np.transpose(squeezed, [kept.index(axis) for axis in order])
    _check_size(card, declared, array)
    return np.ascontiguousarray(_typed(card, declared, array))


def _check_size(card: Card, declared: ModelInput, array: np.ndarray) -> None:
    """Compare a tile with the size the card declares, the batch apart."""
    if len(declared.shape) != len(declared.dim_order):
        raise CardError("input-shape-length", "The card of {encoder} gives its input {name} {axes} axes but {sizes} "
                        "sizes: correct shape or dim_order.", encoder=card.id, name=declared.name,
                        axes=len(declared.dim_order), sizes=len(declared.shape))
    wrong = any(want > 0 and want != have and axis != "batch"
                for axis, want, have in zip(declared.dim_order, declared.shape, array.shape))
    if wrong:
        raise ModelError("tile-shape", "The encoder {encoder} takes {expected} ({order}) for its input {name} but was "
                         "given {found}: correct the tile size, bands or dates in its card.", encoder=card.id,
                         expected=shape_text(declared.shape), order=", ".join(declared.dim_order), name=declared.name,
                         found=shape_text(array.shape))


def _typed(card: Card, declared: ModelInput, array: np.ndarray) -> np.ndarray:
    """Convert to the declared type; what doesn't fit is brought to its ends rather than wrapped around."""
    if declared.data_type not in NUMPY_TYPES:
        raise CardError("input-type-unknown", "The card of {encoder} gives its input {name} the type {type}: use "
                        "{known}.",
                        encoder=card.id, name=declared.name, type=declared.data_type, known=", ".join(NUMPY_TYPES))
    wanted = np.dtype(declared.data_type)
    if array.dtype == wanted:
        return array
    if array.dtype.kind == "f" and wanted.kind in "iu":
        limits = np.iinfo(wanted)
        return np.clip(np.rint(array), limits.min, limits.max).astype(wanted)
    if array.dtype.kind == "f" and wanted == np.float16:
        limit = float(np.finfo(np.float16).max)
        return np.clip(array, -limit, limit).astype(wanted)
    return array.astype(wanted)


def _wavelengths(card: Card, declared: ModelInput, batch: TileBatch) -> np.ndarray:
    """Give the bands' centre wavelengths."""
    factor = _WAVELENGTH_UNITS.get(declared.encoding)
    if factor is None:
        raise _encoding_error(card, declared, tuple(_WAVELENGTH_UNITS))
    without = [band.name for band in card.bands if band.wavelength_um is None]
    if without:
        raise CardError("wavelength-missing", "The encoder {encoder} needs the wavelength of every band, but its card "
                        "gives none for {bands}: add the centre wavelength in µm.", encoder=card.id,
                        bands=", ".join(without))
    numbers = np.array([float(band.wavelength_um or 0.0) for band in card.bands]) * factor
    return _numbers(card, declared, numbers[None, None].repeat(len(batch), axis=0))


def _gsd(card: Card, declared: ModelInput, batch: TileBatch) -> np.ndarray:
    """Give the pixel size in metres."""
    if declared.encoding != "m":
        raise _encoding_error(card, declared, ("m",))
    if batch.gsd_m is None:
        raise InputError("gsd-missing", "The encoder {encoder} needs the pixel size in metres, which is not known for "
                         "this raster: give the raster a coordinate system.", encoder=card.id)
    return _numbers(card, declared, np.full((len(batch), 1, 1), float(batch.gsd_m)))


def _time(card: Card, declared: ModelInput, batch: TileBatch) -> np.ndarray:
    """Give the dates in the way the encoder was trained on."""
    encode = _TIMES.get(declared.encoding)
    if encode is None:
        raise _encoding_error(card, declared, tuple(_TIMES))
    dates = batch.values.shape[1]
    if not batch.dates and declared.encoding == "sincos":
        # Clay was trained with place and time left out at random; zeros stand for "not known".
        numbers = np.zeros((dates, 4))
    elif len(batch.dates) != dates:
        raise InputError("date-missing", "The encoder {encoder} needs a date for each of its {expected} rasters but "
                         "{found} are known: give the dates.", encoder=card.id, expected=dates, found=len(batch.dates))
    else:
        numbers = np.array([encode(date) for date in batch.dates], dtype=np.float64)
    return _numbers(card, declared, numbers[None].repeat(len(batch), axis=0))


def _latlon(card: Card, declared: ModelInput, batch: TileBatch) -> np.ndarray:
    """Give the tiles' places in the way the encoder was trained on."""
    encode = _PLACES.get(declared.encoding)
    if encode is None:
        raise _encoding_error(card, declared, tuple(_PLACES))
    if batch.longitude is None or batch.latitude is None:
        if declared.encoding == "sincos":
            return _numbers(card, declared, np.zeros((len(batch), 1, 4)))
        raise InputError("place-missing", "The encoder {encoder} needs latitude and longitude, which are not known "
                         "for this raster: give the raster a coordinate system.", encoder=card.id)
    numbers = encode(np.asarray(batch.latitude, dtype=np.float64), np.asarray(batch.longitude, dtype=np.float64))
    return _numbers(card, declared, numbers[:, None])


def _numbers(card: Card, declared: ModelInput, numbers: np.ndarray) -> np.ndarray:
    """Bring `(batch, time, value)` into the declared axes; one along which all numbers agree may be absent."""
    order = declared.dim_order
    axes = ("batch", "time", "value")
    if any(axis not in axes for axis in order) or len(set(order)) != len(order):
        raise CardError("extra-axes", "The card of {encoder} names the axes {order} for its input {name}: use batch, "
                        "time and value.", encoder=card.id, order=", ".join(order), name=declared.name)
    array = numbers
    for index in reversed(range(3)):
        if axes[index] in order:
            continue
        if array.shape[index] != 1 and not _all_agree(array, index):
            raise CardError("extra-axis-missing", "The card of {encoder} gives its input {name} no axis {axis}, but "
                            "its numbers differ along it: correct dim_order.", encoder=card.id, name=declared.name,
                            axis=axes[index])
        array = array.take(0, axis=index)
    kept = [axis for axis in axes if axis in order]
    arranged = np.transpose(array, [kept.index(axis) for axis in order])
    _check_size(card, declared, arranged)
    return np.ascontiguousarray(_typed(card, declared, arranged)).reshape(arranged.shape)


def _all_agree(array: np.ndarray, axis: int) -> bool:
    """Tell whether the numbers are the same at every step of an axis other than the values'."""
    return axis != 2 and bool(np.all(array == array.take([0], axis=axis)))


def _encoding_error(card: Card, declared: ModelInput, known: Sequence[str]) -> CardError:
    """Make the error of an extra input whose encoding isn't one of ours."""
    return CardError("encoding-unknown", "The card of {encoder} gives its input {name} ({role}) the encoding "
                     "“{encoding}”: use {known}.", encoder=card.id, name=declared.name, role=declared.role,
                     encoding=declared.encoding, known=" or ".join(known))


def _declared_size(declared: ModelInput, axis: str) -> int:
    """Return the declared size of an axis, or −1."""
    return declared.shape[declared.dim_order.index(axis)] if axis in declared.dim_order else -1


def _week_and_hour(date: datetime.datetime) -> List[float]:
    """Put the ISO week and the hour on circles, as Clay does."""
    week = date.isocalendar()[1] * 2 * math.pi / WEEKS
    hour = date.hour * 2 * math.pi / HOURS
    return [math.sin(week), math.cos(week), math.sin(hour), math.cos(hour)]


def _year_and_day(date: datetime.datetime) -> List[float]:
    """Give year and day of the year, as Prithvi-EO-2.0 TL takes them."""
    return [float(date.year), float(date.timetuple().tm_yday)]


def _circles(latitude: np.ndarray, longitude: np.ndarray) -> np.ndarray:
    """Put latitude and longitude on circles, as Clay does."""
    lat, lon = np.radians(latitude), np.radians(longitude)
    return np.stack([np.sin(lat), np.cos(lat), np.sin(lon), np.cos(lon)], axis=1)


def _lat_lon(latitude: np.ndarray, longitude: np.ndarray) -> np.ndarray:
    """Give degrees, latitude first."""
    return np.stack([latitude, longitude], axis=1)


_TIMES: "Dict[str, Callable[[datetime.datetime], List[float]]]" = {
    "sincos": _week_and_hour, "year-doy": _year_and_day}
_PLACES: "Dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]]" = {
    "sincos": _circles, "degrees": _lat_lon}
_WAVELENGTH_UNITS = {"um": 1.0, "nm": 1000.0}
_BUILDERS: "Dict[str, Callable[[Card, ModelInput, TileBatch], np.ndarray]]" = {
    "image": _image, "mask": _mask, "wavelengths": _wavelengths, "gsd": _gsd, "time": _time, "latlon": _latlon}

"""What a sensor like Sentinel-2's makes of the landscape: light, haze, blur, noise and clouds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, Iterator, Tuple

import numpy as np

from .frame import CELL, FINE, Frame
from .landscape import Landscape
from .noise import blur, fractal_noise, generator
from .surfaces import endmembers

NODATA = 0
_STREAM = 51


@dataclass(frozen=True)
class Acquisition:
    """One overpass: season, sun, air and where the clouds stand (shares of the scene's sides, radius of its span)."""

    name: str
    time: str
    season: int
    sun_azimuth: float
    sun_height: float
    gain: float
    haze: Tuple[float, ...]
    clouds: Tuple[Tuple[float, float, float], ...]


@dataclass(frozen=True)
class BandFacts:
    """A band of the sensor."""

    name: str
    common_name: str
    wavelength: float
    width: float


BANDS = (
    BandFacts("B02", "blue", 0.490, 0.065),
    BandFacts("B03", "green", 0.560, 0.035),
    BandFacts("B04", "red", 0.665, 0.030),
    BandFacts("B05", "rededge071", 0.705, 0.015),
    BandFacts("B08", "nir", 0.842, 0.115),
    BandFacts("B11", "swir16", 1.610, 0.090),
)

SPRING = Acquisition(
    "spring", "2023-05-21T10:26:00Z", 0, 157.0, 58.0, 1.0, (0.004, 0.003, 0.002, 0.001, 0.0, 0.0),
    ((0.63, 0.40, 0.040), (0.69, 0.355, 0.028), (0.585, 0.345, 0.018), (0.07, 0.70, 0.030)),
)
SUMMER = Acquisition(
    "summer", "2025-08-24T10:26:00Z", 1, 162.0, 48.0, 1.05, (0.013, 0.009, 0.006, 0.005, 0.003, 0.001),
    ((0.22, 0.55, 0.034), (0.285, 0.60, 0.024), (0.96, 0.90, 0.036)),
)


def take_picture(land: Landscape, overpass: Acquisition, seed: int) -> np.ndarray:
    """Return the scene as uint16 of (bands, rows, cols): reflectance x 10000, 0 where a cloud hides the ground."""
    hidden = _clouds(land.frame, overpass, seed)
    rng = generator(seed, _STREAM, overpass.season)
    picture = np.empty((len(BANDS), land.frame.rows, land.frame.columns), dtype=np.uint16)
    for band, fine in enumerate(lit_ground(land, overpass, range(len(BANDS)))):
        seen = _pixels(fine)
        if BANDS[band].wavelength > 1.0:
            seen = _twenty_metres(seen)
        seen = blur(seen, 0.62) * overpass.gain + overpass.haze[band]
        seen = seen * (1 + 0.012 * rng.standard_normal(seen.shape, dtype=np.float32))
        seen = seen + 0.0008 * rng.standard_normal(seen.shape, dtype=np.float32)
        picture[band] = np.clip(np.rint(seen * 10000), 1, 15000)
    picture[:, hidden] = NODATA
    return picture


def lit_ground(land: Landscape, overpass: Acquisition, bands: Iterable[int]) -> Iterator[np.ndarray]:
    """Yield what leaves the ground towards the sky in each band, on the fine grid, before air and sensor blur it."""
    surface, mix, canopy = (
        (land.after, land.mix_after, land.canopy_after) if overpass.season
        else (land.before, land.mix_before, land.canopy_before)
    )
    low, high = endmembers(overpass.season)
    span = high - low
    light = _light(land.terrain + canopy, overpass)
    for band in bands:
        yield (low[:, band][surface] + span[:, band][surface] * mix) * light


def _light(height: np.ndarray, overpass: Acquisition) -> np.ndarray:
    """Return the light on each cell as a share of that on flat ground: slopes, rough canopies, the edges of woods."""
    down, across = np.gradient(height, CELL)
    azimuth, rise = np.radians(overpass.sun_azimuth), np.radians(overpass.sun_height)
    towards = -across * np.sin(azimuth) * np.cos(rise) + down * np.cos(azimuth) * np.cos(rise) + np.sin(rise)
    direct = np.clip(towards / np.sqrt(1 + down**2 + across**2), 0, None) / np.sin(rise)
    return (0.30 + 0.70 * np.clip(direct, 0, 1.6)).astype(np.float32)


def _pixels(fine: np.ndarray) -> np.ndarray:
    """Return the mean of the fine cells of each pixel."""
    rows, columns = fine.shape
    return fine.reshape(rows // FINE, FINE, columns // FINE, FINE).mean(axis=(1, 3))


def _twenty_metres(field: np.ndarray) -> np.ndarray:
    """Return a band that the sensor sees at 20 m, on the 10 m grid."""
    rows, columns = field.shape
    padded = np.pad(field, ((0, rows % 2), (0, columns % 2)), mode="edge")
    coarse = padded.reshape(padded.shape[0] // 2, 2, padded.shape[1] // 2, 2).mean(axis=(1, 3))
    return np.repeat(np.repeat(coarse, 2, axis=0), 2, axis=1)[:rows, :columns]


def _clouds(frame: Frame, overpass: Acquisition, seed: int) -> np.ndarray:
    """Return the pixels that clouds hide."""
    rng = generator(seed, _STREAM, 9, overpass.season)
    shape = (frame.rows, frame.columns)
    billow = fractal_noise(shape, 0.06 * frame.span / 10, 5, 0.6, rng)
    down, across = np.mgrid[0:frame.rows, 0:frame.columns] + 0.5
    hidden = np.zeros(shape, dtype=bool)
    for x, y, radius in overpass.clouds:
        distance = np.hypot(across - x * frame.columns, down - y * frame.rows) / (radius * min(shape))
        hidden |= distance + 0.38 * billow < 1
    return hidden

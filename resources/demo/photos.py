"""Photos that a drone takes of the demo's landscape, straight down, each with its position, time and heading."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Dict, List, Tuple

import numpy as np
from osgeo import gdal, osr

from .frame import CELL, PIXEL
from .imaging import SPRING, lit_ground
from .labels import Georeference
from .landscape import Landscape
from .noise import generator

PHOTOS_OF_A_CLASS = 6
WIDTH, HEIGHT = 240, 180
_STREAM = 71
_TAKEOFF = datetime(2023, 5, 23, 9, 30)
_PAUSE = timedelta(seconds=45)
_RED_GREEN_BLUE = (2, 1, 0)
_BRIGHT, _GAMMA = 0.23, 1.6
_COPYRIGHT = "Invented landscape, made by Earthprint's demo; it shows no real place."


@dataclass(frozen=True)
class Shot:
    """Where and how a photo is taken: metres east and south of the scene's corner; what is up, clockwise from north."""

    east: float
    south: float
    heading: float
    time: datetime


def plan_flight(land: Landscape, points: "Dict[str, np.ndarray]", seed: int) -> List[Shot]:
    """Return a shot above each of some labelled points of every class, away from the edges, from west to east."""
    rng = generator(seed, _STREAM)
    margin = np.hypot(WIDTH, HEIGHT) / 2
    places: "List[Tuple[float, float]]" = []
    for spots in points.values():
        centres = (spots[:, ::-1] + 0.5) * PIXEL
        inside = (centres > margin).all(axis=1)
        inside &= (centres < np.array([land.frame.columns, land.frame.rows]) * PIXEL - margin).all(axis=1)
        candidates = centres[inside]
        chosen = rng.choice(len(candidates), min(PHOTOS_OF_A_CLASS, len(candidates)), replace=False)
        places += [(float(east), float(south)) for east, south in candidates[np.sort(chosen)]]
    return [Shot(east, south, float(rng.integers(0, 360)), _TAKEOFF + number * _PAUSE)
            for number, (east, south) in enumerate(sorted(places))]


def write_photos(folder: Path, land: Landscape, shots: "List[Shot]", at: Georeference, seed: int) -> None:
    """Take all photos, one metre a pixel, over those of an earlier demo."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("photo_*.jpg"):
        old.unlink()
    ground = np.stack(list(lit_ground(land, SPRING, _RED_GREEN_BLUE)))
    rng = generator(seed, _STREAM, 1)
    degrees = osr.SpatialReference()
    degrees.ImportFromEPSG(4326)
    degrees.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    to_degrees = osr.CoordinateTransformation(at.system(), degrees)
    for number, shot in enumerate(shots, start=1):
        seen = _looked_at(ground, shot)
        seen = seen * (1 + 0.05 * rng.standard_normal(seen.shape[1:], dtype=np.float32))
        longitude, latitude, _ = to_degrees.TransformPoint(at.left + shot.east, at.top - shot.south)
        _write(folder / f"photo_{number:02d}.jpg", _developed(seen), _exif(shot, longitude, latitude))


def _looked_at(ground: np.ndarray, shot: Shot) -> np.ndarray:
    """Return (bands, rows, cols) of what the camera sees, between the cells of the ground by their nearness."""
    right, down = np.meshgrid(np.arange(WIDTH) + 0.5 - WIDTH / 2, np.arange(HEIGHT) + 0.5 - HEIGHT / 2)
    turn = np.radians(shot.heading)
    column = (shot.east + right * np.cos(turn) - down * np.sin(turn)) / CELL - 0.5
    row = (shot.south + right * np.sin(turn) + down * np.cos(turn)) / CELL - 0.5
    left = np.clip(np.floor(column).astype(int), 0, ground.shape[2] - 2)
    top = np.clip(np.floor(row).astype(int), 0, ground.shape[1] - 2)
    across, along = (column - left).astype(np.float32), (row - top).astype(np.float32)
    upper = ground[:, top, left] * (1 - across) + ground[:, top, left + 1] * across
    lower = ground[:, top + 1, left] * (1 - across) + ground[:, top + 1, left + 1] * across
    return upper * (1 - along) + lower * along


def _developed(light: np.ndarray) -> np.ndarray:
    """Return reflectances as the bytes of a picture that people like to look at."""
    return np.rint(255 * np.clip(light / _BRIGHT, 0, 1) ** (1 / _GAMMA)).astype(np.uint8)


def _exif(shot: Shot, longitude: float, latitude: float) -> "Dict[str, str]":
    """Return what a camera notes, by the names that GDAL writes into the EXIF block."""
    return {
        "EXIF_DateTimeOriginal": shot.time.strftime("%Y:%m:%d %H:%M:%S"),
        "EXIF_Copyright": _COPYRIGHT,
        "EXIF_GPSLatitudeRef": "N" if latitude >= 0 else "S",
        "EXIF_GPSLatitude": _sexagesimal(latitude),
        "EXIF_GPSLongitudeRef": "E" if longitude >= 0 else "W",
        "EXIF_GPSLongitude": _sexagesimal(longitude),
        "EXIF_GPSImgDirectionRef": "T",
        "EXIF_GPSImgDirection": f"({shot.heading:g})",
    }


def _sexagesimal(angle: float) -> str:
    """Return degrees, minutes and seconds as EXIF keeps them; the seconds have room for a hand's breadth."""
    degrees, rest = divmod(abs(angle), 1)
    minutes, rest = divmod(rest * 60, 1)
    return f"({degrees:.0f}) ({minutes:.0f}) ({rest * 60:.4f})"


def _write(path: Path, picture: np.ndarray, notes: "Dict[str, str]") -> None:
    """Write one photo as JPEG with its notes."""
    memory = gdal.GetDriverByName("MEM").Create("", picture.shape[2], picture.shape[1], len(picture), gdal.GDT_Byte)
    for index, band in enumerate(picture):
        memory.GetRasterBand(index + 1).WriteArray(band)
    memory.SetMetadata(notes)
    if gdal.GetDriverByName("JPEG").CreateCopy(str(path), memory, options=["QUALITY=85"]) is None:
        raise OSError(f"The photo {path} can't be written: choose a folder you may write to.")

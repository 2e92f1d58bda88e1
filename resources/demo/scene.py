"""Makes the demo's scene: six-band pictures of an invented landscape at two dates, labels, photos; no download."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Tuple

import numpy as np
from osgeo import gdal

from .frame import PIXEL, Frame
from .imaging import BANDS, NODATA, SPRING, SUMMER, Acquisition, take_picture
from .labels import (
    Georeference,
    heights_of,
    pick_plots,
    pick_points,
    write_area,
    write_changes,
    write_plots,
    write_points,
)
from .landscape import Landscape, make_landscape
from .photos import plan_flight, write_photos

WIDTH, HEIGHT = 1200, 1000
SEED = 7
PLACE = Georeference(left=604000.0, top=5402000.0, pixel=PIXEL, epsg=32632)
_COPYRIGHT = "Invented landscape, made by Earthprint's demo; it shows no real place."


@dataclass(frozen=True)
class Scene:
    """The scene in memory: the landscape and its two pictures, (bands, rows, cols), 0 under clouds."""

    land: Landscape
    spring: np.ndarray
    summer: np.ndarray

    @property
    def clear(self) -> np.ndarray:
        """Return the pixels that no cloud hides at either date."""
        return (self.spring[0] != NODATA) & (self.summer[0] != NODATA)


@dataclass(frozen=True)
class SceneFiles:
    """Where the scene lies on disk."""

    spring: Path
    summer: Path
    land_cover: Path
    plots: Path
    true_changes: Path
    area_of_interest: Path
    photos: Path


def make_scene(width: int = WIDTH, height: int = HEIGHT, seed: int = SEED) -> Scene:
    """Return the scene of that many pixels; the same size and seed give the same one."""
    land = make_landscape(Frame(width, height), seed)
    return Scene(land, take_picture(land, SPRING, seed), take_picture(land, SUMMER, seed))


def scene_files(folder: Path) -> SceneFiles:
    """Return the names that the scene's files have in a folder."""
    return SceneFiles(
        spring=folder / "scene_spring.tif",
        summer=folder / "scene_summer.tif",
        land_cover=folder / "land_cover.gpkg",
        plots=folder / "plots.gpkg",
        true_changes=folder / "true_changes.gpkg",
        area_of_interest=folder / "area_of_interest.gpkg",
        photos=folder / "photos",
    )


def write_scene(scene: Scene, folder: Path, seed: int = SEED) -> SceneFiles:
    """Write pictures, labels and photos into a folder, over older ones."""
    folder.mkdir(parents=True, exist_ok=True)
    files = scene_files(folder)
    for path, picture, overpass in ((files.spring, scene.spring, SPRING), (files.summer, scene.summer, SUMMER)):
        _write_picture(path, picture, overpass)
    points = pick_points(scene.land, scene.clear, seed)
    write_points(files.land_cover, points, PLACE)
    plots = pick_plots(scene.clear, seed)
    write_plots(files.plots, plots, heights_of(scene.land.canopy_before, plots), PLACE)
    write_changes(files.true_changes, scene.land.changes, PLACE)
    write_area(files.area_of_interest, scene.land.frame, PLACE)
    write_photos(files.photos, scene.land, plan_flight(scene.land, points, seed), PLACE, seed)
    return files


def _write_picture(path: Path, picture: np.ndarray, overpass: Acquisition) -> None:
    """Write one date as a tiled GeoTIFF whose bands say what they are."""
    path.unlink(missing_ok=True)
    bands, rows, columns = picture.shape
    options = ["TILED=YES", "BLOCKXSIZE=256", "BLOCKYSIZE=256", "INTERLEAVE=BAND", "COMPRESS=DEFLATE", "PREDICTOR=2"]
    target = gdal.GetDriverByName("GTiff").Create(str(path), columns, rows, bands, gdal.GDT_UInt16, options)
    if target is None:
        raise OSError(f"The file {path} can't be written: choose a folder you may write to.")
    target.SetGeoTransform(PLACE.geotransform)
    target.SetProjection(PLACE.system().ExportToWkt())
    target.SetMetadata({
        "TIFFTAG_DATETIME": _tiff_time(overpass.time),
        "TIFFTAG_COPYRIGHT": _COPYRIGHT,
        "ACQUISITION_TIME": overpass.time,
        "UNITS": "reflectance x 10000",
    })
    for index, facts in enumerate(BANDS):
        band = target.GetRasterBand(index + 1)
        band.SetDescription(facts.name)
        band.SetNoDataValue(NODATA)
        band.SetMetadata({
            "common_name": facts.common_name,
            "wavelength": f"{facts.wavelength:.3f}",
            "wavelength_units": "Micrometers",
            "fwhm": f"{facts.width:.3f}",
        })
        band.WriteArray(picture[index])
    target.FlushCache()


def _tiff_time(iso: str) -> str:
    """Return an ISO time in the form that the TIFF tag wants."""
    day, hour = iso.rstrip("Z").split("T")
    return f"{day.replace('-', ':')} {hour}"


def stretch_of(picture: np.ndarray, band: int, shares: Tuple[float, float] = (1.0, 99.0)) -> Tuple[float, float]:
    """Return the reflectances between which a band of the picture is well shown."""
    seen = picture[band][picture[band] != NODATA]
    low, high = np.percentile(seen, shares)
    return float(low), float(high)

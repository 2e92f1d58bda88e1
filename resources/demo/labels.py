"""What a surveyor would bring home from the demo's landscape: labelled points, true changes, an area of interest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterable, List, Sequence, Tuple

import numpy as np
from osgeo import gdal, ogr, osr

from .frame import FINE, Frame
from .landscape import Landscape
from .noise import generator
from .surfaces import LAND_COVER, Surface

POINTS_OF_A_CLASS = 60
PLOTS = 240
SMALLEST_CHANGE = 5000.0
_STREAM = 61
# A plot is so many pixels wide.
_PLOT = 3
_AREA = ((0.30, 0.27), (0.55, 0.22), (0.66, 0.33), (0.63, 0.52), (0.50, 0.60), (0.36, 0.58), (0.27, 0.45))
_OTHER = 255


@dataclass(frozen=True)
class Georeference:
    """Where the scene lies: upper left corner, pixel size and coordinate system."""

    left: float
    top: float
    pixel: float
    epsg: int

    @property
    def geotransform(self) -> Tuple[float, float, float, float, float, float]:
        """Return the six numbers that GDAL wants."""
        return self.left, self.pixel, 0.0, self.top, 0.0, -self.pixel

    def system(self) -> osr.SpatialReference:
        """Return the coordinate system."""
        reference = osr.SpatialReference()
        reference.ImportFromEPSG(self.epsg)
        return reference


def class_names() -> List[str]:
    """Return the names of the land cover classes, in a fixed order."""
    return sorted(set(LAND_COVER.values()))


def class_map(surface: np.ndarray) -> np.ndarray:
    """Return for each pixel the index of its class where all its fine cells agree, 255 elsewhere."""
    names = class_names()
    table = np.full(len(Surface), _OTHER, dtype=np.uint8)
    for kind, name in LAND_COVER.items():
        table[kind] = names.index(name)
    fine = table[surface]
    rows, columns = fine.shape
    cells = fine.reshape(rows // FINE, FINE, columns // FINE, FINE)
    same = (cells.min(axis=(1, 3)) == cells.max(axis=(1, 3)))
    return np.where(same, cells[:, 0, :, 0], _OTHER).astype(np.uint8)


def pick_points(land: Landscape, clear: np.ndarray, seed: int) -> Dict[str, np.ndarray]:
    """Return for each class the (row, column) of pixels well inside it, seen at both dates and unchanged."""
    before, after = class_map(land.before), class_map(land.after)
    settled = clear & (before == after) & (before != _OTHER)
    for shift in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        settled &= np.roll(before, shift, axis=(0, 1)) == before
    settled[[0, -1], :] = False
    settled[:, [0, -1]] = False
    rng = generator(seed, _STREAM)
    picked = {}
    for index, name in enumerate(class_names()):
        candidates = np.argwhere(settled & (before == index))
        count = min(POINTS_OF_A_CLASS, len(candidates))
        picked[name] = candidates[np.sort(rng.choice(len(candidates), count, replace=False))]
    return picked


def pick_plots(clear: np.ndarray, seed: int) -> np.ndarray:
    """Return the (row, column) of the middle pixels of plots that no cloud hides, anywhere in the scene."""
    seen = clear.copy()
    seen[[0, -1], :] = False
    seen[:, [0, -1]] = False
    candidates = np.argwhere(seen)
    rng = generator(seed, _STREAM, 1)
    return candidates[np.sort(rng.choice(len(candidates), min(PLOTS, len(candidates)), replace=False))]


def heights_of(canopy: np.ndarray, plots: np.ndarray) -> np.ndarray:
    """Return the mean height in metres of what stands on each plot, to the decimetre that a surveyor would note."""
    half = _PLOT // 2 * FINE
    return np.array([round(float(canopy[row * FINE - half:(row + 1) * FINE + half,
                                        column * FINE - half:(column + 1) * FINE + half].mean()), 1)
                     for row, column in plots])


def change_mask(cells: np.ndarray) -> np.ndarray:
    """Return the pixels of which at least half changed."""
    rows, columns = cells.shape
    return cells.reshape(rows // FINE, FINE, columns // FINE, FINE).mean(axis=(1, 3)) >= 0.5


def write_points(path: Path, points: Dict[str, np.ndarray], at: Georeference) -> None:
    """Write the labelled points: `land_cover` names the class, `class_id` numbers it from 1."""
    with _NewLayer(path, "land_cover", ogr.wkbPoint, at) as layer:
        _add_fields(layer, (("land_cover", ogr.OFTString), ("class_id", ogr.OFTInteger)))
        for number, (name, places) in enumerate(points.items(), start=1):
            for row, column in places:
                point = ogr.Geometry(ogr.wkbPoint)
                point.AddPoint_2D(at.left + (column + 0.5) * at.pixel, at.top - (row + 0.5) * at.pixel)
                _add_feature(layer, point, (name, number))


def write_plots(path: Path, plots: np.ndarray, heights: np.ndarray, at: Georeference) -> None:
    """Write the middles of the plots with the `height` measured there, in metres."""
    with _NewLayer(path, "plots", ogr.wkbPoint, at) as layer:
        _add_fields(layer, (("height", ogr.OFTReal),))
        for (row, column), height in zip(plots, heights):
            point = ogr.Geometry(ogr.wkbPoint)
            point.AddPoint_2D(at.left + (column + 0.5) * at.pixel, at.top - (row + 0.5) * at.pixel)
            _add_feature(layer, point, (float(height),))


def write_changes(path: Path, changes: Dict[str, np.ndarray], at: Georeference) -> None:
    """Write the outlines of what truly changed: `kind` and `hectares`; scraps under half a hectare are left out."""
    with _NewLayer(path, "true_changes", ogr.wkbPolygon, at) as layer:
        _add_fields(layer, (("kind", ogr.OFTString), ("hectares", ogr.OFTReal)))
        for kind, cells in changes.items():
            for outline in _outlines(change_mask(cells), at):
                area = outline.GetArea()
                if area >= SMALLEST_CHANGE:
                    _add_feature(layer, outline, (kind, round(area / 10000, 2)))


def write_area(path: Path, frame: Frame, at: Georeference) -> None:
    """Write the area of interest: the town, the bend of the river before it and some fields."""
    with _NewLayer(path, "area_of_interest", ogr.wkbPolygon, at) as layer:
        _add_fields(layer, (("name", ogr.OFTString),))
        ring = ogr.Geometry(ogr.wkbLinearRing)
        for across, down in _AREA + _AREA[:1]:
            ring.AddPoint_2D(at.left + across * frame.columns * at.pixel, at.top - down * frame.rows * at.pixel)
        polygon = ogr.Geometry(ogr.wkbPolygon)
        polygon.AddGeometry(ring)
        _add_feature(layer, polygon, ("Town and river bend",))


def _outlines(mask: np.ndarray, at: Georeference) -> Iterable[ogr.Geometry]:
    """Return the polygons around the true pixels of a mask."""
    raster = gdal.GetDriverByName("MEM").Create("", mask.shape[1], mask.shape[0], 1, gdal.GDT_Byte)
    raster.SetGeoTransform(at.geotransform)
    raster.SetProjection(at.system().ExportToWkt())
    band = raster.GetRasterBand(1)
    band.WriteArray(mask.astype(np.uint8))
    memory = ogr.GetDriverByName("Memory").CreateDataSource("outlines")
    layer = memory.CreateLayer("outlines", at.system(), ogr.wkbPolygon)
    gdal.Polygonize(band, band, layer, -1, [])
    return [feature.GetGeometryRef().Clone() for feature in layer]


class _NewLayer:
    """A GeoPackage of one layer, written in one transaction and closed at the end; an older file of that name goes."""

    def __init__(self, path: Path, name: str, kind: int, at: Georeference) -> None:
        self._path, self._name, self._kind, self._at = path, name, kind, at

    def __enter__(self) -> ogr.Layer:
        """Create file and layer."""
        self._path.unlink(missing_ok=True)
        self._source = ogr.GetDriverByName("GPKG").CreateDataSource(str(self._path))
        if self._source is None:
            raise OSError(f"The file {self._path} can't be written: choose a folder you may write to.")
        self._layer = self._source.CreateLayer(self._name, self._at.system(), self._kind)
        self._layer.StartTransaction()
        return self._layer

    def __exit__(self, *failure: object) -> None:
        """Close the file."""
        self._layer.CommitTransaction()
        self._layer = None
        self._source = None


def _add_fields(layer: ogr.Layer, fields: Sequence[Tuple[str, int]]) -> None:
    """Add attribute fields of the given names and types."""
    for name, kind in fields:
        layer.CreateField(ogr.FieldDefn(name, kind))


def _add_feature(layer: ogr.Layer, geometry: ogr.Geometry, values: Sequence[object]) -> None:
    """Add one feature with its attributes in the order of the fields."""
    feature = ogr.Feature(layer.GetLayerDefn())
    for index, value in enumerate(values):
        feature.SetField(index, value)
    feature.SetGeometry(geometry)
    layer.CreateFeature(feature)

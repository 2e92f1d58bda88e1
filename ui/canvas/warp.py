"""Which cell of a picture lies under each pixel of the map, whatever the two coordinate systems are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple

import numpy as np
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCsException,
    QgsMapSettings,
    QgsPointXY,
    QgsRectangle,
)

# Between nodes so far apart (pixels), a bent line of the map stays within a fraction of a pixel of a straight one.
_STEP = 16
_FEWEST = 4
# The picture's box on the map is found from some points of its sides, which may bulge between them.
_SPARE = 0.05
_TORN = 8.0

Extent = Tuple[float, float, float, float]


@dataclass(frozen=True)
class Ground:
    """Where a picture of cells lies: xmin, ymin, xmax, ymax in its CRS, its first row in the north, and its size."""

    extent: Extent
    rows: int
    columns: int
    crs: QgsCoordinateReferenceSystem


def cells_under_pixels(ground: Ground, settings: QgsMapSettings) -> np.ndarray:
    """Return int32 `(height, width)`: the flat number of the cell under each pixel's middle, −1 where there is none."""
    size = settings.outputSize()
    found = np.full((max(size.height(), 0), max(size.width(), 0)), -1, dtype=np.int32)
    left, top, right, bottom = _pixels_of(ground, settings)
    if left >= right or top >= bottom or not ground.rows or not ground.columns:
        return found
    across, down = _nodes(left, right), _nodes(top, bottom)
    x, y = _map_places(settings, across, down)
    x, y = _moved(x, y, settings, ground.crs)
    x, y = _filled(x, y, across, down)
    xmin, ymin, xmax, ymax = ground.extent
    column = np.floor((x - xmin) * (ground.columns / (xmax - xmin)))
    row = np.floor((ymax - y) * (ground.rows / (ymax - ymin)))
    with np.errstate(invalid="ignore"):
        inside = (column >= 0) & (column < ground.columns) & (row >= 0) & (row < ground.rows)
    found[top:bottom, left:right][inside] = (row[inside] * ground.columns + column[inside]).astype(np.int32)
    return found


def _pixels_of(ground: Ground, settings: QgsMapSettings) -> "Tuple[int, int, int, int]":
    """Return the pixels (left, top, right, bottom) within which the picture lies: all where that can't be told."""
    size = settings.outputSize()
    whole = 0, 0, size.width(), size.height()
    box = QgsRectangle(*ground.extent)
    if settings.destinationCrs().isValid() and ground.crs.isValid() and settings.destinationCrs() != ground.crs:
        transform = QgsCoordinateTransform(ground.crs, settings.destinationCrs(), settings.transformContext())
        try:
            box = transform.transformBoundingBox(box)
        except QgsCsException:
            return whole
        if not box.isFinite():
            return whole
    pixels = settings.mapToPixel()
    corners = [pixels.transform(QgsPointXY(x, y)) for x in (box.xMinimum(), box.xMaximum())
               for y in (box.yMinimum(), box.yMaximum())]
    found = []
    for values, most in (([corner.x() for corner in corners], size.width()),
                         ([corner.y() for corner in corners], size.height())):
        spare = 2.0 + _SPARE * (max(values) - min(values))
        found.append((int(min(max(min(values) - spare, 0), most)), int(min(max(max(values) + spare, 0), most))))
    return found[0][0], found[1][0], found[0][1], found[1][1]


def _nodes(start: int, end: int) -> np.ndarray:
    """Return the places, in pixels, of nodes that reach from edge to edge."""
    return np.linspace(float(start), float(end), max(_FEWEST, -(-(end - start) // _STEP) + 1))


def _map_places(settings: QgsMapSettings, across: np.ndarray, down: np.ndarray) -> "Tuple[np.ndarray, np.ndarray]":
    """Return the map coordinates of nodes; pixels to map is affine, also where the map is turned."""
    pixels = settings.mapToPixel()
    far = 1000
    origin, right, below = (pixels.toMapCoordinates(*at) for at in ((0, 0), (far, 0), (0, far)))
    u, v = np.meshgrid(across / far, down / far)
    x = origin.x() + u * (right.x() - origin.x()) + v * (below.x() - origin.x())
    y = origin.y() + u * (right.y() - origin.y()) + v * (below.y() - origin.y())
    return x, y


def _moved(x: np.ndarray, y: np.ndarray, settings: QgsMapSettings,
           crs: QgsCoordinateReferenceSystem) -> "Tuple[np.ndarray, np.ndarray]":
    """Bring nodes into the picture's CRS, NaN where the projection doesn't reach."""
    source = settings.destinationCrs()
    if not source.isValid() or not crs.isValid() or source == crs:
        return x, y
    transform = QgsCoordinateTransform(source, crs, settings.transformContext())
    places = np.full((2, x.size), np.nan)
    for number, (east, north) in enumerate(zip(x.ravel().tolist(), y.ravel().tolist())):
        try:
            place = transform.transform(QgsPointXY(east, north))
        except QgsCsException:
            continue
        places[:, number] = place.x(), place.y()
    places[:, ~np.isfinite(places).all(axis=0)] = np.nan
    return places[0].reshape(x.shape), places[1].reshape(y.shape)


def _filled(x: np.ndarray, y: np.ndarray, across: np.ndarray, down: np.ndarray) -> "Tuple[np.ndarray, np.ndarray]":
    """Interpolate nodes at all pixels' middles; a mesh with a missing corner, or one torn at 180°, stays empty."""
    sound = _sound(x, y)
    columns, rows = _weights(across), _weights(down)
    places = [rows @ np.nan_to_num(nodes) @ columns.T for nodes in (x, y)]
    if not sound.all():
        mesh_rows, mesh_columns = (np.minimum(np.argmax(part > 0, axis=1), part.shape[1] - 2)
                                   for part in (rows, columns))
        hidden = ~sound[np.ix_(mesh_rows, mesh_columns)]
        for place in places:
            place[hidden] = np.nan
    return places[0], places[1]


def _sound(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return, for each mesh, whether all its corners are known and none is far from the others."""
    corners = np.stack([np.stack([part[:-1, :-1], part[:-1, 1:], part[1:, :-1], part[1:, 1:]]) for part in (x, y)])
    known = np.isfinite(corners).all(axis=(0, 1))
    spans = np.where(known, np.ptp(np.nan_to_num(corners), axis=1).max(axis=0), 0.0)
    usual = np.median(spans[known]) if known.any() else 0.0
    return known & (spans <= _TORN * usual) if usual > 0 else known


def _weights(nodes: np.ndarray) -> np.ndarray:
    """Return `(pixels, nodes)`: how much each node counts at the middle of each pixel between first and last."""
    length = round(nodes[-1] - nodes[0])
    places = (np.arange(length) + 0.5) / (nodes[1] - nodes[0])
    before = np.minimum(places.astype(np.int64), len(nodes) - 2)
    found = np.zeros((length, len(nodes)))
    found[np.arange(length), before] = 1 - (places - before)
    found[np.arange(length), before + 1] = places - before
    return found

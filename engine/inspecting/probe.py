"""The vector at a place: of the cell that holds it, or of the row of a table that does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional

import numpy as np
from osgeo import ogr

from ..centres import centres_of, point_wkb
from ..dataset import open_raster, quiet
from ..field import Field, open_field
from ..field_pass import read_block, source_of
from ..geodesy import Ground
from ..grid import Window
from ..progress import Progress, check
from ..table import Table
from ..table.vectors import check_vectors


@dataclass(frozen=True)
class Probe:
    """A vector (float32), its length, and the cell that it belongs to: column and row, and bounds in the field's CRS.

    `bounds` are xmin, ymin, xmax, ymax; `x`, `y` the cell's middle.
    """

    path: str
    key: str
    vector: np.ndarray
    norm: float
    column: int
    row: int
    x: float
    y: float
    bounds: "tuple[float, float, float, float]"


@dataclass(frozen=True)
class RowProbe:
    """A vector (float32), its length, and the row that it belongs to: its id, its place in the table, its geometry.

    `metres` is how far the row's middle lies from the place that was asked for: 0 where the row's geometry holds it.
    """

    name: str
    key: str
    vector: np.ndarray
    norm: float
    id: Any
    row: int
    wkb: Optional[bytes]
    metres: float


def probe_field(path: str, x: float, y: float) -> Optional[Probe]:
    """Return the vector of the cell that holds a place in the field's CRS; None outside and where there is no value."""
    return probe_opened(open_field(path), x, y)


def probe_opened(opened: Field, x: float, y: float) -> Optional[Probe]:
    """Return what `probe_field` does, for a field of which the facts are known: quicker where many places are asked."""
    grid = opened.info.grid
    left, dx, _, top, _, dy = grid.transform
    if not (np.isfinite(x) and np.isfinite(y)):
        return None
    column, row = int(np.floor((x - left) / dx)), int(np.floor((y - top) / dy))
    if not (0 <= column < grid.width and 0 <= row < grid.height):
        return None
    window = Window(column, row, 1, 1)
    vector = read_block(open_raster(opened.info.path), source_of(opened), window).vectors()[:, 0, 0]
    if not np.isfinite(vector).all():
        return None
    return Probe(opened.info.path, opened.key, vector, norm_of(vector), column, row,
                 *grid.centre(column + 0.5, row + 0.5), grid.part(window).extent())


def norm_of(vector: np.ndarray) -> float:
    """Return the length of a vector."""
    return float(np.linalg.norm(vector.astype(np.float64)))


def probe_bytes(blob: Any, key: str, name: str, row_id: Any) -> np.ndarray:
    """Return the vector of one row's column `embedding`, or say in words why it is none."""
    return check_vectors([blob], key, name, [row_id])[0]


def probe_table(table: Table, x: float, y: float, metres: float, progress: Progress) -> Optional[RowProbe]:
    """Return the first row whose geometry holds a place in the table's CRS, else the nearest one within so many metres.

    Distances to rows are to their middles.
    """
    ground, point = Ground(table.wkt), ogr.CreateGeometryFromWkb(point_wkb(x, y))
    here = ground.places(np.array([[x, y]]))[0]
    best, done = None, 0
    for chunk in table.chunks():
        check(progress)
        progress.report(done / max(1, table.count), "Looking for the row" if not done else None)
        inside = _holding(chunk.wkb, point)
        if inside is not None:
            return _row(table, chunk.ids, chunk.vectors, chunk.wkb, inside, done, 0.0)
        with np.errstate(invalid="ignore"):
            apart = ground.distance(ground.places(centres_of(chunk.wkb)), here)
        apart[~(apart <= metres)] = np.inf
        nearest = int(np.argmin(apart)) if len(apart) else -1
        if nearest >= 0 and apart[nearest] < (best.metres if best is not None else np.inf):
            best = _row(table, chunk.ids, chunk.vectors, chunk.wkb, nearest, done, float(apart[nearest]))
        done += len(chunk.vectors)
    return best


def _holding(shapes: "list[Optional[bytes]]", point: ogr.Geometry) -> Optional[int]:
    """Return the first of the geometries that holds a point; points and lines hold what lies on them."""
    x, y = point.GetX(), point.GetY()
    with quiet():
        for number, shape in enumerate(shapes):
            geometry = ogr.CreateGeometryFromWkb(shape) if shape is not None else None
            if geometry is None or geometry.IsEmpty():
                continue
            west, east, south, north = geometry.GetEnvelope()
            if west <= x <= east and south <= y <= north and geometry.Intersects(point):
                return number
    return None


def _row(table: Table, ids: Any, vectors: np.ndarray, shapes: "list[Optional[bytes]]", number: int, before: int,
         metres: float) -> RowProbe:
    """Return one row of a chunk."""
    vector = np.array(vectors[number], dtype=np.float32)
    return RowProbe(table.name, table.space_key, vector, norm_of(vector), ids[number], before + number, shapes[number],
                    metres)

"""Which rows lie beside each other: polygons that touch, points by their nearest ones; and all hang together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional, Sequence

import numpy as np
from osgeo import ogr

from ...errors import InputError
from ...geodesy import Ground
from ...packages import require
from ...progress import Progress, check

NEAREST = 6
_RADIUS = 6_371_008.8


@dataclass(frozen=True)
class Neighbours:
    """Pairs of rows `(pairs, 2)` that are neighbours; `bridges` are those of islands, which touch nothing."""

    rows: int
    pairs: np.ndarray
    bridges: np.ndarray

    def matrix(self) -> Any:
        """Return the sparse matrix that scikit-learn takes."""
        return _matrix(self.rows, np.concatenate([self.pairs, self.bridges]))


def find_neighbours(shapes: "Sequence[Optional[bytes]]", wkt: str, name: str, progress: Progress) -> Neighbours:
    """Return the neighbours of all rows by their geometries."""
    require("sklearn")
    geometries = [None if shape is None else ogr.CreateGeometryFromWkb(shape) for shape in shapes]
    missing = next((row for row, shape in enumerate(geometries) if shape is None or shape.IsEmpty()), None)
    if missing is not None:
        raise InputError("neighbours-geometry", "NEIGHBOURS_ONLY needs to know where rows are, but row {row} of {name} "
                         "has no geometry: leave such rows out with “Extract by expression”.", row=missing + 1,
                         name=name)
    places = _places(geometries, wkt)
    if all(ogr.GT_Flatten(shape.GetGeometryType()) in (ogr.wkbPolygon, ogr.wkbMultiPolygon) for shape in geometries):
        pairs = _touching(geometries, progress)
    else:
        pairs = _nearest(places)
    bridges = _bridges(places, pairs, progress)
    return Neighbours(len(shapes), pairs, bridges)


def _places(geometries: "Sequence[ogr.Geometry]", wkt: str) -> np.ndarray:
    """Return the rows' centres in coordinates whose straight distances tell what is near: on a globe, or on a plane."""
    centres = np.array([shape.Centroid().GetPoint_2D() for shape in geometries], dtype=np.float64)
    ground = Ground(wkt)
    if ground.planar:
        return centres
    found = np.radians(ground.places(centres))
    if not np.isfinite(found).all():
        return centres
    longitude, latitude = found[:, 0], found[:, 1]
    return _RADIUS * np.stack([np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude),
                               np.sin(latitude)], axis=1)


def _touching(geometries: "Sequence[ogr.Geometry]", progress: Progress) -> np.ndarray:
    """Return pairs of polygons that touch or overlap, be it at a corner."""
    boxes = np.array([shape.GetEnvelope() for shape in geometries])
    order = np.argsort(boxes[:, 0], kind="stable")
    west, east, south, north = boxes[order].T
    found = []
    for place in range(len(order)):
        if place % 256 == 0:
            check(progress)
        last = int(np.searchsorted(west, east[place], side="right"))
        beside = slice(place + 1, last)
        near = np.flatnonzero((south[beside] <= north[place]) & (north[beside] >= south[place])) + place + 1
        one = geometries[order[place]]
        found += [(order[place], order[other]) for other in near if one.Intersects(geometries[order[other]])]
    return np.array(found, dtype=np.int64).reshape(-1, 2)


def _nearest(places: np.ndarray) -> np.ndarray:
    """Return each point with its nearest ones."""
    from scipy.spatial import cKDTree

    count = min(NEAREST + 1, len(places))
    _, found = cKDTree(places).query(places, k=count)
    found = np.asarray(found).reshape(len(places), -1)
    rows = np.repeat(np.arange(len(places)), found.shape[1])
    pairs = np.stack([rows, found.ravel()], axis=1)
    return pairs[pairs[:, 0] != pairs[:, 1]]


def _bridges(places: np.ndarray, pairs: np.ndarray, progress: Progress) -> np.ndarray:
    """Return further pairs that tie each part to the nearest other one until all hang together."""
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    tree, added = cKDTree(places), np.empty((0, 2), dtype=np.int64)
    while True:
        check(progress)
        count, part = connected_components(_matrix(len(places), np.concatenate([pairs, added])), directed=False)
        if count == 1:
            return added
        largest = int(np.bincount(part).argmax())
        fresh = [_way_out(tree, places, np.flatnonzero(part == one), part) for one in range(count) if one != largest]
        added = np.concatenate([added, np.array(fresh, dtype=np.int64)])


def _way_out(tree: Any, places: np.ndarray, members: np.ndarray, part: np.ndarray) -> "tuple[int, int]":
    """Return the shortest pair from a part to any other."""
    wanted = min(2 * NEAREST, len(places))
    while True:
        far, found = tree.query(places[members], k=wanted)
        far = np.where(part[found] == part[members[0]], np.inf, far)
        if np.isfinite(far).any():
            row, column = np.unravel_index(int(far.argmin()), far.shape)
            return int(members[row]), int(found[row, column])
        wanted = min(4 * wanted, len(places))


def _matrix(rows: int, pairs: np.ndarray) -> Any:
    """Return a symmetric sparse matrix of pairs."""
    from scipy.sparse import coo_matrix

    both = np.concatenate([pairs, pairs[:, ::-1]])
    return coo_matrix((np.ones(len(both)), (both[:, 0], both[:, 1])), shape=(rows, rows)).tocsr()

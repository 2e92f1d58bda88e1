"""Outlines of H3 cells on the map: pentagons, cells that 180° of longitude cuts, and the two that hold a pole."""

from __future__ import annotations

import struct
from itertools import chain
from typing import List, Sequence

import numpy as np

from .cells import library

_MULTI = struct.pack("<BII", 1, 6, 1)
_WORLD_HALF = 180.0


def outlines_of(cells: np.ndarray) -> "List[bytes]":
    """Return the outline of each cell as the WKB of a multi-polygon in longitude and latitude."""
    world = library()
    rings = list(map(world.cell_to_boundary, cells.tolist()))
    lengths = np.array([len(ring) for ring in rings], dtype=np.int64)
    flat = np.fromiter(chain.from_iterable(chain.from_iterable(rings)), np.float64, 2 * int(lengths.sum()))
    points = flat.reshape(-1, 2)[:, ::-1]
    first = np.cumsum(lengths) - lengths
    reach = np.maximum.reduceat(points[:, 0], first) - np.minimum.reduceat(points[:, 0], first)
    poles = {pole: world.latlng_to_cell(pole, 0.0, world.get_resolution(int(cells[0]))) for pole in (90.0, -90.0)}
    polar = np.isin(cells, np.array(list(poles.values()), dtype=np.uint64))
    special = polar | (reach > _WORLD_HALF)
    found: "List[bytes]" = [b""] * len(cells)
    for length in np.unique(lengths[~special]).tolist():
        rows = np.flatnonzero(~special & (lengths == length))
        index = first[rows][:, None] + np.append(np.arange(length), 0)
        head = _MULTI + struct.pack("<BIII", 1, 3, 1, length + 1)
        data = np.ascontiguousarray(points[index], dtype="<f8").tobytes()
        size = 16 * (length + 1)
        for number, row in enumerate(rows.tolist()):
            found[row] = head + data[number * size:(number + 1) * size]
    for row in np.flatnonzero(special).tolist():
        ring = points[first[row]:first[row] + lengths[row]]
        pole = next((pole for pole, cell in poles.items() if cell == int(cells[row])), None)
        found[row] = _wkb(_split(ring) if pole is None else [_capped(ring, pole)])
    return found


def centres_of_cells(cells: np.ndarray) -> "List[bytes]":
    """Return the centre of each cell as the WKB of a point in longitude and latitude."""
    places = places_of_cells(cells)
    head = struct.pack("<BI", 1, 1)
    data = places.astype("<f8").tobytes()
    return [head + data[16 * row:16 * row + 16] for row in range(len(cells))]


def places_of_cells(cells: np.ndarray) -> np.ndarray:
    """Return longitude and latitude `(n, 2)` of the centres of cells."""
    to_place = library().cell_to_latlng
    flat = np.fromiter(chain.from_iterable(map(to_place, cells.tolist())), np.float64, 2 * len(cells))
    return flat.reshape(-1, 2)[:, ::-1]


def _split(ring: np.ndarray) -> "List[np.ndarray]":
    """Cut a ring at 180° of longitude into one west and one east of it."""
    turned = np.where(ring[:, 0] < 0, ring[:, 0] + 360.0, ring[:, 0])
    whole = np.column_stack([turned, ring[:, 1]])
    west = _clipped(whole, _WORLD_HALF, 1.0)
    east = _clipped(whole, _WORLD_HALF, -1.0)
    east[:, 0] -= 360.0
    return [part for part in (west, east) if len(part) >= 3]


def _clipped(ring: np.ndarray, limit: float, side: float) -> np.ndarray:
    """Return the part of a convex ring on one side of a meridian (side 1: where x is smaller)."""
    kept = []
    for (x0, y0), (x1, y1) in zip(ring, np.roll(ring, -1, axis=0)):
        inside = side * (limit - x0) >= 0
        if inside:
            kept.append((x0, y0))
        if (side * (limit - x0) > 0) != (side * (limit - x1) > 0) and x0 != limit and x1 != limit:
            kept.append((limit, y0 + (y1 - y0) * (limit - x0) / (x1 - x0)))
    return np.array(kept).reshape(-1, 2)


def _capped(ring: np.ndarray, pole: float) -> np.ndarray:
    """Return the ring of a cell about a pole: along its outline from −180° to 180°, and back along the pole."""
    ring = ring[np.argsort(ring[:, 0])]
    first, last = ring[0], ring[-1]
    gap = first[0] + 360.0 - last[0]
    level = last[1] + (first[1] - last[1]) * ((_WORLD_HALF - last[0]) / gap if gap else 0.0)
    return np.concatenate([[(-_WORLD_HALF, level)], ring, [(_WORLD_HALF, level), (_WORLD_HALF, pole),
                                                           (-_WORLD_HALF, pole)]])


def _wkb(rings: "Sequence[np.ndarray]") -> bytes:
    """Return a multi-polygon of rings, which are closed here."""
    parts = [struct.pack("<BII", 1, 6, len(rings))]
    for ring in rings:
        closed = np.concatenate([ring, ring[:1]])
        # Counter-clockwise, as the outer rings of H3 are.
        x, y = closed[:, 0], closed[:, 1]
        if (x[:-1] * y[1:] - x[1:] * y[:-1]).sum() < 0:
            closed = closed[::-1]
        parts.append(struct.pack("<BIII", 1, 3, 1, len(closed)) + np.ascontiguousarray(closed, dtype="<f8").tobytes())
    return b"".join(parts)

"""The places or rows in view that are most like a vector, best first, none too near to another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

import numpy as np

from ..geodesy import Ground, cell_places, disc_windows
from ..grid import Window
from ..progress import Progress, check
from .scores import score_to
from .view_block import ViewBlock


@dataclass(frozen=True)
class Place:
    """A place in the field's CRS, its score, how many metres it lies from where was asked (NaN: nowhere), its pixel."""

    score: float
    x: float
    y: float
    metres: float
    pixel: int


def nearest_places(block: ViewBlock, vector: np.ndarray, count: int, apart: float, progress: Progress,
                   origin: "Optional[tuple[float, float]]" = None) -> "list[Place]":
    """Return at most `count` places in view by falling score with a vector, no two nearer than `apart` metres.

    `origin` is where the vector comes from: that place, and what is nearer to it than `apart`, is left out.
    """
    return best_places(block, score_to(block, vector), count, apart, progress, origin)


def best_places(block: ViewBlock, scores: np.ndarray, count: int, apart: float, progress: Progress,
                origin: "Optional[tuple[float, float]]" = None) -> "list[Place]":
    """Return at most `count` places of the highest scores `(rows, cols)`, no two nearer than `apart` metres.

    Equal scores are taken row by row. `origin` and what is nearer to it than `apart` is left out.
    """
    left = np.where(np.isfinite(scores), scores, -np.inf).reshape(block.rows, block.cols)
    ground, home = Ground(block.wkt), None
    if origin is not None:
        home = ground.places(np.array([origin], dtype=np.float64))[0]
        pixel = int(block.pixels_at(np.array([origin]))[0])
        if pixel >= 0:
            left[pixel // block.cols, pixel % block.cols] = -np.inf
        leave_out(block, left, home, apart)
    found: "list[Place]" = []
    while len(found) < count:
        check(progress)
        pixel = int(left.argmax())
        if not np.isfinite(left.flat[pixel]):
            break
        x, y = block.places_of(np.array([pixel]))[0].tolist()
        place = ground.places(np.array([[x, y]]))[0]
        metres = float("nan") if home is None else float(ground.distance(home, place))
        found.append(Place(float(left.flat[pixel]), x, y, metres, pixel))
        left.flat[pixel] = -np.inf
        leave_out(block, left, place, apart)
        progress.report(len(found) / count)
    return found


def leave_out(block: ViewBlock, left: np.ndarray, place: np.ndarray, apart: float) -> None:
    """Take out of the running what is nearer to a place than so many metres."""
    if apart <= 0 or not np.isfinite(place).all():
        return
    ground = Ground(block.wkt)
    _, boxes = disc_windows(block.grid, place[None], apart)
    for x0, y0, x1, y1 in boxes.tolist():
        near = ground.distance(cell_places(block.grid, Window(x0, y0, x1 - x0, y1 - y0)), place) < apart
        left[y0:y1, x0:x1][near] = -np.inf


@dataclass(frozen=True)
class NearRow:
    """A row of those that were asked: its position among them, its score, and how many metres away it lies."""

    row: int
    score: float
    metres: float


def best_rows(scores: np.ndarray, points: np.ndarray, wkt: str, count: int, apart: float,
              origin: "tuple[float, float]") -> "list[NearRow]":
    """Return at most `count` rows by falling score, none nearer than `apart` metres to another or to `origin`.

    `points` `(n, 2)` are in the CRS of `wkt`; rows whose score is not finite are left out.
    """
    ground = Ground(wkt)
    places = ground.places(points)
    metres = ground.distance(places, ground.places(np.array([origin], dtype=np.float64))[0])
    chosen: "list[int]" = []
    for row in np.argsort(-np.where(np.isfinite(scores), scores, -np.inf), kind="stable"):
        if len(chosen) == count or not np.isfinite(scores[row]):
            break
        near = ground.distance(places[chosen], places[row]) if chosen else np.empty(0)
        if apart <= 0 or (metres[row] >= apart and not (near < apart).any()):
            chosen.append(int(row))
    return [NearRow(row, float(scores[row]), float(metres[row])) for row in chosen]


def width_of(extent: "tuple[float, float, float, float]", wkt: str) -> float:
    """Return how many metres an extent is wide in its middle, 0 where that can't be said."""
    xmin, ymin, xmax, ymax = extent
    ground, middle = Ground(wkt), (ymin + ymax) / 2
    ends = ground.places(np.array([[xmin, middle], [xmax, middle]]))
    metres = float(ground.distance(ends[0], ends[1]))
    return metres if np.isfinite(metres) else 0.0

"""Draws places from a field so that each square kilometre is as likely as any other, with the vectors there."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import List, Tuple

import numpy as np

from ..centres import point_wkb
from ..errors import InputError
from ..field import Field, open_field
from ..field_sample import sample_field
from ..geodesy import Ground
from ..grid import Grid
from ..progress import Part, Progress, check
from ..space import Space
from ..training.gathering.field_source import from_field
from ..training.gathering.labels import Labels
from ..training.gathering.request import MEAN, GatherRequest
from .gathered import Gathered

# Fields of more numbers than this are read in part only, as far as places in a few hundred windows go.
_MOST_READ = 1_500_000_000
_ROUNDS = 3
_STREAM = 83
_BYTES = 12
_ENOUGH = 0.9
_LATTICE = 9
_MOST_UNEVEN, _SPARE = 20.0, 1.02


@dataclass(frozen=True)
class _DrawnRows:
    """What the gathering of labels needs to know of places that no layer holds."""

    name: str
    wkt: str


def field_vectors(path: str, count: int, seed: int, memory_mib: int,
                  progress: Progress) -> "Tuple[Gathered, np.ndarray, Space]":
    """Return about `count` places of a field with a value, evenly by area, and their vectors."""
    opened = open_field(path)
    grid, space = opened.info.grid, opened.space
    if not grid.wkt:
        raise InputError("crs-missing", "{name} has no coordinate reference system, so its places on the globe are "
                         "unknown: assign one with “Assign projection”.", name=path)
    most = max(100, (memory_mib << 20) // (_BYTES * space.dimensions))
    if count > most:
        progress.info(f"{most} places instead of {count} are drawn from {path}, so that their vectors fit into "
                      f"{memory_mib} MiB.")
        count = most
    if grid.width * grid.height * space.dimensions > _MOST_READ:
        points, vectors = _windows(opened, count, seed, progress)
    else:
        points, vectors = _spread(path, opened, count, seed, memory_mib, progress)
    places = Ground(grid.wkt).places(points)
    there = np.isfinite(places).all(axis=1)
    progress.info(f"{int(there.sum())} places with a value were drawn from {path}, evenly by area.")
    return Gathered(os.path.basename(path), points[there], grid.wkt, places[there]), vectors[there], space


def _spread(path: str, opened: Field, count: int, seed: int, memory_mib: int,
            progress: Progress) -> "Tuple[np.ndarray, np.ndarray]":
    """Draw points over the whole field and read it under them, until enough have a value."""
    grid = opened.info.grid
    chance = np.random.default_rng((seed, _STREAM))
    rows = _DrawnRows(path, grid.wkt)
    asked = GatherRequest(rows, (), embeddings=path, cells=MEAN, memory_mib=memory_mib)  # type: ignore[arg-type]
    points: "List[np.ndarray]" = []
    vectors: "List[np.ndarray]" = []
    have = drawn_in_all = 0
    wanted = count
    for turn in range(_ROUNDS):
        check(progress)
        part = Part(progress, turn / _ROUNDS, (turn + 1) / _ROUNDS)
        drawn = _even(grid, wanted, chance)
        found = from_field(path, _as_labels(drawn), asked, part)
        points.append(drawn[found.labels])
        vectors.append(found.vectors)
        have += len(found.labels)
        drawn_in_all += len(drawn)
        if have >= _ENOUGH * count:
            break
        # As many more as are missing, by the share that had a value; where that is tiny, not without end.
        wanted = int(min((count - have) / max(have / max(drawn_in_all, 1), 0.02), 10 * count))
    if not have:
        raise InputError("field-empty", "{path} has no valid cell where places were drawn: check its nodata value.",
                         path=path)
    return np.concatenate(points)[:count], np.concatenate(vectors)[:count]


def _as_labels(points: np.ndarray) -> Labels:
    """Return points as labels without a target."""
    count = len(points)
    return Labels(np.arange(count), list(range(count)), [point_wkb(x, y) for x, y in points.tolist()],
                  np.zeros((count, 0)), {}, np.ones(count))


def _even(grid: Grid, count: int, chance: np.random.Generator) -> np.ndarray:
    """Return points of the grid's CRS, one at random in each of about `count` parts, thinned to even areas."""
    lattice = (np.arange(_LATTICE) + 0.5) / _LATTICE
    known = _cell_weights(grid, np.stack(np.meshgrid(lattice * grid.width, lattice * grid.height), axis=-1).reshape(
        -1, 2))
    known = known[np.isfinite(known)]
    largest, mean = (float(known.max()), float(known.mean())) if len(known) else (1.0, 1.0)
    wanted = int(np.ceil(count * min(largest / max(mean, 1e-300), _MOST_UNEVEN) * _SPARE))
    columns = max(1, int(round(np.sqrt(wanted * grid.width / grid.height))))
    rows = max(1, -(-wanted // columns))
    x = (np.arange(columns)[None, :] + chance.random((rows, columns))) / columns * grid.width
    y = (np.arange(rows)[:, None] + chance.random((rows, columns))) / rows * grid.height
    cells = np.stack([x.ravel(), y.ravel()], axis=1)
    share = _cell_weights(grid, cells) / largest
    cells = cells[chance.random(len(cells)) < np.where(np.isfinite(share), share, 0.0)]
    chance.shuffle(cells)
    return _points(grid, cells)


def _points(grid: Grid, cells: np.ndarray) -> np.ndarray:
    """Return coordinates of positions in cells."""
    x, dx, _, y, _, dy = grid.transform
    return np.stack([x + cells[:, 0] * dx, y + cells[:, 1] * dy], axis=1)


def _cell_weights(grid: Grid, cells: np.ndarray) -> np.ndarray:
    """Return the relative true area of cells around positions; NaN where the CRS has no place."""
    ground = Ground(grid.wkt)
    middle, right, below = (ground.places(_points(grid, cells + step)) for step in (
        np.zeros(2), np.array([0.5, 0.0]), np.array([0.0, 0.5])))
    one = (right - middle + 180.0) % 360.0 - 180.0
    two = (below - middle + 180.0) % 360.0 - 180.0
    return np.abs(one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0]) * np.cos(np.radians(middle[:, 1]))


def _windows(opened: Field, count: int, seed: int, progress: Progress) -> "Tuple[np.ndarray, np.ndarray]":
    """Sample windows of a field that is too large to be read whole, and thin them to even areas."""
    grid = opened.info.grid
    progress.info(f"{opened.info.path} is large: its places are drawn from windows spread over it.")
    sample = sample_field(opened, count, seed, progress)
    weights = _cell_weights(grid, sample.cells + 0.5)
    chance = np.random.default_rng((seed, _STREAM))
    known = np.isfinite(weights)
    kept = known & (chance.random(len(weights)) < np.where(known, weights, 0.0) / weights[known].max())
    return _points(grid, sample.cells[kept] + 0.5), sample.vectors[kept]

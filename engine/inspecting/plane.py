"""A plane on which vectors that are alike lie close together: of what is in view, of a field, or of a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

import numpy as np

from ..analyses.reduce.components import principal_components
from ..analyses.reduce.fitted import PCA, UMAP, Projection
from ..analyses.reduce.manifold import fit_umap
from ..analyses.reduce.moments import Moments
from ..centres import centres_of
from ..errors import InputError
from ..field import open_field
from ..field_sample import sample_field
from ..pipeline import attend
from ..progress import Part, Progress, check
from ..space import parse_key
from ..table import Table
from .view import FieldView
from .view_block import ViewBlock

MOST_POINTS = 100_000
METHODS = (PCA, UMAP)
_UMAP_SAMPLE = 4000
_PART = 8192
# More pixels than points wanted are read, since some have no value.
_SPARE = 1.5


@dataclass(frozen=True)
class Plane:
    """Points `(n, 2)` of a plane, and where each lies on the map `(n, 2)` in the CRS `wkt`, NaN where nowhere.

    `rows` are the numbers of the table's rows, counted from 0, or −1 for those of a field. `explained` are the shares
    of the variance along both axes; UMAP has none. `cells` is how many cells wide the squares are that the points
    stand for: 1 at a field's full resolution, 0 for a table.
    """

    method: str
    coordinates: np.ndarray
    places: np.ndarray
    rows: np.ndarray
    wkt: str
    key: str
    explained: "tuple[float, ...]"
    cells: float


def plane_of_block(block: ViewBlock, progress: Progress, method: str = PCA, count: int = MOST_POINTS,
                   seed: int = 0) -> Plane:
    """Return the plane of at most `count` pixels in view, chosen by chance: the same for the same seed."""
    _require_method(method)
    pixels = np.flatnonzero(block.valid)
    if len(pixels) > count:
        pixels = np.sort(np.random.default_rng(seed).choice(pixels, count, replace=False))
    found = _projected(block.vectors_of(pixels), method, block.metric, seed, block.path, progress)
    return Plane(method, found.coordinates, block.places_of(pixels), np.full(len(pixels), -1), block.wkt, block.key,
                 found.explained, block.cells)


def plane_of_field(path: str, progress: Progress, method: str = PCA, count: int = MOST_POINTS, seed: int = 0) -> Plane:
    """Return the plane of at most `count` cells of a whole field: of an overview where there is a fitting one."""
    _require_method(method)
    view = FieldView.open(path)
    grid = view.field.info.grid
    across = max(1, round((count * _SPARE * grid.width / grid.height) ** 0.5))
    down = max(1, round(count * _SPARE / across))
    if not view.lacks_overviews(grid.extent(), across, down):
        block = view.read(grid.extent(), across, down, Part(progress, 0.0, 0.5))
        return plane_of_block(block, Part(progress, 0.5, 1.0), method, count, seed)
    sample = sample_field(open_field(path), count, seed, Part(progress, 0.0, 0.7))
    usable = sample.vectors.any(axis=1)
    vectors, cells = sample.vectors[usable], sample.cells[usable]
    found = _projected(vectors, method, view.field.space.metric, seed, path, Part(progress, 0.7, 1.0))
    places = np.stack(grid.centre(cells[:, 0] + 0.5, cells[:, 1] + 0.5), axis=1)
    return Plane(method, found.coordinates, places, np.full(len(places), -1), grid.wkt, view.field.key, found.explained,
                 1.0)


def plane_of_table(table: Table, progress: Progress, method: str = PCA, count: int = MOST_POINTS,
                   seed: int = 0) -> Plane:
    """Return the plane of at most `count` rows of a table, chosen by chance: the same for the same seed."""
    _require_method(method)
    chosen = np.arange(table.count)
    if len(chosen) > count:
        chosen = np.sort(np.random.default_rng(seed).choice(chosen, count, replace=False))
    vectors, places, rows, start = [], [], [], 0
    for chunk in table.chunks():
        check(progress)
        progress.report(0.5 * start / max(1, table.count), "Reading the table" if not start else None)
        here = chosen[(chosen >= start) & (chosen < start + len(chunk.vectors))]
        here = here[chunk.vectors[here - start].any(axis=1)]
        vectors.append(chunk.vectors[here - start])
        places.append(centres_of([chunk.wkb[row] for row in (here - start).tolist()]))
        rows.append(here)
        start += len(chunk.vectors)
    key = parse_key(table.space_key)
    found = _projected(np.concatenate(vectors), method, key.metric, seed, table.name, Part(progress, 0.5, 1.0))
    return Plane(method, found.coordinates, np.concatenate(places), np.concatenate(rows), table.wkt, table.space_key,
                 found.explained, 0.0)


def _require_method(method: str) -> None:
    """Refuse what is no method."""
    if method not in METHODS:
        raise InputError("plane-method", "“{method}” is no way to lay out a plane: choose pca or umap.", method=method)


@dataclass(frozen=True)
class _Projected:
    """Coordinates `(n, 2)`, and the shares of the variance."""

    coordinates: np.ndarray
    explained: "tuple[float, ...]"


def _projected(vectors: np.ndarray, method: str, metric: str, seed: int, name: str, progress: Progress) -> _Projected:
    """Fit a plane and lay all vectors `(n, dims)` on it."""
    if vectors.shape[1] < 2:
        raise InputError("plane-dimensions", "The vectors of {name} have one number each, which is no plane: choose "
                         "embeddings of two dimensions or more.", name=name)
    fitted = _fitted(vectors, method, metric, seed, name, progress)
    coordinates = np.empty((len(vectors), 2), dtype=np.float32)
    for start in range(0, len(vectors), _PART):
        check(progress)
        progress.report(0.9 + 0.1 * start / len(vectors))
        coordinates[start:start + _PART] = fitted.apply(np.ascontiguousarray(vectors[start:start + _PART].T)).T
    progress.report(1.0)
    return _Projected(coordinates, tuple(fitted.explained))


def _fitted(vectors: np.ndarray, method: str, metric: str, seed: int, name: str, progress: Progress) -> Projection:
    """Fit the plane: principal components of all vectors, or UMAP of some thousands."""
    if method == UMAP:
        chosen: Optional[np.ndarray] = None
        if len(vectors) > _UMAP_SAMPLE:
            chosen = np.random.default_rng(seed).choice(len(vectors), _UMAP_SAMPLE, replace=False)
        return fit_umap(vectors if chosen is None else vectors[np.sort(chosen)], 2, metric, seed, progress)
    moments = Moments(vectors.shape[1])
    for start in range(0, len(vectors), _PART):
        check(progress)
        progress.report(0.9 * start / len(vectors), "Laying out the plane" if not start else None)
        moments.add(np.ascontiguousarray(vectors[start:start + _PART].T))
    sample = vectors[::max(1, len(vectors) // 2048)].T
    return attend(lambda: principal_components(moments, 2, sample, name), progress)

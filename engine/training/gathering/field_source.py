"""Vectors from a field: at points as features are embedded, and of the cells whose centres lie in polygons."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Optional, Tuple

import numpy as np
from osgeo import gdal

from ...centres import centres_of
from ...dataset import block_cache, open_raster
from ...features.outlines import POINT, Outlines
from ...features.placing import bring_over
from ...features.request import FeaturesRequest
from ...features.run import finished, gathered, touched_windows
from ...features.shapes import POLYGON, Shapes, lay_over
from ...features.statistics import MEAN as MEAN_OF_CELLS
from ...field import Field, how_to_state, open_field
from ...field_pass import FieldBlock, FieldSource, source_of
from ...grid import Grid, Window
from ...pipeline import Job, run
from ...progress import Part, Progress, check
from .centre_cells import centre_cells
from .chance import draws, ranks
from .found import HERE, MASKED, NO_PLACE, NO_VECTOR, OUTSIDE, Found
from .inside import inside_any
from .labels import Labels
from .mask import mask_outlines
from .request import MEAN, GatherRequest

_ONE = 2.0 ** 63
_LEAST_HELD = 4096


def from_field(path: str, labels: Labels, request: GatherRequest, progress: Progress) -> Found:
    """Return what the field holds under the labels; each of its blocks is read once, in order."""
    opened = open_field(path)
    if not opened.space.declared:
        progress.warn(f"{path} doesn't say what its embeddings are: they compare only with vectors of the same band "
                      f"names, and never with declared ones. {how_to_state(opened)}")
    grid, rows = opened.info.grid, request.rows
    outlines = Outlines()
    outlines.add(labels.wkb)
    if outlines.mended:
        progress.info(f"{outlines.mended} invalid geometries of {rows.name} were mended for looking up their cells.")
    shapes = lay_over(bring_over(outlines, rows.wkt, rows.name, grid.wkt, path, progress), grid, request.sampling)
    centres = centres_of(labels.wkb)
    fates = np.where(shapes.kinds == 0, NO_PLACE, np.where(shapes.inside, HERE, OUTSIDE)).astype(np.int8)
    by_cells = (shapes.kinds == POLYGON) & (request.cells != MEAN)
    mask = mask_outlines(request.mask)
    if mask is not None:
        fates[(fates == HERE) & ~by_cells & ~inside_any(centres, mask)] = MASKED
    pooled = np.flatnonzero((fates == HERE) & ~by_cells)
    celled = np.flatnonzero((fates == HERE) & by_cells)
    found_labels, vectors, points = [], [], []
    if len(pooled):
        asked = FeaturesRequest(rows, path, "", sampling=request.sampling, memory_mib=request.memory_mib)
        statistic, _ = gathered(asked, opened, _only(shapes, pooled), Part(progress, 0.0, 0.5 if len(celled) else 1.0))
        means = finished(statistic.vectors(), opened.space, MEAN_OF_CELLS)[pooled]
        valid = np.isfinite(means).all(axis=1)
        fates[pooled[~valid]] = NO_VECTOR
        found_labels.append(pooled[valid])
        vectors.append(means[valid])
        points.append(centres[pooled[valid]])
    if len(celled):
        masked = None if mask is None else lay_over(
            bring_over(mask, rows.wkt, rows.name, grid.wkt, path, progress), grid, request.sampling)
        cells = _cells(opened, _only(shapes, celled), celled, masked, request,
                       Part(progress, 0.5 if len(pooled) else 0.0, 1.0))
        without = np.setdiff1d(celled, cells.labels)
        fates[without] = np.where(cells.touched[without] | (mask is None), NO_VECTOR, MASKED)
        found_labels.append(cells.labels)
        vectors.append(cells.vectors)
        points.append(_back(cells.cells, grid, path, rows.wkt, rows.name, progress))
        _tell(cells, len(celled) - len(without), request, progress)
    if not found_labels:
        none = np.empty((0, 2))
        return Found(np.empty(0, dtype=np.int64), np.empty((0, opened.space.dimensions), dtype=np.float32), none,
                     fates, opened.space)
    owner = np.concatenate(found_labels)
    order = np.argsort(owner, kind="stable")
    return Found(owner[order], np.concatenate(vectors)[order], np.concatenate(points)[order], fates, opened.space)


def _only(shapes: Shapes, features: np.ndarray) -> Shapes:
    """Return shapes of which only some have a place."""
    kinds = np.zeros_like(shapes.kinds)
    kinds[features] = shapes.kinds[features]
    return replace(shapes, kinds=kinds)


@dataclass(frozen=True)
class _Wanted:
    """Cells of a window, numbered over the whole grid and within the window; low draws are taken first."""

    labels: np.ndarray
    cells: np.ndarray
    draws: np.ndarray
    within: np.ndarray


@dataclass(frozen=True)
class _Candidates:
    """Cells that have a value, with their vectors `(n, D)`."""

    labels: np.ndarray
    cells: np.ndarray
    draws: np.ndarray
    vectors: np.ndarray


@dataclass(frozen=True)
class _Chosen:
    """The cells that were taken, by label and cell.

    `touched` are labels with a cell in the mask, `bare` counts those that hold no centre, `thinned` says that there was
    too little room.
    """

    labels: np.ndarray
    cells: np.ndarray
    vectors: np.ndarray
    touched: np.ndarray
    bare: int
    thinned: bool


class _Cells:
    """Finds the cells of polygons, window by window: those with their centre inside, or the one covered most."""

    def __init__(self, shapes: Shapes, mask: Optional[Shapes]) -> None:
        """Take the shapes; how many centres lie in each polygon is counted as windows are looked at first."""
        self._shapes = shapes
        self._mask = mask
        self.counts = np.zeros(len(shapes.kinds), dtype=np.int64)
        self.touched = np.zeros(len(shapes.kinds), dtype=bool)

    def centres(self, window: Window, features: np.ndarray) -> "Tuple[np.ndarray, np.ndarray]":
        """Return labels and cells of the window whose centres lie in polygons, and in the mask."""
        labels, cells = _centres(self._shapes, window, features)
        if self._mask is None or not len(cells):
            return labels, cells
        kept = self._unmasked(window)[cells]
        return labels[kept], cells[kept]

    def bare(self, window: Window, features: np.ndarray) -> "Tuple[np.ndarray, np.ndarray, np.ndarray]":
        """Return labels, cells and covered shares for polygons that hold no centre at all."""
        pairs = self._shapes.pairs(window, features[self.counts[features] == 0])
        kept = np.ones(len(pairs), dtype=bool) if self._mask is None else self._unmasked(window)[pairs.cells]
        return pairs.zones[kept], pairs.cells[kept], pairs.shares[kept]

    def _unmasked(self, window: Window) -> np.ndarray:
        """Tell of each cell of a window whether its centre lies in the mask."""
        inside = np.zeros(window.width * window.height, dtype=bool)
        features = np.flatnonzero((self._mask.kinds == POLYGON) & self._mask.near(window))
        inside[_centres(self._mask, window, features)[1]] = True
        return inside


def _centres(shapes: Shapes, window: Window, features: np.ndarray) -> "Tuple[np.ndarray, np.ndarray]":
    """Return features and cells of a window whose centres lie in them."""
    return centre_cells(shapes.rings(window, features), window.width, window.height)


class _Reader:
    """Reads the blocks that have wanted cells."""

    def __init__(self, source: FieldSource, cells: _Cells, grid: Grid, seed: int) -> None:
        """Open nothing yet: the reader's thread does."""
        self._source = source
        self._cells = cells
        self._grid = grid
        self._seed = seed
        self._dataset: Optional[gdal.Dataset] = None

    def read(self, planned: "Tuple[Window, np.ndarray]") -> "Optional[Tuple[FieldBlock, _Wanted]]":
        """Read a window, unless no cell of it is wanted."""
        window, features = planned
        labels, within = self._cells.centres(window, features)
        bare, bare_within, shares = self._cells.bare(window, features)
        if not len(labels) and not len(bare):
            return None
        self._cells.touched[labels] = self._cells.touched[bare] = True
        within = np.concatenate([within, bare_within])
        cells = (within // window.width + window.y) * self._grid.width + within % window.width + window.x
        # Where no centre lies inside, the cell covered most comes first.
        first = ((1.0 - np.clip(shares, 0.0, 1.0)) * _ONE).astype(np.uint64)
        drawn = np.concatenate([draws(self._seed, labels, cells[:len(labels)]), first])
        if self._dataset is None:
            self._dataset = open_raster(self._source.path)
        return self._source.read(self._dataset, window), _Wanted(np.concatenate([labels, bare]), cells, drawn, within)


class _Sampler:
    """Keeps the cells of the lowest draws of each polygon, and of all no more than there is room for.

    `_limits` are draws above which a cell of a label can't be among the lowest any more: its vector isn't looked up.
    """

    def __init__(self, each: np.ndarray, most: int, dimensions: int) -> None:
        """`each` is how many a label may have."""
        self._each = each
        self._most = most
        self._full = 2 * max(_LEAST_HELD, min(most, int(each.sum())))
        self._limits = np.full(len(each), np.iinfo(np.uint64).max, dtype=np.uint64)
        self._parts = [_Candidates(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64),
                                   np.empty(0, dtype=np.uint64), np.empty((0, dimensions), dtype=np.float32))]
        self._held = 0
        self.thinned = False

    def looked_up(self, block: FieldBlock, wanted: _Wanted) -> _Candidates:
        """Return the vectors of a block's wanted cells, without those that have no value or come too late.

        This runs beside `write`: limits that are a block old let more pass, which are dropped later.
        """
        kept = np.flatnonzero(wanted.draws <= self._limits[wanted.labels])
        vectors = block.vectors().reshape(block.source.dimensions, -1)[:, wanted.within[kept]].T
        valid = np.isfinite(vectors).all(axis=1)
        kept = kept[valid]
        return _Candidates(wanted.labels[kept], wanted.cells[kept], wanted.draws[kept], vectors[valid])

    def write(self, planned: "Tuple[Window, np.ndarray]", found: Optional[_Candidates]) -> None:
        """Take the cells of a block."""
        if found is None:
            return
        self._parts.append(found)
        self._held += len(found.labels)
        if self._held > self._full:
            self.chosen()

    def chosen(self) -> _Candidates:
        """Return what is to be kept of all that was seen so far, and forget the rest.

        Each label keeps its lowest draw, so that none is lost to larger ones; else low draws of all go first.
        """
        labels, cells, drawn = (np.concatenate([getattr(part, name) for part in self._parts])
                                for name in ("labels", "cells", "draws"))
        order = np.lexsort((cells, drawn, labels))
        rank = ranks(labels[order])
        low = rank < self._each[labels[order]]
        order, rank = order[low], rank[low]
        last = order[rank == self._each[labels[order]] - 1]
        self._limits[labels[last]] = drawn[last]
        if len(order) > self._most:
            self.thinned = True
            others = np.flatnonzero(rank > 0)
            room = max(0, self._most - (len(order) - len(others)))
            by_draw = others[np.argsort(drawn[order[others]], kind="stable")]
            bound = drawn[order[by_draw[room]]]
            first = order[rank == 0]
            self._limits[labels[first]] = np.minimum(self._limits[labels[first]], np.maximum(bound, drawn[first]))
            order = np.delete(order, by_draw[room:])
        vectors = np.concatenate([part.vectors for part in self._parts])[order]
        kept = _Candidates(labels[order], cells[order], drawn[order], vectors)
        self._parts, self._held = [kept], len(order)
        return kept


def _cells(opened: Field, shapes: Shapes, celled: np.ndarray, mask: Optional[Shapes], request: GatherRequest,
           progress: Progress) -> _Chosen:
    """Return the cells of polygons."""
    source = source_of(opened)
    plan = list(touched_windows(opened, source, shapes, request.memory_mib))
    cells = _Cells(shapes, mask)
    for done, (window, features) in enumerate(plan):
        check(progress)
        progress.report(0.2 * done / len(plan), None if done else "Counting the cells of polygons")
        cells.counts += np.bincount(cells.centres(window, features)[0], minlength=len(cells.counts))
    room = max(len(celled), min(request.most_cells, (request.memory_mib << 20) // (8 * source.dimensions)))
    each = np.full(len(cells.counts), request.each or room, dtype=np.int64)
    if request.each:
        each = np.minimum(each, max(1, room // len(celled)))
    each[cells.counts == 0] = 1
    sampler = _Sampler(each, room, source.dimensions)
    reader = _Reader(source, cells, opened.info.grid, request.seed)
    with block_cache(max(16, request.memory_mib // 8)):
        run(Job(plan, reader, lambda planned, work, tick: None if work is None else sampler.looked_up(*work), sampler,
                "Reading the cells of polygons",
                weight=lambda planned: float(planned[0].width * planned[0].height)), Part(progress, 0.2, 1.0))
    kept = sampler.chosen()
    order = np.lexsort((kept.cells, kept.labels))
    bare = int((cells.counts[np.unique(kept.labels)] == 0).sum())
    return _Chosen(kept.labels[order], kept.cells[order], kept.vectors[order], cells.touched, bare,
                   sampler.thinned or bool(request.each and room // len(celled) < request.each))


def _back(cells: np.ndarray, grid: Grid, path: str, wkt: str, name: str, progress: Progress) -> np.ndarray:
    """Return the centres of cells in the CRS of the labels."""
    x, dx, _, y, _, dy = grid.transform
    points = np.stack([x + (cells % grid.width + 0.5) * dx, y + (cells // grid.width + 0.5) * dy], axis=1)
    if not len(points):
        return points
    moved = bring_over(Outlines([POINT], [0], [points], 1), grid.wkt, path, wkt, name, progress)
    return moved.vertices[0]


def _tell(cells: _Chosen, polygons: int, request: GatherRequest, progress: Progress) -> None:
    """Say what the polygons gave."""
    if not polygons:
        return
    taken = len(cells.labels)
    text = f"{polygons} polygons of {request.rows.name} gave {taken} cells"
    if request.each:
        text += f", a random sample of at most {request.each} a polygon"
    progress.info(text + ".")
    if cells.bare:
        progress.info(f"{cells.bare} polygons hold the centre of no cell: each gave the cell that it covers most of.")
    if cells.thinned:
        progress.warn(f"The polygons of {request.rows.name} hold too many cells to learn from all that were asked for: "
                      f"a random sample of {taken} was taken, at least one of each polygon. Ask for fewer cells a "
                      "polygon to choose otherwise.")

"""Embeds features from a field: every block is read once, in order, whatever the features' order."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any, Dict, Iterator, List, Optional, Tuple

import numpy as np
from osgeo import gdal

from ..dataset import block_cache, open_raster
from ..errors import InputError
from ..field import Field, how_to_state, open_field
from ..field_pass import FieldBlock, FieldPass, FieldSource, pass_windows, source_of
from ..grid import Window
from ..pipeline import Job, run
from ..progress import Part, Progress, check
from ..space import Space
from ..table import EMBEDDING, EMBEDDING_SPACE, ColumnSpec, TableWriter
from ..zone_sums import Pairs, middle_of
from .ground_areas import GroundAreas
from .outlines import POINT, Outlines
from .placing import bring_over
from .request import FeaturesRequest, FeaturesResult
from .shapes import NEAREST, POLYGON, Shapes, lay_over
from .statistics import LARGEST, MEAN, MEDIAN, SPREAD, Median, Statistic, statistic_of

VALID_SHARE = "valid_share"


def embed_features(request: FeaturesRequest, progress: Progress) -> FeaturesResult:
    """Write a table of the features with what the field holds under each."""
    started = time.monotonic()
    request.check()
    opened = open_field(request.field)
    if not opened.space.declared:
        progress.warn(f"{request.field} doesn't say what its embeddings are: they compare only with vectors of the "
                      f"same band names, and never with declared ones. {how_to_state(opened)}")
    shapes = _laid(request, opened, Part(progress, 0.0, 0.15))
    _check_kinds(shapes, request)
    statistic, blocks = gathered(request, opened, shapes, Part(progress, 0.15, 0.8))
    vectors = finished(statistic.vectors(), opened.space, request.statistic)
    covered = np.isfinite(vectors).all(axis=1)
    if not covered.any():
        raise InputError("features-nowhere", "None of the {count} features of {name} lies on valid cells of {field}: "
                         "check their CRS and that they overlap.", count=len(covered), name=request.rows.name,
                         field=request.field)
    shares = np.clip(np.divide(statistic.shares, shapes.sizes, out=np.zeros(len(shapes.sizes)),
                               where=shapes.sizes > 0), 0.0, 1.0)
    _write(request, opened.space, vectors, shares, covered, Part(progress, 0.8, 1.0))
    _tell(shapes, covered, progress)
    return FeaturesResult(request.output, int(covered.sum()), int((~covered).sum()), vectors.shape[1], blocks,
                          time.monotonic() - started)


def space_of(space: Space, statistic: str) -> Space:
    """Return the space of vectors pooled so: mean and median stay in the field's, the others make one of their own."""
    if statistic not in (LARGEST, SPREAD):
        return space
    return replace(space, unit_norm=False, details={**space.details, "statistic": statistic})


def _laid(request: FeaturesRequest, opened: Field, progress: Progress) -> Shapes:
    """Read all geometries and lay them over the grid."""
    rows = request.rows
    outlines = Outlines()
    for chunk in rows.rows():
        check(progress)
        outlines.add(chunk.wkb)
        progress.report(0.7 * outlines.count / max(rows.count, 1), "Reading features" if len(chunk.wkb) else None)
    if not outlines.count:
        raise InputError("features-none", "{name} has no features: check its filter and selection.", name=rows.name)
    if outlines.mended:
        progress.info(f"{outlines.mended} invalid geometries were mended for measuring; they are written as they were.")
    grid = opened.info.grid
    placed = bring_over(outlines, rows.wkt, rows.name, grid.wkt, request.field, progress)
    progress.report(0.9)
    shapes = lay_over(placed, grid, request.sampling)
    mixed = (shapes.kinds == POINT).any() and (shapes.kinds > POINT).any()
    # The largest or middle one of four neighbours would be nobody's value: among others, a point is its own cell.
    return lay_over(placed, grid, NEAREST) if mixed and request.statistic != MEAN else shapes


def _check_kinds(shapes: Shapes, request: FeaturesRequest) -> None:
    """Refuse statistics of a single look-up."""
    if request.statistic in (LARGEST, SPREAD) and not (shapes.kinds > POINT).any():
        raise InputError("features-points", "{name} holds points, which have one vector each and no {statistic}: "
                         "choose mean, or give lines or polygons.", name=request.rows.name,
                         statistic=request.statistic)


@dataclass(frozen=True)
class _Work:
    """A block, and the cells of it that features touch."""

    block: FieldBlock
    pairs: Pairs


class _Reader:
    """Reads a block and finds out which features touch its cells."""

    def __init__(self, source: FieldSource, shapes: Shapes) -> None:
        """Open nothing yet: the reader's thread does."""
        self._source = source
        self._shapes = shapes
        self._dataset: Optional[gdal.Dataset] = None
        self._areas = GroundAreas(shapes.grid)
        self.blocks = 0

    def read(self, planned: "Tuple[Window, np.ndarray]") -> Optional[_Work]:
        """Read a window, unless no cell of it is touched after all."""
        window, features = planned
        pairs = self._shapes.pairs(window, features)
        if not len(pairs):
            return None
        if (self._shapes.kinds[features] == POLYGON).any():
            pairs = pairs.weighted(self._areas.of_cells(window, pairs.cells))
        if self._dataset is None:
            self._dataset = open_raster(self._source.path)
        self.blocks += 1
        return _Work(self._source.read(self._dataset, window), pairs)


class _Sink:
    """Hands blocks to the statistic, and tells medians which features are complete."""

    def __init__(self, statistic: Statistic, shapes: Shapes) -> None:
        """Begin at the top."""
        self._statistic = statistic
        self._bottoms = shapes.boxes[:, 3]
        self._row = 0

    def write(self, planned: "Tuple[Window, np.ndarray]", found: Any) -> None:
        """Take a block's results."""
        window = planned[0]
        if isinstance(self._statistic, Median) and window.y > self._row:
            done = (self._bottoms < window.y) & (self._bottoms >= self._row)
            self._statistic.finish(np.flatnonzero(done))
            self._row = window.y
        if found is not None:
            self._statistic.take(found)


def gathered(request: FeaturesRequest, opened: Field, shapes: Shapes,
             progress: Progress) -> "Tuple[Statistic, int]":
    """Read the blocks that features touch."""
    source = source_of(opened)

    def reference() -> np.ndarray:
        """Return a vector from the middle of the data."""
        return middle_of(source, [window for window, _ in plan])

    points_only = not (shapes.kinds > POINT).any()
    name = MEAN if request.statistic == MEDIAN and points_only else request.statistic
    plan = list(touched_windows(opened, source, shapes, request.memory_mib))
    statistic = statistic_of(name, len(shapes.kinds), source.dimensions, reference, request.memory_mib << 19, progress)
    reader = _Reader(source, shapes)

    def compute(planned: "Tuple[Window, np.ndarray]", work: Optional[_Work], tick: Any) -> Any:
        """Sum a block."""
        tick(0.0)
        return None if work is None else statistic.of_block(work.block, work.pairs)

    with block_cache(max(16, request.memory_mib // 8)):
        run(Job(plan, reader, compute, _Sink(statistic, shapes), "Reading the field under the features",
                weight=lambda planned: float(planned[0].width * planned[0].height)), progress)
    return statistic, reader.blocks


def touched_windows(opened: Field, source: FieldSource, shapes: Shapes,
                    memory_mib: int) -> "Iterator[Tuple[Window, np.ndarray]]":
    """Yield the windows that features may touch, with those features."""
    grid = opened.info.grid
    work = FieldPass((source,), grid, _unused, {}, (), opened.info.block, "", memory_mib=memory_mib)
    usable = np.flatnonzero(shapes.inside)
    boxes = shapes.boxes
    row, in_row = -1, usable
    for window in pass_windows(work, grid.whole):
        if window.y != row:
            row = window.y
            in_row = usable[(boxes[usable, 1] < window.bottom) & (boxes[usable, 3] >= window.y)]
        features = in_row[(boxes[in_row, 0] < window.right) & (boxes[in_row, 2] >= window.x)]
        if len(features):
            yield window, features


def _unused() -> "List[np.ndarray]":
    """Stand for the function of a pass whose windows alone are wanted."""
    return []


def finished(vectors: np.ndarray, space: Space, statistic: str) -> np.ndarray:
    """Bring vectors back to length one where their space asks for it; opposite ones that cancel out have none."""
    if not space.unit_norm or statistic in (LARGEST, SPREAD):
        return vectors
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where((lengths > 1e-12)[:, None], vectors / lengths[:, None], np.nan).astype(np.float32)


def _write(request: FeaturesRequest, space: Space, vectors: np.ndarray, shares: np.ndarray, covered: np.ndarray,
           progress: Progress) -> None:
    """Write the table, in the order of the features."""
    rows = request.rows
    own = (VALID_SHARE, EMBEDDING, EMBEDDING_SPACE)
    columns = [column for column in rows.columns if column.name.lower() not in own]
    if any(column.name.lower() == EMBEDDING for column in rows.columns):
        progress.warn(f"{rows.name} has vectors already: the new table holds those of the field in their place.")
    done = 0
    with TableWriter(request.output, rows.wkt, rows.geometry_type, [*columns, ColumnSpec(VALID_SHARE, "real")],
                     space_of(space, request.statistic), registry=request.registry) as writer:
        for chunk in rows.rows():
            check(progress)
            part = slice(done, done + len(chunk.wkb))
            kept = np.arange(len(chunk.wkb)) if request.keep_empty else np.flatnonzero(covered[part])
            values: "Dict[str, Any]" = {column.name: [chunk.columns[column.name][row] for row in kept.tolist()]
                                        for column in columns}
            values[VALID_SHARE] = shares[part][kept]
            writer.write([chunk.wkb[row] for row in kept.tolist()], values, vectors[part][kept])
            progress.report((done + len(chunk.wkb)) / len(covered), "Writing the table" if not done else None)
            done += len(chunk.wkb)


def _tell(shapes: Shapes, covered: np.ndarray, progress: Progress) -> None:
    """Say why features have no vector."""
    without = ~covered
    if not without.any():
        return
    placeless = without & (shapes.kinds == 0)
    outside = without & (shapes.kinds > 0) & ~shapes.inside
    empty = without & ~placeless & ~outside
    parts = [f"{int(which.sum())} {text}" for which, text in (
        (outside, "outside the field"), (empty, "on cells without a value"),
        (placeless, "without a geometry that has a place in its CRS")) if which.any()]
    progress.warn(f"{int(without.sum())} of {len(covered)} features have no vector: {', '.join(parts)}.")

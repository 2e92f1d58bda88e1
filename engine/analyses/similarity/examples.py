"""Examples: the vectors of the cells under points, lines and polygons, or of rows of a table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Iterator, Optional

import numpy as np
from osgeo import ogr

from ...dataset import open_raster, quiet, rasterised, rasterised_centres
from ...errors import InputError
from ...field import Field
from ...field_pass import read_block, source_of
from ...grid import Grid, Window, blocks
from ...progress import Progress, check
from ...space import require_same

MEMBERS = 64
_BLOCK = 256
_MOST_BLOCKS = 64


@dataclass(frozen=True)
class Examples:
    """What somebody showed: shapes (WKB in the CRS of what is searched), or vectors with the key of their space.

    With vectors, shapes only tell where these are, for what is left out around them.
    """

    name: str
    shapes: "tuple[bytes, ...]" = ()
    vectors: Optional[np.ndarray] = None
    key: str = ""


@dataclass(frozen=True)
class ExampleVectors:
    """One vector an example `(examples, dims)`: the mean of its cells; and some of these cells' own vectors.

    `members` are at most MEMBERS evenly chosen cells an example, `owners` tells whose. `shapes` are those of the
    examples that lie on valid ground, `places` counts the different cells or rows.
    """

    means: np.ndarray
    members: np.ndarray
    owners: np.ndarray
    places: int
    shapes: "tuple[bytes, ...]" = field(default=())

    def part(self, kept: np.ndarray) -> "ExampleVectors":
        """Return some of the examples by a mask."""
        numbers = np.cumsum(kept) - 1
        mine = kept[self.owners]
        return ExampleVectors(self.means[kept], self.members[mine], numbers[self.owners[mine]], int(kept.sum()))


def of_vectors(examples: Examples, dimensions: int) -> ExampleVectors:
    """Return rows of a table as examples; a vector of length zero says nothing."""
    vectors = np.asarray(examples.vectors, dtype=np.float32).reshape(-1, dimensions)
    vectors = vectors[np.isfinite(vectors).all(axis=1) & vectors.any(axis=1)]
    if not len(vectors):
        raise InputError("examples-empty", "{name} holds no vector to look for: check its filter and selection.",
                         name=examples.name)
    return ExampleVectors(vectors, vectors, np.arange(len(vectors)), len(np.unique(vectors, axis=0)), examples.shapes)


def vectors_of(opened: Field, examples: Examples, progress: Progress) -> ExampleVectors:
    """Return the vectors of examples on a field."""
    if examples.vectors is not None:
        require_same(examples.key, examples.name, opened.key, opened.info.path)
        return of_vectors(examples, opened.space.dimensions)
    return _under(opened, examples, progress)


def _under(opened: Field, examples: Examples, progress: Progress) -> ExampleVectors:
    """Read the cells under shapes, one storage block after the other."""
    if not examples.shapes:
        raise InputError("examples-empty", "{name} is empty: select some features, or give others.", name=examples.name)
    source, grid, count = source_of(opened), opened.info.grid, len(examples.shapes)
    wanted: "dict[tuple[int, int], list[tuple[int, np.ndarray, np.ndarray]]]" = {}
    for number, shape in enumerate(examples.shapes):
        check(progress)
        for columns, rows in cells_under(shape, grid):
            for key, inside in _by_block(columns, rows):
                wanted.setdefault(key, []).append((number, columns[inside], rows[inside]))
    totals, counts = np.zeros((count, source.dimensions)), np.zeros(count, dtype=np.int64)
    sizes = np.zeros(count, dtype=np.int64)
    for parts in wanted.values():
        for number, columns, _ in parts:
            sizes[number] += len(columns)
    steps = np.maximum(1, -(-sizes // MEMBERS))
    seen, cells = np.zeros(count, dtype=np.int64), set()
    members, owners = [], []
    dataset = open_raster(source.path)
    for done, key in enumerate(sorted(wanted)):
        check(progress)
        progress.report(done / len(wanted), "Reading the examples" if not done else None)
        parts = wanted[key]
        columns = np.concatenate([part[1] for part in parts])
        rows = np.concatenate([part[2] for part in parts])
        window = Window(int(columns.min()), int(rows.min()), int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1)
        vectors = read_block(dataset, source, window).vectors()
        for number, own_columns, own_rows in parts:
            found = vectors[:, own_rows - window.y, own_columns - window.x].T
            turn = (seen[number] + np.arange(len(found))) % steps[number] == 0
            seen[number] += len(found)
            valid = np.isfinite(found).all(axis=1) & found.any(axis=1)
            totals[number] += found[valid].sum(axis=0, dtype=np.float64)
            counts[number] += valid.sum()
            members.append(found[valid & turn])
            owners.append(np.full(len(members[-1]), number))
            if len(cells) < 2:
                cells.update(zip(own_columns[valid][:2].tolist(), own_rows[valid][:2].tolist()))
    return _gathered(opened, examples, totals, counts, members, owners, len(cells), progress)


def _gathered(opened: Field, examples: Examples, totals: np.ndarray, counts: np.ndarray, members: "list[np.ndarray]",
              owners: "list[np.ndarray]", places: int, progress: Progress) -> ExampleVectors:
    """Leave out the examples without a cell, or say that none has one."""
    kept = counts > 0
    if not kept.any():
        raise InputError("examples-outside", "None of {name} lies on valid ground of {path}: move them onto cells that "
                         "have a value, and check their CRS.", name=examples.name, path=opened.info.path)
    if not kept.all():
        progress.warn(f"{int((~kept).sum())} of the {len(kept)} examples of {examples.name} lie outside of the raster "
                      "or on cells without a value and were left out.")
    means = (totals[kept] / counts[kept, None]).astype(np.float32)
    # An example whose sampled cells all lack a value is still one by its mean.
    owner, member = np.concatenate(owners), np.concatenate(members)
    bare = np.setdiff1d(np.flatnonzero(kept), owner)
    position = np.cumsum(kept) - 1
    member = np.concatenate([member, means[position[bare]]])
    owner = position[np.concatenate([owner, bare])]
    shapes = tuple(shape for shape, found in zip(examples.shapes, kept) if found)
    return ExampleVectors(means, member.astype(np.float32), owner, places, shapes)


def _by_block(columns: np.ndarray, rows: np.ndarray) -> "Iterator[tuple[tuple[int, int], np.ndarray]]":
    """Yield the storage blocks that cells lie in, with the mask of those in each."""
    keys = (rows // _BLOCK).astype(np.int64) << 32 | columns // _BLOCK
    for key in np.unique(keys):
        yield (int(key >> 32), int(key & 0xFFFFFFFF)), keys == key


def cells_under(wkb: bytes, grid: Grid) -> "Iterator[tuple[np.ndarray, np.ndarray]]":
    """Yield columns and rows of a shape's cells.

    These are the cells with their centre in a polygon (else those it touches), those that a line touches, and those
    that hold a point. Of a very large shape, evenly chosen blocks stand for all.
    """
    geometry = ogr.CreateGeometryFromWkb(wkb)
    if geometry is None or geometry.IsEmpty():
        return
    if geometry.GetDimension() == 0:
        yield _cells_of_points(geometry, grid)
        return
    west, east, south, north = geometry.GetEnvelope()
    try:
        window = grid.window_of((west, south, east, north), "")
    except InputError:
        return
    windows = list(blocks(window, _BLOCK))
    chosen = windows[::-(-len(windows) // _MOST_BLOCKS)]
    burn = rasterised_centres if geometry.GetDimension() == 2 else rasterised
    found = False
    for part in chosen:
        rows, columns = np.nonzero(burn([wkb], grid.part(part)))
        if len(rows):
            found = True
            yield columns + part.x, rows + part.y
    if not found:
        for part in chosen:
            rows, columns = np.nonzero(rasterised([wkb], grid.part(part)))
            if len(rows):
                yield columns + part.x, rows + part.y


def _cells_of_points(geometry: ogr.Geometry, grid: Grid) -> "tuple[np.ndarray, np.ndarray]":
    """Return the cells that hold points."""
    points = np.asarray(list(vertices(geometry)), dtype=np.float64).reshape(-1, 2)
    x, dx, _, y, _, dy = grid.transform
    columns, rows = np.floor((points[:, 0] - x) / dx), np.floor((points[:, 1] - y) / dy)
    with np.errstate(invalid="ignore"):
        inside = (columns >= 0) & (rows >= 0) & (columns < grid.width) & (rows < grid.height)
    return columns[inside].astype(np.int64), rows[inside].astype(np.int64)


def vertices(geometry: ogr.Geometry) -> "Iterator[tuple[float, float]]":
    """Yield all vertices of a geometry's parts."""
    with quiet():
        if geometry.GetGeometryCount():
            for index in range(geometry.GetGeometryCount()):
                yield from vertices(geometry.GetGeometryRef(index))
        else:
            for point in geometry.GetPoints() or ():
                yield point[0], point[1]

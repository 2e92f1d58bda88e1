"""A spatially even sample of a field's vectors, with the places they come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

import numpy as np

from .dataset import block_cache, open_raster, rasterised
from .errors import InputError
from .field import Field
from .field_pass import read_block, source_of
from .grid import Window
from .progress import Progress, check
from .sample import spread

SIDE = 32
_CACHE_MIB = 128


@dataclass(frozen=True)
class FieldSample:
    """Vectors `(rows, dims)` and the column and row `(rows, 2)` of their cells."""

    vectors: np.ndarray
    cells: np.ndarray


def sample_field(opened: Field, count: int, seed: int, progress: Progress, region: Optional[Window] = None,
                 mask: "Optional[tuple[bytes, ...]]" = None) -> FieldSample:
    """Return about `count` vectors of valid cells, spread evenly, the same for the same seed."""
    with block_cache(_CACHE_MIB):
        return _sample(opened, count, seed, progress, region, mask)


def _sample(opened: Field, count: int, seed: int, progress: Progress, region: Optional[Window],
            mask: "Optional[tuple[bytes, ...]]") -> FieldSample:
    """Read the sample."""
    source = source_of(opened)
    grid = opened.info.grid
    region = region or grid.whole
    dataset = open_raster(source.path)
    chance = np.random.default_rng(seed)
    whole = region.width * region.height <= 4 * count
    side = max(SIDE, 256) if whole else SIDE
    windows = list(_every(region, side)) if whole else _spread(
        opened, region, max(64, min(1024, count // 64)), seed)
    vectors, cells = [], []
    for attempt in range(2):
        most = max(1, -(-count // len(windows)) * (1 if not attempt else 4))
        for done, window in enumerate(windows):
            check(progress)
            progress.report(done / len(windows), "Reading a sample" if done == 0 else None)
            table = read_block(dataset, source, window).vectors().reshape(source.dimensions, -1).T
            valid = np.isfinite(table).all(axis=1)
            if mask is not None:
                valid &= rasterised(mask, grid.part(window)).ravel()
            kept = np.flatnonzero(valid)
            if not whole and len(kept) > most:
                kept = np.sort(chance.choice(kept, most, replace=False))
            vectors.append(table[kept])
            cells.append(np.stack([window.x + kept % window.width, window.y + kept // window.width], axis=1))
        if sum(map(len, vectors)) or whole:
            break
        windows = _spread(opened, region, 4096, seed + 1)
    found, places = np.concatenate(vectors), np.concatenate(cells)
    if not len(found):
        raise InputError("field-empty", "{path} has no valid cell in the area asked for: check its nodata value, the "
                         "mask and the extent.", path=opened.info.path)
    if len(found) > count:
        kept = np.sort(chance.choice(len(found), count, replace=False))
        found, places = found[kept], places[kept]
    progress.report(1.0)
    return FieldSample(np.ascontiguousarray(found), places)


def _every(region: Window, side: int) -> "list[Window]":
    """Return all windows of a small region."""
    return [Window(x, y, side, side).intersection(region) for y in range(region.y, region.bottom, side)
            for x in range(region.x, region.right, side)]


def _spread(opened: Field, region: Window, count: int, seed: int) -> "list[Window]":
    """Return windows spread evenly in the order of storage blocks, so that each block is read from disk once."""
    width, height = opened.info.block
    return sorted(spread(region, SIDE, count, seed),
                  key=lambda window: (window.y // height, window.x // width, window.y, window.x))

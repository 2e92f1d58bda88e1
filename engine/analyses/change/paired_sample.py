"""A spatially even sample of cells with their vectors at every date."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence

import numpy as np

from ...dataset import block_cache, open_raster
from ...errors import InputError
from ...grid import Window, blocks
from ...progress import Progress, check
from ...sample import spread
from .alignment import Scene

_SIDE = 32
_BLOCK = 256
_WINDOWS = 256


@dataclass(frozen=True)
class PairedSample:
    """Vectors `(dates, cells, dims)` of cells that have one at every date; each a row of `cells` (column, row)."""

    vectors: np.ndarray
    cells: np.ndarray


def sample_dates(scene: Scene, count: int, seed: int, progress: Progress) -> PairedSample:
    """Return about `count` cells spread evenly over what all dates cover, the same for the same seed."""
    with block_cache(_cache_mib(scene)):
        return _sampled(scene, count, seed, progress)


def _cache_mib(scene: Scene) -> int:
    """Return the size of a cache that holds a storage block of every date, within reason."""
    width, height = (min(size, 2 * _BLOCK) for size in scene.block)
    size = sum(source.dimensions * 4 for source in scene.sources) * max(width * height, _BLOCK * _BLOCK)
    return int(min(max(2 * size >> 20, 64), 512))


def _by_block(windows: "Sequence[Window]", block: "tuple[int, int]") -> "list[Window]":
    """Return windows that lie in one storage block each, in such an order that each block is read once."""
    width, height = block
    moved = [Window(_inside(window.x, window.width, width), _inside(window.y, window.height, height), window.width,
                    window.height) for window in windows]
    return sorted(moved, key=lambda window: (window.y // height, window.x // width, window.y, window.x))


def _inside(start: int, size: int, block: int) -> int:
    """Move a window back into the block that it begins in, where it fits into one."""
    return start if size > block else min(start, start // block * block + block - size)


def _sampled(scene: Scene, count: int, seed: int, progress: Progress) -> PairedSample:
    """Read the sample."""
    region = scene.region
    whole = region.width * region.height <= 4 * count
    datasets = [open_raster(source.path) for source in scene.sources]
    chance = np.random.default_rng(seed)
    if whole:
        windows = [Window(region.x + part.x, region.y + part.y, part.width, part.height)
                   for part in blocks(Window(0, 0, region.width, region.height), _BLOCK)]
    else:
        windows = _by_block(spread(region, _SIDE, max(64, min(_WINDOWS, count // 64)), seed), scene.block)
    vectors, cells = [], []
    for attempt in range(2):
        most = max(1, -(-count // len(windows)) * (4 if attempt else 1))
        for done, window in enumerate(windows):
            check(progress)
            progress.report(done / len(windows), "Reading a sample" if not done else None)
            found = np.stack([source.read(dataset, window).vectors().reshape(source.dimensions, -1).T
                              for dataset, source in zip(datasets, scene.sources)])
            kept = np.flatnonzero(np.isfinite(found).all(axis=2).all(axis=0))
            if not whole and len(kept) > most:
                kept = np.sort(chance.choice(kept, most, replace=False))
            vectors.append(found[:, kept])
            cells.append(np.stack([window.x + kept % window.width, window.y + kept // window.width], axis=1))
        if sum(map(len, cells)) or whole:
            break
        windows = _by_block(spread(region, _SIDE, 4096, seed + 1), scene.block)
    places = np.concatenate(cells)
    if not len(places):
        raise InputError("change-empty", "{first} and the other dates have no cell with a value at each date: check "
                         "their nodata values, and that they cover the same ground.", first=scene.sources[0].path)
    joined = np.concatenate(vectors, axis=1)
    if len(places) > count:
        kept = np.sort(chance.choice(len(places), count, replace=False))
        joined, places = joined[:, kept], places[kept]
    progress.report(1.0)
    return PairedSample(joined, places)

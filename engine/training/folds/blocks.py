"""Spatial blocks: squares of the map that are held out whole, so that what is judged is how a model does elsewhere."""

from __future__ import annotations

from typing import Optional

import numpy as np

from ...errors import InputError
from ..sites import Sites, UnitSites
from .assignment import BLOCKS, Folds, class_rows, dealt, require_folds


def block_folds(sites: Sites, size: float, count: int, seed: int, strata: Optional[np.ndarray] = None) -> Folds:
    """Part samples into square blocks of a side in units of the CRS, and deal blocks to folds evenly.

    Folds share out rows and, where classes are given as strata, the rows of each class.
    """
    require_folds(count)
    sites.require_places("FOLDS blocks")
    if not size > 0 or not np.isfinite(size):
        raise InputError("folds-size", "BLOCK_SIZE is {size}: give a length above 0 in {unit}, or 0 to have it chosen "
                         "from the data.", size=size, unit=sites.unit_name)
    units = sites.by_unit()
    block = blocks_of(sites, units, size)
    number = int(block.max(initial=-1)) + 1
    if number < count:
        raise InputError("folds-blocks", "Blocks of {size} {unit} part {name} into {number}, fewer than the {count} "
                         "folds: lower BLOCK_SIZE, or ask for fewer folds.", size=length_text(size),
                         unit=sites.unit_name, name=sites.name, number=number, count=count)
    of_row = block[units.of_row]
    order = np.random.default_rng(seed).permutation(number)
    fold = dealt(class_rows(of_row, number, strata), count, order)[of_row]
    return Folds(fold, BLOCKS, count, float(size), "{} blocks of {} {} are held out whole, in {} folds".format(
        number, length_text(size), sites.unit_name, count), of_row)


def blocks_of(sites: Sites, units: UnitSites, size: float) -> np.ndarray:
    """Return the number of the block of each unit, 0 … without gaps."""
    if sites.geographic:
        rows, columns = _globe(units.points, size * sites.degrees)
    else:
        # Counted from the middle of the data, so that what is small against the coordinates is told apart, too.
        middle = units.points.mean(axis=0)
        columns, rows = np.floor((units.points - middle) / size).T
    row, column = (np.unique(part, return_inverse=True)[1].reshape(-1).astype(np.int64) for part in (rows, columns))
    return np.unique(row * (column.max(initial=0) + 1) + column, return_inverse=True)[1].reshape(-1).astype(np.int64)


def length_text(length: float) -> str:
    """Return a length to three digits as people write it, without an exponent."""
    if not 0 < length < np.inf:
        return str(length)
    digits = max(0, 2 - int(np.floor(np.log10(length))))
    text = "{:.{}f}".format(float("{:.3g}".format(length)), digits)
    return text.rstrip("0").rstrip(".") if "." in text else text


def _globe(points: np.ndarray, size: float) -> "tuple[np.ndarray, np.ndarray]":
    """Return rows and columns of blocks about as wide as high on the ground.

    Each band of latitude, `size` degrees high, is parted into a whole number of columns around the globe: degrees of
    longitude are short near the poles, and blocks that end at 180° start anew there instead of being cut.
    """
    rows = np.floor((np.clip(points[:, 1], -90.0, 90.0) + 90.0) / size)
    rows = np.minimum(rows, np.ceil(180.0 / size) - 1)
    middle = np.clip((rows + 0.5) * size - 90.0, -90.0, 90.0)
    around = np.maximum(np.round(360.0 * np.cos(np.radians(middle)) / size), 1.0)
    turn = np.mod(points[:, 0] + 180.0, 360.0) / 360.0
    return rows, np.minimum(np.floor(turn * around), around - 1)

"""The side of spatial blocks: how far what a model leaves unexplained stays alike, rounded and bounded by the data."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..sites import Sites, UnitSites
from ..variogram import Variogram, variograms
from .blocks import blocks_of, length_text
from .clustering import clustering_of

BLOCKS_PER_FOLD = 3
_LARGEST_SHARE = 2.0
_STEPS = 60


@dataclass(frozen=True)
class BlockSize:
    """A side in units of the CRS, the range it comes from (0 = none seen), and the reason in a sentence."""

    size: float
    reach: float
    sentence: str
    caution: str = ""


def block_size_from(sites: Sites, residuals: np.ndarray, count: int, seed: int) -> BlockSize:
    """Choose a side of 1, 2 or 5 times a power of ten near the range of the residuals' variogram.

    At least three blocks a fold hold samples, and none holds so many that its fold would outweigh the others; where
    that asks for smaller blocks than the range, the sentence says so. `residuals` are `(n,)` or `(n, m)`: of several
    targets or classes the one that stays alike farthest decides.
    """
    columns = np.asarray(residuals, dtype=np.float64).reshape(len(sites.points), -1)
    found = max(variograms(sites, columns, seed), key=lambda fit: fit.reach)
    units = sites.by_unit()
    most = _largest(sites, units, count)
    if most is None:
        return BlockSize(0.0, found.reach, "The samples of {} lie at too few places to be parted into blocks.".format(
            sites.name))
    # No places in an extent lie farther apart than those of a lattice, so a longer range need not be looked at.
    if found.reach < 1.1 * _extent(sites, units) / np.sqrt(len(units.rows)) \
            and found.reach < clustering_of(sites).nearest:
        # A range shorter than the way to the next sample is a trick of chance, and blocks of it would hold one each.
        found = replace(found, reach=0.0)
    return _chosen(sites, found, most)


def rounded(length: float) -> float:
    """Return the nearest of 1, 2 and 5 times a power of ten, by ratio."""
    power = 10.0 ** np.floor(np.log10(length))
    steps = np.array([1.0, 2.0, 5.0, 10.0]) * power
    return float("{:.3g}".format(steps[np.argmin(np.abs(np.log(steps / length)))]))


def _chosen(sites: Sites, found: Variogram, most: float) -> BlockSize:
    """Put the range and the bound together."""
    unit = sites.unit_name
    if not found.reach > 0:
        return BlockSize(most, 0.0, "The residuals show no range, so blocks are as large as leaves enough of "
                         "them: {} {}.".format(length_text(most), unit))
    size = rounded(found.reach)
    if size <= most:
        return BlockSize(size, found.reach, "The residuals stay alike over about {} {}, so blocks are {} {} "
                         "wide.".format(length_text(found.reach), unit, length_text(size), unit))
    sentence = ("The residuals stay alike over about {} {}, farther than blocks can be wide here if enough of them "
                "shall remain ({} {}): figures may still be optimistic.").format(
                    length_text(found.reach), unit, length_text(most), unit)
    return BlockSize(most, found.reach, sentence, sentence)


def _largest(sites: Sites, units: UnitSites, count: int) -> "float | None":
    """Return the largest round side that leaves enough blocks, none of them too heavy; None where there is none."""
    extent = _extent(sites, units)
    if not extent > 0:
        return None
    side = rounded(extent)
    for few in (count * BLOCKS_PER_FOLD, count):
        size = side
        for _ in range(_STEPS):
            rows = np.bincount(blocks_of(sites, units, size), weights=units.rows)
            if len(rows) >= few and rows.max() <= _LARGEST_SHARE / count * rows.sum():
                return size
            size = _smaller(size)
    return None


def _extent(sites: Sites, units: UnitSites) -> float:
    """Return the longer side of all places in units of the CRS."""
    extent = float(np.ptp(units.points, axis=0).max(initial=0.0))
    return extent / sites.degrees if sites.geographic else extent


def _smaller(size: float) -> float:
    """Return the next smaller of 1, 2 and 5 times a power of ten."""
    return rounded(size / (2.0 if "{:.0e}".format(size)[0] in "12" else 2.5))

"""The resolutions that a raster offers: its own, and its overviews."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence

from osgeo import gdal

from ..dataset import open_overview, open_raster, quiet

# A cell of the level that is read is at most so many pixels of the canvas wide: finer ones take longer to read than a
# person waits for, coarser ones show as squares.
_WIDEST = 1.6


@dataclass(frozen=True)
class Level:
    """A resolution: its number among the overviews (−1: the raster itself), its size, the raster's cells in one."""

    number: int
    width: int
    height: int
    across: float
    down: float

    def open(self, path: str) -> gdal.Dataset:
        """Open it as a raster of its own."""
        return open_raster(path) if self.number < 0 else open_overview(path, self.number)


def levels_of(path: str) -> "tuple[Level, ...]":
    """Return the resolutions that all bands of a raster have, the finest first."""
    dataset = open_raster(path)
    width, height = dataset.RasterXSize, dataset.RasterYSize
    found = {Level(-1, width, height, 1.0, 1.0)}
    with quiet():
        count = min(dataset.GetRasterBand(index).GetOverviewCount() for index in range(1, dataset.RasterCount + 1))
        for number in range(count):
            overview = dataset.GetRasterBand(1).GetOverview(number)
            if overview is not None and overview.XSize and overview.YSize:
                found.add(Level(number, overview.XSize, overview.YSize, _factor(width, overview.XSize),
                                _factor(height, overview.YSize)))
    return tuple(sorted(found, key=lambda level: (level.across * level.down, level.number)))


def _factor(whole: int, part: int) -> float:
    """Return how many cells a cell of an overview is: a whole number where the sizes allow one."""
    rounded = max(1, round(whole / part))
    for factor in (rounded, rounded + 1, rounded - 1):
        if factor > 0 and -(-whole // factor) == part:
            # Of several that would do, a power of two is what overviews are made by.
            powers = [power for power in (1 << bit for bit in range(20)) if -(-whole // power) == part]
            return float(powers[0] if powers else factor)
    return whole / part


def level_for(levels: "Sequence[Level]", across: float, down: float) -> Level:
    """Return the level for pixels so many cells wide and high: the coarsest that still fills them."""
    fit = [level for level in levels if level.across <= across * _WIDEST and level.down <= down * _WIDEST]
    return fit[-1] if fit else levels[0]

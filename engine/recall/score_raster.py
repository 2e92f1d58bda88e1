"""The band of a raster that holds scores: how it is read, and which of its windows count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Mapping, Optional, Sequence

import numpy as np

from ..coding import FloatCoding
from ..dataset import raster_info, rasterised
from ..errors import InputError
from ..field_pass import FieldBlock, FieldPass, FieldSource, pass_windows
from ..geodesy import cell_areas
from ..grid import Grid, Window
from ..validity import rule_for
from .request import Query

KM2 = 1e6


@dataclass(frozen=True)
class ScoreRaster:
    """A query's raster, ready to be read in windows of the ground that counts."""

    query: Query
    source: FieldSource
    grid: Grid
    block: "tuple[int, int]"
    region: Window
    scale: float
    offset: float
    memory_mib: int

    def windows(self) -> "list[Window]":
        """Return the windows that together are the region, along storage blocks."""
        return pass_windows(self.work(_nothing, {}, ""), self.region)

    def work(self, function: "Callable[..., Sequence[np.ndarray]]", parameters: "Mapping[str, Any]",
             text: str) -> FieldPass:
        """Return a pass over the region."""
        return FieldPass((self.source,), self.grid, function, parameters, (), self.block, text, self.region,
                         self.query.mask, memory_mib=self.memory_mib)

    def stored(self, score: np.ndarray) -> np.ndarray:
        """Return scores as they are meant, for those that lie in the file."""
        return score * self.scale + self.offset


def open_scores(query: Query, memory_mib: int) -> ScoreRaster:
    """Read what a raster says of itself, and find the ground that counts."""
    info = raster_info(query.path)
    bands = {band.index: band for band in info.data_bands}
    if query.band not in bands:
        raise InputError("recall-band", "BAND: “{name}” has no band {band}, it has {count}.", name=query.name,
                         band=query.band, count=len(bands))
    band = bands[query.band]
    rule = rule_for(info, (query.band,))
    source = FieldSource(info.path, (query.band,), band.dtype.str, FloatCoding("f4", np.dtype("f4")), rule)
    region = info.grid.window_of(query.extent, f"“{query.name}”") if query.extent is not None else info.grid.whole
    scale = band.scale if band.scale is not None and band.scale != 0 else 1.0
    return ScoreRaster(query, source, info.grid, info.block, region, float(scale), float(band.offset or 0.0),
                       memory_mib)


def scores_of(block: FieldBlock) -> "tuple[np.ndarray, np.ndarray]":
    """Return the scores of a block as they lie in the file, and which cells have one, both `(cells,)`."""
    scores = block.raw[0].ravel()
    valid = np.isfinite(scores) if scores.dtype.kind == "f" else np.ones(len(scores), dtype=bool)
    if block.valid is not None:
        valid &= block.valid.ravel()
    return scores, valid


def ground_of(grid: Grid, window: Window, mask: "Optional[tuple[bytes, ...]]") -> "tuple[np.ndarray, np.ndarray]":
    """Return the km² of each cell of a window, and which cells are among the ground that counts, both `(cells,)`."""
    areas = cell_areas(grid, window).ravel() / KM2
    counts = np.isfinite(areas) & (areas > 0)
    if mask is not None:
        counts &= rasterised(mask, grid.part(window)).ravel()
    return areas, counts


def _nothing() -> "Sequence[np.ndarray]":
    """Stand for the function of a pass whose windows alone are wanted."""
    return ()

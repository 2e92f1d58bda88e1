"""The magnitudes of a raster that was just written, read back a window at a time."""

from __future__ import annotations

from typing import Iterator, Sequence

import numpy as np

from ...dataset import open_raster, raster_info, rasterised_centres, read
from ...grid import Window, blocks
from ...progress import Progress, check

_SIDE = 512


class MagnitudeFile:
    """The first band of a raster; only cells with their centre in the polygons, where there are any."""

    def __init__(self, path: str, progress: Progress, within: "Sequence[bytes]" = ()) -> None:
        """Look at the raster's size."""
        self._path = path
        self._progress = progress
        self._within = within
        self.grid = raster_info(path).grid

    def parts(self) -> "Iterator[np.ndarray]":
        """Yield all magnitudes, a window at a time."""
        for window, values in self.windows():
            kept = np.isfinite(values)
            if self._within and kept.any():
                kept &= rasterised_centres(self._within, self.grid.part(window))
            yield values[kept]

    def windows(self) -> "Iterator[tuple[Window, np.ndarray]]":
        """Yield windows and what lies in them `(rows, cols)`."""
        dataset = open_raster(self._path)
        for window in blocks(self.grid.whole, _SIDE):
            check(self._progress)
            yield window, read(dataset, window, [1], np.dtype("f4"), self._path)[0]

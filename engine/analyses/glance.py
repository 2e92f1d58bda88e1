"""A glance at what an encoder makes of a small part of a raster: embedded, reduced to three colours, in seconds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Optional

import numpy as np

from ..dataset import open_raster, raster_info, read
from ..embedding.plan import EmbedRequest
from ..embedding.raster import embed_raster
from ..encoders.library import EncoderFolders
from ..grid import Grid, Window
from ..progress import Part, Progress
from .reduce.raster import reduce_raster
from .reduce.request import ReduceRequest

LARGEST_SIDE = 512
SMALLEST_SIDE = 128


@dataclass(frozen=True)
class GlanceRequest:
    """What to look at: a raster, an extent in its CRS (None: all of it), an encoder, and an empty folder for files."""

    raster: str
    extent: "Optional[tuple[float, float, float, float]]"
    encoder: str
    folders: EncoderFolders
    folder: str
    device: str = "auto"


@dataclass(frozen=True)
class Glance:
    """What was seen: red, green, blue and opacity `(rows, columns, 4)`, clear where nothing is valid.

    `cut` tells whether more was asked than was looked at.
    """

    picture: str
    colours: np.ndarray
    pixels: "tuple[int, int]"
    cells: int
    dimensions: int
    seconds: float
    device: str
    device_report: str
    explained: "tuple[float, ...]"
    cut: bool
    warnings: "tuple[str, ...]"


def glance(request: GlanceRequest, progress: Progress) -> Glance:
    """Embed the middle of the extent at full resolution and return its first three components as colours."""
    grid = raster_info(request.raster).grid
    wanted = grid.whole if request.extent is None else grid.window_of(request.extent, Path(request.raster).name)
    window = middle(grid, wanted)
    folder = Path(request.folder)
    folder.mkdir(parents=True, exist_ok=True)
    field, picture = folder / "embedding.tif", folder / "colours.tif"
    embedded = embed_raster(
        EmbedRequest((request.raster,), request.encoder, str(field), request.folders,
                     extent=grid.part(window).extent(), device=request.device, memory_mib=256, resume=False),
        Part(progress, 0.0, 0.9))
    reduced = reduce_raster(ReduceRequest(str(picture), str(field), picture=True, memory_mib=128),
                            Part(progress, 0.9, 1.0))
    dataset = open_raster(str(picture))
    colours = read(dataset, Window(0, 0, dataset.RasterXSize, dataset.RasterYSize), (1, 2, 3), np.dtype(np.uint8),
                   str(picture))
    return Glance(
        str(picture), _with_opacity(colours), (window.width, window.height), embedded.cells,
        embedded.dimensions, embedded.seconds, embedded.device, embedded.device_report, reduced.explained[:3],
        window.width < wanted.width or window.height < wanted.height, embedded.warnings)


def middle(grid: Grid, wanted: Window) -> Window:
    """Return at most so many pixels around the middle of a window, and at least so many where the raster has them."""
    left, width = _stretch(wanted.x, wanted.width, grid.width)
    top, height = _stretch(wanted.y, wanted.height, grid.height)
    return Window(left, top, width, height)


def _with_opacity(colours: np.ndarray) -> np.ndarray:
    """Turn a picture `(3, rows, columns)` with 0 for no data into pixels that are clear there."""
    opacity = np.where(colours.any(axis=0), 255, 0).astype(np.uint8)
    return np.ascontiguousarray(np.concatenate([colours, opacity[np.newaxis]]).transpose(1, 2, 0))


def _stretch(start: int, length: int, available: int) -> "tuple[int, int]":
    """Bring one side to a length that is quick and yet shows something."""
    size = min(max(min(length, LARGEST_SIDE), SMALLEST_SIDE), available)
    first = start + (length - size) // 2
    return min(max(first, 0), available - size), size

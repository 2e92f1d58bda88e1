"""Marks what changed: a raster of two classes, without patches that are too small, and how much ground they cover."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Sequence

import numpy as np
from osgeo import gdal

from ...dataset import (
    RasterLayout,
    cannot_write,
    close,
    create_raster,
    open_raster,
    open_vector,
    quiet,
    read,
    write,
)
from ...geodesy import cell_areas
from ...grid import Grid
from ...progress import Part, Progress, check
from ...provenance import Provenance, added
from ...vectorise import Areas, vectorise
from .magnitude_file import MagnitudeFile

UNCHANGED = 1
CHANGED = 2
CLASSES = {UNCHANGED: "unchanged", CHANGED: "changed"}
COLOURS = ((0, 0, 0), (225, 225, 225), (200, 30, 60))


@dataclass(frozen=True)
class Marked:
    """How many cells were compared and changed, and the square metres of the latter."""

    compared: int
    changed: int
    area: float


def mark_changes(magnitudes: str, threshold: float, least_area: float, output: str, scratch: Path,
                 provenance: "Sequence[Provenance]", progress: Progress) -> Marked:
    """Write the classes; patches of neighbouring changed cells with less ground than asked for are unchanged."""
    source = MagnitudeFile(magnitudes, progress)
    kept = None
    if least_area > 0:
        kept = _large_patches(magnitudes, threshold, least_area, source.grid, scratch, Part(progress, 0.0, 0.7))
    about = {"analysis": "change", "classes": {str(code): name for code, name in CLASSES.items()}}
    layout = RasterLayout(np.dtype("u1"), 0.0, ("changed",), palette=COLOURS)
    metadata = added({"EARTHPRINT_RESULT": json.dumps(about, sort_keys=True)}, provenance)
    target = create_raster(output, source.grid, layout, metadata)
    patches = open_raster(str(kept)) if kept is not None else None
    compared, changed, area, done = 0, 0, 0.0, 0
    for window, values in source.windows():
        progress.report(0.7 + 0.3 * done / (source.grid.width * source.grid.height), "Marking" if not done else None)
        done += window.width * window.height
        valid = np.isfinite(values)
        with np.errstate(invalid="ignore"):
            found = values >= threshold
        if patches is not None:
            found &= read(patches, window, [1], np.dtype("u1"), str(kept))[0] != 0
        if not valid.any():
            continue
        write(target, window, [1], np.where(found, CHANGED, valid).astype(np.uint8)[None], output)
        compared, changed = compared + int(valid.sum()), changed + int(found.sum())
        if found.any():
            area += float(cell_areas(source.grid, window)[found].sum())
    close(target, output)
    return Marked(compared, changed, area)


def _large_patches(magnitudes: str, threshold: float, least_area: float, grid: Grid, scratch: Path,
                   progress: Progress) -> Path:
    """Return a raster of 1 in the patches that are large enough: outlines follow cell edges, so burning undoes them."""
    outlines, kept = scratch / "patches.gpkg", scratch / "patches.tif"
    count = vectorise(Areas(str(outlines), values=magnitudes, threshold=threshold, least_area=least_area),
                      Part(progress, 0.0, 0.8))
    target = create_raster(str(kept), grid, RasterLayout(np.dtype("u1"), 0.0, ("patches",)), {})
    if count:
        shapes = open_vector(str(outlines))
        with quiet() as messages:
            try:
                failed = gdal.RasterizeLayer(target, [1], shapes.GetLayer(0), burn_values=[1],
                                             callback=_asking(progress)) != 0
            except RuntimeError as error:
                messages.texts.append(str(error))
                failed = True
        check(progress)
        if failed:
            raise cannot_write(str(kept), messages.last)
    close(target, str(kept))
    return kept


def _asking(progress: Progress) -> "Callable[..., int]":
    """Return a function that GDAL calls now and then, and that tells it to stop."""
    def call(share: float, message: str, data: Any) -> int:
        """Ask whether to go on."""
        progress.report(0.8 + 0.2 * share)
        return 0 if progress.cancelled() else 1

    return call

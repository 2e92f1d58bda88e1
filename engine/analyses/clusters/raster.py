"""Groups the cells of a field: fits on an even sample, assigns block by block, and sums up what the clusters are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Sequence

import numpy as np

from ...dataset import RasterLayout, rasterised
from ...errors import InputError
from ...field import Field, how_to_state, open_field
from ...field_pass import FieldBlock, FieldPass, FieldSource, RasterOutput, run_pass, source_of
from ...field_sample import sample_field
from ...geodesy import cell_areas
from ...grid import Grid, Window
from ...memory import peak_mib
from ...progress import Part, Progress
from ..models import save_model
from .class_names import name_classes
from .fitting import ClusterFit, fit_clusters, sample_size
from .model import ClusterModel, load_clusters
from .report import ReportInput, write_report
from .request import RASTER_METHODS, ClusterRasterRequest, ClusterResult
from .summary import require_places, summarise, write_summary
from .tally import PLACE, Tally, tally_block
from .thumbnail import raster_thumbnail


@dataclass(frozen=True)
class _Fitted:
    """A model that is ready, and how it was found: not at all where it was reused."""

    model: ClusterModel
    fit: Optional[ClusterFit]


def cluster_raster(request: ClusterRasterRequest, progress: Progress) -> ClusterResult:
    """Write the class raster and what was asked for beside it."""
    require_places(request.extras)
    opened = open_field(request.path)
    if not opened.space.declared:
        progress.warn(f"{request.path} doesn't say what its embeddings are: its clusters apply only to rasters "
                      f"with the same band names. {how_to_state(opened)}")
    region = (opened.info.grid.window_of(request.extent, request.path) if request.extent else opened.info.grid.whole)
    fitted = _fitted(request, opened, region, Part(progress, 0.0, 0.4))
    model, tally = fitted.model, Tally.empty(fitted.model.numbers)
    grid = opened.info.grid

    def take(window: Window, extras: "Sequence[np.ndarray]") -> None:
        """Add a block's counts."""
        block = extras[0]
        places = [(window.x + int(place) % window.width, window.y + int(place) // window.width)
                  for place in block[PLACE]]
        tally.add(block, places)

    account = run_pass(_pass(request, opened, region, model), Part(progress, 0.4, 0.95), take)
    if not tally.counts.sum():
        progress.warn("No cell got a class: all of the area asked for is nodata.")
    name_classes(request.output, [entry.name for entry in model.classes])
    rows = summarise(model, tally, _points(grid, tally.places), [""] * model.numbers)
    if request.extras.summary:
        write_summary(request.extras.summary, grid.wkt, rows, opened.space.provenance)
    if request.extras.model:
        save_model(request.extras.model, model.fitted(opened.space))
    if request.extras.report:
        picture = raster_thumbnail(request.output, model.classes)
        write_report(request.extras.report, ReportInput(model, rows, picture, fitted.fit, "cells", request.reuse))
    progress.report(1.0)
    progress.info(f"{int(tally.counts.sum()):,} cells in {model.clusters} clusters: "
                  f"{account.blocks_read / max(account.seconds, 1e-3):.1f} blocks per second, peak memory "
                  f"{peak_mib():,.0f} MiB.")
    return ClusterResult(request.output, model.clusters, model.classes, int(tally.counts.sum()), account.bytes_read)


def assign_block(blocks: "Sequence[FieldBlock]", window: Window, model: ClusterModel, grid: Grid,
                 mask: "Optional[tuple[bytes, ...]]") -> "tuple[np.ndarray, np.ndarray]":
    """Return the classes of a block `(1, rows, cols)` and its counts; a pure function of its arguments."""
    [block] = blocks
    size = window.width * window.height
    classes, distances = np.zeros(size, dtype=np.int64), np.empty(size, dtype=np.float32)
    for part, vectors in block.chunks(_chunk(block.source)):
        classes[part], distances[part] = model.assign(vectors)
    if mask is not None:
        classes[~rasterised(mask, grid.part(window)).ravel()] = 0
    counts = tally_block(classes, distances, cell_areas(grid, window).ravel(), model.numbers)
    return classes.astype(class_type(model.numbers)).reshape(1, *block.shape), counts


def class_type(numbers: int) -> np.dtype:
    """Return the smallest type that holds 0 and all class numbers."""
    return np.dtype("u1") if numbers <= 255 else np.dtype("u2")


def _chunk(source: FieldSource) -> int:
    """Return how many pixels of so many dimensions stay in the processor's cache."""
    return max(512, min(8192, (1 << 19) // max(source.dimensions, 1)))


def _fitted(request: ClusterRasterRequest, opened: Field, region: Window, progress: Progress) -> _Fitted:
    """Fit a model, or load the one to be used again."""
    if request.reuse:
        model, saved = load_clusters(request.reuse)
        saved.require_space(opened.key, request.path)
        return _Fitted(model, None)
    if request.choice.method not in RASTER_METHODS:
        raise InputError("clusters-method", "METHOD {method} merges rows of tables and doesn't work on rasters: choose "
                         "one of {methods}.", method=request.choice.method, methods=", ".join(RASTER_METHODS))
    most = max(1000, (request.memory_mib << 20) // 4 // (4 * opened.space.dimensions))
    wanted = min(sample_size(request.choice), most)
    sample = sample_field(opened, wanted, request.choice.seed, Part(progress, 0.0, 0.4), region, request.mask)
    fit = fit_clusters(sample.vectors, request.choice, Part(progress, 0.4, 1.0))
    return _Fitted(fit.model, fit)


def _pass(request: ClusterRasterRequest, opened: Field, region: Window, model: ClusterModel) -> FieldPass:
    """Return the pass that assigns."""
    grid = opened.info.grid
    palette = ((0, 0, 0), *(entry.colour for entry in model.classes))
    layout = RasterLayout(class_type(model.numbers), 0.0, ("Cluster",), palette=palette)
    metadata = {"EARTHPRINT_CONTENT": "clusters", "EARTHPRINT_METHOD": model.method,
                "EARTHPRINT_SPACE_OF_INPUT": opened.key}
    return FieldPass((source_of(opened),), grid, assign_block, {"model": model, "grid": grid, "mask": request.mask},
                     (RasterOutput(request.output, layout, metadata),), opened.info.block, "Assigning clusters",
                     region, request.mask, memory_mib=request.memory_mib)


def _points(grid: Grid, cells: np.ndarray) -> np.ndarray:
    """Return the coordinates of cells' centres; NaN where there is none."""
    found = np.array([grid.centre(column + 0.5, row + 0.5) for column, row in cells.tolist()]).reshape(-1, 2)
    found[cells[:, 0] < 0] = np.nan
    return found

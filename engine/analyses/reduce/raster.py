"""Reduces an embedding raster to fewer dimensions, or to a picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Sequence

import numpy as np

from ...coding import FLOAT32
from ...dataset import RasterLayout
from ...field import KEY_ITEM, PROVENANCE_ITEM, SPACE_ITEM, Field, open_field
from ...field_pass import FieldBlock, FieldPass, RasterOutput, run_pass, scan, source_of
from ...field_sample import sample_field
from ...grid import Window
from ...progress import Part, Progress
from ..models import save_model
from .components import Components, principal_components, require_dimensions
from .fitted import PCA, Projection, colours, reduced_space
from .manifold import fit_umap
from .moments import Moments, block_moments
from .reporting import tell_explained, write_report
from .request import STRETCH_SAMPLE, ReduceRequest, ReduceResult
from .saved import load_reduction, to_model
from .thumbnail import Thumbnail, thinned


def reduce_raster(request: ReduceRequest, progress: Progress) -> ReduceResult:
    """Fit or reuse a reduction and write the reduced raster or its picture."""
    request.check()
    opened = open_field(request.input)
    if not opened.space.declared:
        progress.warn(f"{opened.info.path} doesn't say what its embedding space is; it is used as undeclared.")
    start = 0.02 if request.reuse else 0.5
    fitted = _fit(opened, request, Part(progress, 0.0, start))
    function = picture_block if request.picture else reduced_block
    outputs = (RasterOutput(request.output, _layout(fitted, request), _metadata(opened, fitted, request)),)
    thumbnail = Thumbnail(opened.info.grid)
    run_pass(FieldPass((source_of(opened),), opened.info.grid, function, {"fitted": fitted, "step": thumbnail.step},
                       outputs, opened.info.block, "Reducing", memory_mib=request.memory_mib),
             Part(progress, start, 0.97), thumbnail.take)
    if request.model_out:
        save_model(request.model_out, to_model(fitted, opened.space))
    if request.report:
        write_report(request.report, Path(opened.info.path).name, opened.key, fitted, request,
                     thumbnail.pixels)
    tell_explained(fitted, request, progress)
    progress.report(1.0)
    return ReduceResult(request.output, 3 if request.picture else fitted.dimensions, fitted.explained)


def reduced_block(blocks: "Sequence[FieldBlock]", window: Window, fitted: Projection,
                  step: int) -> "Sequence[np.ndarray]":
    """Reduce a block; its part of the thumbnail comes along."""
    found = np.empty((fitted.dimensions, window.height * window.width), dtype=np.float32)
    for part, values in blocks[0].chunks():
        found[:, part] = fitted.apply(values)
    found[:, ~np.isfinite(found.sum(axis=0))] = np.nan
    found = found.reshape(fitted.dimensions, window.height, window.width)
    few = thinned(found, window, step)
    return [found, colours(fitted, few.reshape(len(few), -1)).reshape(3, *few.shape[1:])]


def picture_block(blocks: "Sequence[FieldBlock]", window: Window, fitted: Projection,
                  step: int) -> "Sequence[np.ndarray]":
    """Turn a block into colours; its part of the thumbnail comes along."""
    found = np.empty((3, window.height * window.width), dtype=np.uint8)
    for part, values in blocks[0].chunks():
        found[:, part] = colours(fitted, fitted.apply(values))
    found = found.reshape(3, window.height, window.width)
    return [found, thinned(found, window, step)]


def _fit(opened: Field, request: ReduceRequest, progress: Progress) -> Projection:
    """Fit to all cells (principal components) or to a sample, or take what was saved."""
    length = len(opened.info.data_bands)
    if request.reuse:
        return load_reduction(request.reuse, opened.key, opened.info.path, length)
    if request.method == PCA:
        require_dimensions(request.dimensions, length, opened.info.path)
        return _components(opened, request, progress)
    sample = sample_field(opened, request.sample, request.seed, Part(progress, 0.0, 0.3)).vectors
    return fit_umap(sample, request.dimensions, opened.space.metric, request.seed, Part(progress, 0.3, 1.0))


def _components(opened: Field, request: ReduceRequest, progress: Progress) -> Components:
    """Fit principal components to all cells in one pass."""
    grid = opened.info.grid
    moments = Moments(len(opened.info.data_bands))
    sampled: "list[np.ndarray]" = []

    def take(window: Window, result: "Sequence[np.ndarray]") -> None:
        """Add a block's sums."""
        moments.merge(int(result[0][0]), result[1], result[2])
        sampled.append(result[3])

    parameters = {"share": STRETCH_SAMPLE / (grid.width * grid.height), "seed": request.seed}
    scan(FieldPass((source_of(opened),), grid, block_moments, parameters, (), opened.info.block,
                   "Principal components of all cells", memory_mib=request.memory_mib), take, progress)
    return principal_components(moments, request.dimensions, np.concatenate(sampled, axis=1), opened.info.path)


def _layout(fitted: Projection, request: ReduceRequest) -> RasterLayout:
    """Return how the output's bands are laid out."""
    if request.picture:
        return RasterLayout(np.dtype("u1"), 0, ("Red", "Green", "Blue"))
    names = tuple(f"Component {index}" for index in range(1, fitted.dimensions + 1))
    return RasterLayout(FLOAT32.dtype, FLOAT32.nodata, names)


def _metadata(opened: Field, fitted: Projection, request: ReduceRequest) -> "dict[str, str]":
    """Return what the output says of itself; a picture is no embedding."""
    about = {"analysis": "reduction", "method": fitted.method, "picture": request.picture, "reused": request.reuse}
    found = {"EARTHPRINT_RESULT": json.dumps(about, sort_keys=True),
             PROVENANCE_ITEM: json.dumps({"input": opened.info.path, "key": opened.key}, sort_keys=True)}
    if not request.picture:
        space = reduced_space(fitted, opened.space)
        found.update({SPACE_ITEM: space.canonical(), KEY_ITEM: space.key()})
    return found

"""Reduces an embedding raster to fewer dimensions, or to a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Sequence

import numpy as np

from ...coding import FLOAT32
from ...dataset import RasterLayout, open_raster
from ...errors import InputError
from ...field import KEY_ITEM, SPACE_ITEM, Field, open_field
from ...field_pass import FieldBlock, FieldPass, RasterOutput, read_block, run_pass, scan, source_of
from ...field_sample import sample_field
from ...grid import Window
from ...progress import Part, Progress
from ..models import load_model, save_model
from .fitted import KIND, PCA, Projection, from_model, principal_components, to_model
from .manifold import fit_umap
from .moments import Moments, block_moments
from .reporting import write_report
from .request import UMAP_SAMPLE, ReduceRequest, ReduceResult

STRETCH_SAMPLE = 50_000
THUMBNAIL = 600


def reduce_raster(request: ReduceRequest, progress: Progress) -> ReduceResult:
    """Fit or reuse a reduction and write the reduced raster or its picture."""
    request.check()
    opened = open_field(request.input)
    if not opened.space.declared:
        progress.warn(f"{opened.info.path} doesn't say what its embedding space is; it is used as undeclared.")
    fitted = _fit(opened, request, Part(progress, 0.0, 0.5))
    source = source_of(opened)
    function = picture_block if request.picture else reduced_block
    outputs = (RasterOutput(request.output, _layout(opened, fitted, request), _metadata(opened, fitted, request)),)
    run_pass(FieldPass((source,), opened.info.grid, function, {"fitted": fitted}, outputs, opened.info.block,
                       "Reducing", memory_mib=request.memory_mib), Part(progress, 0.5, 0.97))
    if request.model_out:
        save_model(request.model_out, to_model(fitted, opened.space))
    if request.report:
        write_report(request.report, Path(opened.info.path).name, opened.key, fitted, request,
                     _thumbnail(opened, fitted) if request.picture else None)
    if fitted.explained:
        progress.info(f"{len(fitted.explained)} components hold {100 * sum(fitted.explained):.1f} % of the variance.")
    progress.report(1.0)
    return ReduceResult(request.output, 3 if request.picture else fitted.dimensions, fitted.explained,
                        request.model_out or None, request.report or None)


def reduced_block(blocks: "Sequence[FieldBlock]", window: Window, fitted: Projection) -> "Sequence[np.ndarray]":
    """Reduce a block."""
    found = np.empty((fitted.dimensions, window.height * window.width), dtype=np.float32)
    for part, values in blocks[0].chunks():
        found[:, part] = fitted.apply(values)
    found[:, ~np.isfinite(found.sum(axis=0))] = np.nan
    return [found.reshape(fitted.dimensions, window.height, window.width)]


def picture_block(blocks: "Sequence[FieldBlock]", window: Window, fitted: Projection) -> "Sequence[np.ndarray]":
    """Turn a block into colours."""
    found = np.empty((3, window.height * window.width), dtype=np.uint8)
    for part, values in blocks[0].chunks():
        found[:, part] = fitted.colours(fitted.apply(values))
    return [found.reshape(3, window.height, window.width)]


def _fit(opened: Field, request: ReduceRequest, progress: Progress) -> Projection:
    """Fit to all cells (principal components) or to a sample, or take what was saved."""
    length = len(opened.info.data_bands)
    if request.reuse:
        model = load_model(request.reuse, [KIND])
        model.require_space(opened.key, opened.info.path)
        return from_model(model, length)
    if request.method == PCA and request.dimensions > length:
        raise InputError("pca-dimensions", "The vectors of {path} have {length} dimensions, so they can't be reduced to "
                         "{wanted}: ask for fewer.", path=opened.info.path, length=length, wanted=request.dimensions)
    wanted = STRETCH_SAMPLE if request.method == PCA else min(request.sample, UMAP_SAMPLE)
    sample = sample_field(opened, wanted, request.seed, Part(progress, 0.0, 0.2)).vectors
    if request.method != PCA:
        return fit_umap(sample, request.dimensions, request.seed, Part(progress, 0.2, 1.0))
    moments = Moments(sample.mean(axis=0, dtype=np.float64))

    def take(window: Window, result: "Sequence[np.ndarray]") -> None:
        """Add a block's sums."""
        moments.add(int(result[0][0]), result[1], result[2])

    scan(FieldPass((source_of(opened),), opened.info.grid, block_moments, {"origin": moments.origin}, (),
                   opened.info.block, "Principal components of all cells", memory_mib=request.memory_mib), take,
         Part(progress, 0.2, 1.0))
    return principal_components(moments.mean, moments.covariance, moments.count, request.dimensions, sample)


def _layout(opened: Field, fitted: Projection, request: ReduceRequest) -> RasterLayout:
    """Return how the output's bands are laid out."""
    if request.picture:
        return RasterLayout(np.dtype("u1"), 0, ("Red", "Green", "Blue"))
    names = tuple(f"Component {index}" for index in range(1, fitted.dimensions + 1))
    return RasterLayout(FLOAT32.dtype, FLOAT32.nodata, names)


def _metadata(opened: Field, fitted: Projection, request: ReduceRequest) -> "dict[str, str]":
    """Return what the output says of itself; a picture is no embedding."""
    if request.picture:
        return {"EARTHPRINT_PICTURE": f"{fitted.method} of {opened.key}"}
    space = fitted.space(opened.space)
    return {SPACE_ITEM: space.canonical(), KEY_ITEM: space.key()}


def _thumbnail(opened: Field, fitted: Projection) -> np.ndarray:
    """Return a small picture of the whole raster, from every so many cells."""
    grid = opened.info.grid
    step = max(1, -(-max(grid.width, grid.height) // THUMBNAIL))
    dataset, source = open_raster(opened.info.path), source_of(opened)
    rows = []
    for y in range(0, grid.height, step):
        block = read_block(dataset, source, Window(0, y, grid.width, 1))
        shown = fitted.colours(fitted.apply(block.vectors()[:, 0, ::step]))
        rows.append(np.where(shown.any(axis=0), shown, 255).T)
    return np.stack(rows).astype(np.uint8)

"""Fuses embedding rasters that lie on one grid."""

from __future__ import annotations

from pathlib import Path
from typing import Sequence

import numpy as np

from ..analyses.models import save_model
from ..coding import FLOAT32
from ..dataset import RasterLayout
from ..errors import InputError
from ..field import KEY_ITEM, PROVENANCE_ITEM, SPACE_ITEM, Field, open_field
from ..field_pass import FieldBlock, FieldPass, RasterOutput, run_pass, scan, source_of
from ..grid import Window
from ..progress import Part, Progress
from ..provenance import merged, provenance_item
from .fitting import Ingredient, Sums, finite, fit_fusion, kind_of, require_dimensions
from .fusion import Fusion, load_fusion, part_names
from .request import FuseRequest, FuseResult, require_several


def fuse_rasters(paths: "Sequence[str]", request: FuseRequest, progress: Progress) -> FuseResult:
    """Fit or reuse a fusion and write the fused raster; a cell has a vector where all inputs have one."""
    require_several(len(paths))
    fields = [open_field(path) for path in paths]
    _require_one_grid(fields)
    for opened in fields:
        if not opened.space.declared:
            progress.warn(f"{opened.info.path} doesn't say what its embedding space is; it is used as undeclared.")
    names = part_names([opened.space.key() for opened in fields])
    ingredients = [Ingredient(name, opened.space.key(), len(opened.info.data_bands))
                   for name, opened in zip(names, fields)]
    fusion = _fusion(fields, ingredients, request, Part(progress, 0.0, 0.05 if request.reuse else 0.5))
    space = fusion.space(merged(*(opened.space.provenance for opened in fields)))
    about = {"inputs": [opened.info.path for opened in fields], "keys": [opened.key for opened in fields]}
    layout = RasterLayout(FLOAT32.dtype, FLOAT32.nodata, fusion.names())
    metadata = {SPACE_ITEM: space.canonical(), KEY_ITEM: space.key(),
                PROVENANCE_ITEM: provenance_item(space.provenance, about)}
    filled = [0]

    def count(window: Window, result: "Sequence[np.ndarray]") -> None:
        """Add up the cells with a vector."""
        filled[0] += int(result[0][0])

    run_pass(_pass(fields, fused_block, {"fusion": fusion}, (RasterOutput(request.output, layout, metadata),),
                   "Fusing", request), Part(progress, 0.05 if request.reuse else 0.5, 1.0), count)
    if request.model_out:
        save_model(request.model_out, fusion.to_model())
    return FuseResult(request.output, space, fusion.explained, filled[0])


def summed_block(blocks: "Sequence[FieldBlock]", window: Window, lengths: "Sequence[int]",
                 kind: str) -> "Sequence[Sums]":
    """Return the sums of a block's cells that have a vector in all fields."""
    sums = Sums(lengths, kind)
    for pieces in zip(*(block.chunks() for block in blocks)):
        vectors = [values for _, values in pieces]
        valid = finite(vectors)
        sums.add(vectors if valid.all() else [np.ascontiguousarray(values[:, valid]) for values in vectors])
    return [sums]


def fused_block(blocks: "Sequence[FieldBlock]", window: Window, fusion: Fusion) -> "Sequence[np.ndarray]":
    """Fuse a block; the count of its cells with a vector comes along."""
    found = np.empty((fusion.dimensions, window.height * window.width), dtype=np.float32)
    for pieces in zip(*(block.chunks() for block in blocks)):
        found[:, pieces[0][0]] = fusion.apply([values for _, values in pieces])
    valid = np.isfinite(found.sum(axis=0, dtype=np.float64))
    found[:, ~valid] = np.nan
    return [found.reshape(fusion.dimensions, window.height, window.width), np.array([valid.sum()])]


def _fusion(fields: "Sequence[Field]", ingredients: "Sequence[Ingredient]", request: FuseRequest,
            progress: Progress) -> Fusion:
    """Fit to all cells in one pass, or take what was saved."""
    if request.reuse:
        return load_fusion(request.reuse, [item.key for item in ingredients],
                           [opened.info.path for opened in fields])
    request.weights_for(len(ingredients))
    require_dimensions(request, ingredients)
    lengths = tuple(item.length for item in ingredients)
    kind = kind_of(request, sum(lengths))
    total = Sums(lengths, kind)

    def take(window: Window, result: "Sequence[Sums]") -> None:
        """Add a block's sums."""
        total.merge(result[0])

    scan(_pass(fields, summed_block, {"lengths": lengths, "kind": kind}, (), "Mean and spread of all cells", request),
         take, progress)
    return fit_fusion(ingredients, total, request)


def _pass(fields: "Sequence[Field]", function: object, parameters: "dict[str, object]",
          outputs: "tuple[RasterOutput, ...]", text: str, request: FuseRequest) -> FieldPass:
    """Return a pass over all fields."""
    first = fields[0].info
    return FieldPass(tuple(source_of(opened) for opened in fields), first.grid, function,  # type: ignore[arg-type]
                     parameters, outputs, first.block, text, memory_mib=request.memory_mib)


def _require_one_grid(fields: "Sequence[Field]") -> None:
    """Refuse fields whose cells don't lie on those of the first."""
    first = fields[0].info.grid
    for opened in fields[1:]:
        grid = opened.info.grid
        same = (grid.width, grid.height) == (first.width, first.height) and np.allclose(
            grid.transform, first.transform, rtol=1e-9, atol=abs(first.transform[1]) * 1e-3)
        if not same:
            raise InputError(
                "fuse-grid", "{path} ({width} × {height} cells) doesn't lie on the grid of {first} ({columns} × {rows} "
                "cells): align it first (Raster ▸ Align rasters), or fuse tables made by “Embed features”.",
                path=Path(opened.info.path).name, width=grid.width, height=grid.height,
                first=Path(fields[0].info.path).name, columns=first.width, rows=first.height)

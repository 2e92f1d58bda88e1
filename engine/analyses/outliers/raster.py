"""Scores the cells of an embedding raster by how unlike the others they are."""

from __future__ import annotations

import json
from typing import Sequence

import numpy as np

from ...dataset import RasterLayout
from ...field import PROVENANCE_ITEM, open_field
from ...field_pass import FieldBlock, FieldPass, RasterOutput, run_pass, source_of
from ...field_sample import sample_field
from ...grid import Window
from ...progress import Part, Progress
from .reference import Reference, fit_reference
from .request import OutlierRasterRequest, OutlierResult


def outlier_raster(request: OutlierRasterRequest, progress: Progress) -> OutlierResult:
    """Write a raster of scores."""
    choice = request.choice
    choice.check()
    opened = open_field(request.input)
    grid = opened.info.grid
    if not opened.space.declared:
        progress.warn(f"{opened.info.path} doesn't say what its embedding space is; it is used as undeclared.")
    sample = sample_field(opened, choice.sample, choice.seed, Part(progress, 0.0, 0.1))
    owners = sample.cells[:, 1].astype(np.int64) * grid.width + sample.cells[:, 0]
    reference = fit_reference(sample.vectors, owners, opened.space.metric, choice, opened.info.path,
                              Part(progress, 0.1, 0.2))
    about = {"analysis": "outliers", "method": choice.method, "metric": reference.metric,
             "compared": len(reference.vectors), "rank": reference.rank, "sample": len(sample.vectors),
             "seed": choice.seed}
    metadata = {"EARTHPRINT_RESULT": json.dumps(about, sort_keys=True),
                PROVENANCE_ITEM: json.dumps({"input": opened.info.path, "key": opened.key}, sort_keys=True)}
    layout = RasterLayout(np.dtype("f4"), float("nan"), ("outlier",))
    scored = 0

    def take(window: Window, extras: "Sequence[np.ndarray]") -> None:
        """Count scores."""
        nonlocal scored
        scored += int(extras[0][0])

    run_pass(FieldPass((source_of(opened),), grid, outlier_block, {"reference": reference, "width": grid.width},
                       (RasterOutput(request.output, layout, metadata),), opened.info.block, "Scoring",
                       memory_mib=request.memory_mib), Part(progress, 0.2, 1.0), take)
    return OutlierResult(request.output, scored, len(reference.vectors))


def outlier_block(blocks: "Sequence[FieldBlock]", window: Window, reference: Reference,
                  width: int) -> "Sequence[np.ndarray]":
    """Score a block, and count its scores."""
    found = np.empty(window.height * window.width, dtype=np.float32)
    rows, columns = np.divmod(np.arange(len(found)), window.width)
    places = (window.y + rows) * width + window.x + columns
    for part, values in blocks[0].chunks():
        found[part] = reference.scores(values, places[part])
    return [found.reshape(1, window.height, window.width), np.array([np.isfinite(found).sum()])]

"""A reduction fitted to a sample of vectors before the run."""

from __future__ import annotations

from dataclasses import replace
from typing import Sequence

import numpy as np

from ..card import Reduction
from ..encoders.encoder import Encoder
from ..errors import InputError
from ..grid import Window
from ..partial import PartialWork
from ..pipeline import Job, attend, run
from ..progress import Part, Progress
from ..reduction import fit_pca
from ..sample import spread
from .blocks import BlockEncoder, BlockReader, BlockVectors
from .plan import EmbedPlan, EmbedRequest
from .preparing import Prepared

SAMPLE_BLOCKS = 48
SAMPLE_VECTORS = 100_000


def with_reduction(prepared: Prepared, encoder: Encoder, request: EmbedRequest, work: PartialWork,
                   progress: Progress) -> EmbedPlan:
    """Fit a reduction where one is asked for; a resumed run takes what the first one fitted."""
    plan = prepared.plan
    if not request.dimensions or prepared.automatic or plan.card.reduction is not None:
        return plan
    if request.dimensions > plan.card.dimensions:
        raise InputError("pca-dimensions", "The vectors of {encoder} have {length} dimensions, so they can't be "
                         "reduced to {wanted}: ask for fewer.", encoder=plan.card.id, length=plan.card.dimensions,
                         wanted=request.dimensions)
    kept = [work.load_array(name) for name in ("mean", "components", "explained")]
    if any(array is None for array in kept):
        vectors = sample_vectors(plan, encoder, request.seed, Part(progress, 0.0, 0.8))
        fitted = attend(lambda: fit_pca(vectors, request.dimensions), progress)
        kept = [fitted.mean, fitted.components, np.array(fitted.explained)]
        for name, array in zip(("mean", "components", "explained"), kept):
            work.save_array(name, array)
    reduction = Reduction("pca", kept[0], kept[1], tuple(float(value) for value in kept[2]))
    progress.info(f"{request.dimensions} principal components hold {100 * sum(reduction.explained):.1f} % of the "
                  "variance of a sample.")
    return replace(plan, card=replace(plan.card, reduction=reduction))


def sample_vectors(plan: EmbedPlan, encoder: Encoder, seed: int, progress: Progress) -> np.ndarray:
    """Return vectors `(rows, dims)` of cells spread evenly over the raster."""
    side = max(1, min(64, plan.rows.tile_pixels // plan.rows.cell))
    windows = spread(plan.cells, side, SAMPLE_BLOCKS, seed)
    collected: "list[np.ndarray]" = []
    worker = BlockEncoder(replace(plan, cache_bytes=0), encoder)
    try:
        for attempt in (windows, _everywhere(plan, side)):
            job = Job(attempt, BlockReader(plan), worker.encode, _Collector(collected, seed), "Encoding a sample",
                      encoder.terminate)
            run(job, progress)
            if sum(map(len, collected)):
                return np.concatenate(collected)
    finally:
        worker.close()
    raise InputError("no-valid-cell", "No cell of {path} has enough valid pixels: check its nodata value, the mask, "
                     "and the least share of valid pixels.", path=plan.source.paths[0])


def _everywhere(plan: EmbedPlan, side: int) -> "Sequence[Window]":
    """Return a denser choice of windows for rasters where hardly anything is valid."""
    return spread(plan.cells, side, 16 * SAMPLE_BLOCKS, 0)


class _Collector:
    """Keeps some vectors of each sampled block."""

    def __init__(self, collected: "list[np.ndarray]", seed: int) -> None:
        """Keep the list to fill."""
        self._collected = collected
        self._chance = np.random.default_rng(seed)

    def write(self, block: Window, result: BlockVectors) -> None:
        """Keep at most an even share of the vectors wanted."""
        table = result.vectors.reshape(len(result.vectors), -1).T
        table = table[np.isfinite(table).all(axis=1)]
        most = SAMPLE_VECTORS // SAMPLE_BLOCKS
        if len(table) > most:
            table = table[self._chance.choice(len(table), most, replace=False)]
        if len(table):
            self._collected.append(np.ascontiguousarray(table))

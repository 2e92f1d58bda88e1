"""Predicts over an embedding raster: a prediction for every cell, how far to trust it, in one pass."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Optional, Sequence

import numpy as np

from ..dataset import RasterLayout, rasterised
from ..field import Field, open_field
from ..field_pass import FieldBlock, FieldPass, FieldSource, PassAccount, RasterOutput, run_pass, source_of
from ..grid import Grid, Window
from ..memory import peak_mib
from ..progress import Part, Progress
from ..provenance import added
from ..raster_legend import LegendEntry, write_legend
from .asking import Answers, answers_of, legend_of, tell_share
from .predictor import Predictor, open_predictor
from .request import PredictRasterRequest, PredictResult
from .stated_columns import stated_columns

_BYTE = 255


def predict_raster(request: PredictRasterRequest, progress: Progress) -> PredictResult:
    """Write the prediction raster."""
    name = Path(request.predictor).name
    predictor = open_predictor(request.predictor, progress)
    opened = open_field(request.path)
    predictor.require_space(opened.key, request.path)
    answers = answers_of(predictor.card, request.options, name, progress)
    stated = stated_columns(predictor.card.columns, request.values, name)
    grid = opened.info.grid
    region = grid.window_of(request.extent, request.path) if request.extent else grid.whole
    legend = legend_of(predictor.card)
    counts = np.zeros(2, dtype=np.int64)

    def take(window: Window, extras: "Sequence[np.ndarray]") -> None:
        """Add a block's counts."""
        counts[:] += extras[0]

    work = _pass(request, opened, region, predictor, answers, stated, legend)
    account = run_pass(work, Part(progress, 0.02, 1.0), take)
    write_legend(request.output, legend, answers.band_units)
    outside = int(counts[1]) if answers.wanted.applicability else -1
    _tell(account, progress)
    _tell_numbers(predictor, legend, progress)
    tell_share("cells", int(counts[0]), outside, name, progress)
    return PredictResult(request.output, int(counts[0]), outside, legend)


def predict_block(blocks: "Sequence[FieldBlock]", window: Window, predictor: Predictor, answers: Answers,
                  stated: np.ndarray, grid: Grid, mask: "Optional[tuple[bytes, ...]]",
                  dtype: np.dtype) -> "tuple[np.ndarray, np.ndarray]":
    """Return a block's answers `(bands, rows, cols)`, and how many cells were predicted and lie outside."""
    [block] = blocks
    size = window.width * window.height
    found = np.full((len(answers.names), size), 0 if dtype.kind == "u" else np.nan, dtype=dtype)
    outside = np.zeros(size, dtype=bool)
    ones = np.ones(block.source.dimensions, dtype=np.float32)
    known = np.zeros(size, dtype=bool)
    for part, vectors in block.chunks(chunk_size(block.source)):
        # A product adds up the dimensions faster than a sum does; a vector without a value gives NaN.
        there = np.isfinite(ones @ vectors)
        known[part] = there
        if not there.any():
            continue
        whole = bool(there.all())
        features = vectors if whole else np.ascontiguousarray(vectors[:, there])
        if len(stated):
            features = np.concatenate([features, np.repeat(stated[:, None], features.shape[1], axis=1)])
        predicted = predictor.predict(features, answers.wanted)
        place = part if whole else part.start + np.flatnonzero(there)
        for band, row in enumerate(answers.rows(predicted)):
            found[band, place] = row
        if predicted.applicable is not None:
            outside[place] = ~predicted.applicable
    if mask is not None:
        inside = rasterised(mask, grid.part(window)).ravel()
        known &= inside
        outside &= inside
    return found.reshape(-1, *block.shape), np.array([known.sum(), outside.sum()], dtype=np.int64)


def chunk_size(source: FieldSource) -> int:
    """Return how many pixels of so many dimensions stay in the processor's cache."""
    return max(512, min(8192, (1 << 19) // max(source.dimensions, 1)))


def _pass(request: PredictRasterRequest, opened: Field, region: Window, predictor: Predictor, answers: Answers,
          stated: np.ndarray, legend: "tuple[LegendEntry, ...]") -> FieldPass:
    """Return the pass that predicts."""
    layout = _layout(answers, legend)
    metadata = added({"EARTHPRINT_CONTENT": "prediction", "EARTHPRINT_PREDICTOR": _about(request, predictor, answers),
                      "EARTHPRINT_SPACE_OF_INPUT": opened.key}, predictor.card.provenance)
    parameters = {"predictor": predictor, "answers": answers, "stated": stated, "grid": opened.info.grid,
                  "mask": request.mask, "dtype": layout.dtype}
    return FieldPass((source_of(opened),), opened.info.grid, predict_block, parameters,
                     (RasterOutput(request.output, layout, metadata),), opened.info.block, "Predicting", region,
                     request.mask, memory_mib=request.memory_mib)


def _layout(answers: Answers, legend: "tuple[LegendEntry, ...]") -> RasterLayout:
    """Return the bands: classes alone are whole numbers with colours, everything else is float32.

    All bands of a GeoTIFF are of one type.
    """
    if not legend or len(answers.names) > 1:
        return RasterLayout(np.dtype("f4"), float("nan"), answers.names)
    largest = max(entry.value for entry in legend)
    return RasterLayout(np.dtype("u1") if largest <= _BYTE else np.dtype("u2"), 0.0, answers.names)


def _about(request: PredictRasterRequest, predictor: Predictor, answers: Answers) -> str:
    """Return what the raster says of how it was made."""
    card = predictor.card
    return json.dumps({"predictor": Path(request.predictor).name, "task": card.task, "model": card.kind,
                       "target": list(card.target.names), "space": card.space_key, "trained": card.created,
                       "interval": answers.wanted.interval, "values": request.values}, sort_keys=True)


def _tell(account: PassAccount, progress: Progress) -> None:
    """Give a short account."""
    progress.info(f"{account.blocks_read / max(account.seconds, 1e-3):.1f} blocks per second, peak memory "
                  f"{peak_mib():,.0f} MiB.")


def _tell_numbers(predictor: Predictor, legend: "tuple[LegendEntry, ...]", progress: Progress) -> None:
    """Say what numbers stand for classes whose own numbers a raster can't hold."""
    codes = predictor.card.target.codes
    if legend and codes != tuple(entry.value for entry in legend):
        progress.info("The numbers of the classes: "
                      + ", ".join(f"{entry.value} = {entry.name}" for entry in legend) + ".")

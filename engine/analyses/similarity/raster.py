"""Similarity on embedding rasters: a score for every cell, outlines of what is similar, the best places."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from functools import partial
from typing import Any, Optional, Sequence

import numpy as np
from osgeo import ogr

from ...centres import point_wkb
from ...dataset import RasterLayout
from ...errors import InputError
from ...field import PROVENANCE_ITEM, Field, how_to_state, open_field
from ...field_pass import FieldBlock, FieldPass, PassAccount, RasterOutput, run_pass, source_of
from ...field_sample import sample_field
from ...grid import Window
from ...pipeline import attend
from ...places import Place, top_places
from ...plain_layer import LayerWriter
from ...progress import Part, Progress
from ...table.parts import ColumnSpec
from ...vectorise import Areas, vectorise
from ...whole import whole
from .examples import ExampleVectors, vectors_of
from .exclusion import Exclusion, exclusion_around
from .methods import Material, Recipe, check_method, fit
from .request import SimilarityOptions, SimilarityRequest, SimilarityResult
from .scores import Scorer, score_block, standard_of
from .threshold import BEST, best_threshold, parse_threshold

_BAND = "similarity"


def find_similar(request: SimilarityRequest, progress: Progress) -> SimilarityResult:
    """Write the score raster and what else was asked for."""
    started = time.monotonic()
    options = request.options
    check_options(options, request.counterexamples is not None)
    opened = open_field(request.input)
    if not opened.space.declared:
        progress.warn(f"{opened.info.path} doesn't say what its embeddings are: its bands are taken as they are, so "
                      f"standardise them if they are raw. {how_to_state(opened)}")
    recipe, material, background = _material(opened, request, Part(progress, 0.0, 0.15))
    scorer = attend(partial(fit, recipe, material), progress)
    threshold = parse_threshold(options.threshold) if options.polygons else None
    if threshold == BEST:
        threshold = best_threshold(recipe, material, _required(background), progress)
    around = exclusion_around(material.examples.shapes, opened.info.grid, options.exclude)
    with ExitStack() as stack:
        scores = str(stack.enter_context(whole(request.output)))
        account = _score(opened, scorer, around, scores, request, Part(progress, 0.15, 0.7))
        polygons = places = 0
        if options.polygons and threshold is not None:
            areas = Areas(options.polygons, values=scores, threshold=float(threshold), value_name=_BAND,
                          provenance=opened.space.provenance)
            polygons = vectorise(areas, Part(progress, 0.7, 0.85))
        if options.places:
            found = top_places(scores, options.top, options.distance, Part(progress, 0.85, 1.0))
            places = _write_places(found, opened, options.places)
    _tell(account, polygons, places, threshold, options, progress)
    return SimilarityResult(request.output, None if threshold is None else float(threshold), polygons, places,
                            account.blocks_read, account.bytes_read, time.monotonic() - started)


def check_options(options: SimilarityOptions, with_counter: bool) -> None:
    """Refuse what can't be, before anything is read."""
    check_method(options.method, with_counter)
    if parse_threshold(options.threshold) is None and options.polygons:
        raise InputError("threshold-none", "POLYGONS are what scores above THRESHOLD, which is none: state a number, "
                         "or best.")


def _material(opened: Field, request: SimilarityRequest,
              progress: Progress) -> "tuple[Recipe, Material, Optional[np.ndarray]]":
    """Read examples and counter-examples, and a sample of the raster where the method needs one."""
    options = request.options
    examples = vectors_of(opened, request.examples, Part(progress, 0.0, 0.3))
    tell_single_place(examples, request.examples.name, progress)
    counter = None
    if request.counterexamples is not None:
        counter = vectors_of(opened, request.counterexamples, Part(progress, 0.3, 0.5))
    background = None
    best = bool(options.polygons) and parse_threshold(options.threshold) == BEST
    if options.standardise or best or options.method == "discriminative" and counter is None:
        sample = sample_field(opened, options.sample, options.seed, Part(progress, 0.5, 1.0))
        background = sample.vectors[sample.vectors.any(axis=1)]
        if not len(background):
            raise InputError("field-zero", "{path} holds only vectors of length zero in the places looked at: check "
                             "how it was made.", path=opened.info.path)
    standard = standard_of(background) if options.standardise and background is not None else None
    return Recipe(options.method, options.beta, standard), Material(examples, counter, background), background


def tell_single_place(examples: ExampleVectors, name: str, progress: Progress) -> None:
    """Warn where many examples are really one."""
    if len(examples.means) > 1 and examples.places < 2:
        progress.warn(f"All examples of {name} lie in one cell, so they count as one.")


def _required(background: Optional[np.ndarray]) -> np.ndarray:
    """Return the sample that was read."""
    if background is None:
        raise ValueError("a threshold needs a sample")
    return background


def _score(opened: Field, scorer: Scorer, around: Optional[Exclusion], output: str, request: SimilarityRequest,
           progress: Progress) -> PassAccount:
    """Score every block."""
    options = request.options
    about = {"analysis": "similarity", "method": options.method, "standardised": options.standardise,
             "range": "0..1" if options.method == "discriminative" else "-1..1", "exclude": options.exclude,
             "examples": request.examples.name}
    metadata = {"EARTHPRINT_RESULT": json.dumps(about, sort_keys=True), PROVENANCE_ITEM: json.dumps(
        {"input": opened.info.path, "key": opened.key}, sort_keys=True)}
    layout = RasterLayout(np.dtype("f4"), float("nan"), (_BAND,))
    work = FieldPass((source_of(opened),), opened.info.grid, _scored, {"scorer": scorer, "around": around},
                     (RasterOutput(output, layout, metadata),), opened.info.block, "Scoring",
                     memory_mib=request.memory_mib)
    return run_pass(work, progress)


def _scored(blocks: "Sequence[FieldBlock]", window: Window, **parameters: Any) -> "list[np.ndarray]":
    """Return a block's scores without what is left out around the examples."""
    found = score_block(blocks[0], parameters["scorer"])
    around: Optional[Exclusion] = parameters["around"]
    near = around.of_window(window) if around is not None else None
    if near is not None:
        found[near] = np.nan
    return [found[None]]


def _write_places(found: "Sequence[Place]", opened: Field, output: str) -> int:
    """Write places as points, the best first."""
    columns = [ColumnSpec("rank", "integer"), ColumnSpec(_BAND, "real")]
    with LayerWriter(output, opened.info.grid.wkt, ogr.wkbPoint, columns, opened.space.provenance) as writer:
        writer.write([point_wkb(place.x, place.y) for place in found],
                     {"rank": list(range(1, len(found) + 1)), _BAND: [place.score for place in found]})
    return len(found)


def _tell(account: PassAccount, polygons: int, places: int, threshold: Optional[float], options: SimilarityOptions,
          progress: Progress) -> None:
    """Give a short account."""
    rate = account.blocks_read / account.seconds if account.seconds else 0.0
    progress.info(f"Scored {account.blocks_read} blocks, {rate:.1f} a second.")
    if options.polygons:
        progress.info(f"{polygons} polygons score {threshold:.4f} or more.")
    if options.places and places < options.top:
        progress.warn(f"Only {places} of {options.top} places lie {options.distance:g} m apart on cells with a score.")

"""Similarity on embedding tables: a score for every row, the rows that are similar, the best places."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any, Optional

import numpy as np
from osgeo import ogr

from ...centres import centres_of, point_wkb
from ...errors import InputError
from ...geodesy import Ground, polygon_area
from ...pipeline import attend
from ...plain_layer import LayerWriter
from ...progress import Part, Progress, check
from ...registry import Registry
from ...space import parse_key, require_same
from ...table import CHUNK_ROWS, ColumnSpec, Table, TableChunk, TableWriter, warn_if_undeclared
from .examples import Examples, ExampleVectors, of_vectors
from .exclusion import outline
from .methods import Material, Recipe, fit
from .raster import check_options, tell_single_place
from .request import SimilarityOptions, SimilarityResult
from .rows import RowsUnder
from .scores import Scorer, score_vectors, standard_of
from .threshold import BEST, best_threshold, parse_threshold

SCORE = "similarity"


@dataclass(frozen=True)
class TableSimilarityRequest:
    """A search in an embedding table; shapes of the examples are in its CRS."""

    table: Table
    output: str
    examples: Examples
    counterexamples: Optional[Examples] = None
    options: SimilarityOptions = SimilarityOptions()
    registry: Optional[Registry] = None


@dataclass(frozen=True)
class _Scored:
    """Scores of all rows in order, NaN where there is none, and their middles in the table's CRS."""

    scores: np.ndarray
    centres: np.ndarray


def find_similar_rows(request: TableSimilarityRequest, progress: Progress) -> SimilarityResult:
    """Write the scored table and what else was asked for."""
    started = time.monotonic()
    options, table = request.options, request.table
    check_options(options, request.counterexamples is not None)
    warn_if_undeclared(table, progress)
    recipe, material, background = _material(request, Part(progress, 0.0, 0.3))
    scorer = attend(partial(fit, recipe, material), progress)
    threshold = parse_threshold(options.threshold) if options.polygons else None
    if threshold == BEST:
        threshold = best_threshold(recipe, material, background, progress)
    limit = None if threshold is None else float(threshold)
    anchors = _anchors(material.examples, table.wkt, options.exclude)
    with ExitStack() as stack:
        writer = stack.enter_context(_writer(request))
        outlines = stack.enter_context(_outlines(request)) if options.polygons else None
        scored = _score(request, scorer, anchors, writer, outlines, limit, Part(progress, 0.3, 0.9))
        places = _write_places(request, scored, Part(progress, 0.9, 1.0)) if options.places else 0
    polygons = outlines.count if outlines is not None else 0
    if limit is not None:
        progress.info(f"{polygons} of {len(scored.scores)} rows score {limit:.4f} or more.")
    return SimilarityResult(request.output, limit, polygons, places, 0, 0, time.monotonic() - started)


def _material(request: TableSimilarityRequest, progress: Progress) -> "tuple[Recipe, Material, np.ndarray]":
    """Find the examples, and an even sample of the rows."""
    table, options = request.table, request.options
    dimensions = parse_key(table.space_key).dimensions
    both = [request.examples, request.counterexamples]
    finders = [RowsUnder(one, table.wkt, dimensions) if one is not None and one.vectors is None else None
               for one in both]
    every = max(1, -(-table.count // options.sample))
    sampled, row = [], 0
    needed = any(finders) or options.standardise or options.polygons or options.method == "discriminative"
    for chunk in table.chunks() if needed else ():
        check(progress)
        progress.report(row / table.count, "Reading the table" if not row else None)
        turn = (row + np.arange(len(chunk.vectors))) % every == 0
        sampled.append(chunk.vectors[turn & chunk.vectors.any(axis=1)])
        if any(finders):
            centres = centres_of(chunk.wkb)
            for finder in finders:
                if finder is not None:
                    finder.take(chunk, centres)
        row += len(chunk.vectors)
    examples, counter = [
        None if one is None else _found(one, finder, table, dimensions, progress) for one, finder in zip(both, finders)]
    if examples is None:
        raise ValueError("no examples")
    tell_single_place(examples, request.examples.name, progress)
    background = np.concatenate(sampled) if sampled else np.empty((0, dimensions), dtype=np.float32)
    if needed and not len(background):
        raise InputError("table-zero", "{name} holds only vectors of length zero: check how it was made.",
                         name=table.name)
    standard = standard_of(background) if options.standardise else None
    return Recipe(options.method, options.beta, standard), Material(examples, counter, background), background


def _found(examples: Examples, finder: Optional[RowsUnder], table: Table, dimensions: int,
           progress: Progress) -> ExampleVectors:
    """Return examples from rows that were found, or from vectors that were given."""
    if finder is not None:
        return finder.gathered(table.name, progress)
    require_same(examples.key, examples.name, table.space_key, table.name)
    return of_vectors(examples, dimensions)


def _anchors(examples: ExampleVectors, wkt: str, metres: float) -> Optional[np.ndarray]:
    """Return the places around which rows are left out."""
    if metres <= 0 or not examples.shapes:
        return None
    shapes = [ogr.CreateGeometryFromWkb(shape) for shape in examples.shapes]
    spans = [max(box[1] - box[0], box[3] - box[2]) for box in (shape.GetEnvelope() for shape in shapes)]
    points = [line for shape, span in zip(shapes, spans) for line in outline(shape, span / 16 or 1.0)]
    points.append(centres_of(examples.shapes))
    return Ground(wkt).places(np.concatenate(points))


def _writer(request: TableSimilarityRequest) -> TableWriter:
    """Return the writer of the table; a score of an earlier run makes room."""
    table = request.table
    columns = [column for column in table.columns if column.name.lower() != SCORE]
    return TableWriter(request.output, table.wkt, table.geometry_type, [*columns, ColumnSpec(SCORE, "real")],
                       table.identity(), registry=request.registry)


def _outlines(request: TableSimilarityRequest) -> LayerWriter:
    """Return the writer of the similar rows."""
    kind = "text" if _text_ids(request.table) else "integer64"
    return LayerWriter(request.options.polygons, request.table.wkt, request.table.geometry_type,
                       [ColumnSpec("source_id", kind), ColumnSpec("area", "real"), ColumnSpec(SCORE, "real")],
                       request.table.identity().provenance)


def _text_ids(table: Table) -> bool:
    """Tell whether rows are named by texts."""
    first = next(iter(table.chunks(1)), None)
    return first is not None and isinstance(first.ids[0], str)


def _score(request: TableSimilarityRequest, scorer: Scorer, anchors: Optional[np.ndarray], writer: TableWriter,
           outlines: Optional[LayerWriter], limit: Optional[float], progress: Progress) -> _Scored:
    """Score and write all rows."""
    table = request.table
    ground = Ground(table.wkt)
    all_scores, all_centres, row = [], [], 0
    for chunk in table.chunks(CHUNK_ROWS):
        check(progress)
        progress.report(row / max(1, table.count), "Scoring" if not row else None)
        scores = score_vectors(chunk.vectors, scorer).astype(np.float64)
        centres = centres_of(chunk.wkb) if anchors is not None or request.options.places else np.empty((0, 2))
        if anchors is not None:
            near, _ = ground.near(ground.places(centres), anchors, float(np.nextafter(request.options.exclude, np.inf)))
            scores[near] = np.nan
        columns: "dict[str, Any]" = {name: values for name, values in chunk.columns.items() if name.lower() != SCORE}
        columns[SCORE] = scores
        writer.write(chunk.wkb, columns, chunk.vectors)
        if outlines is not None and limit is not None:
            _write_similar(chunk, scores, limit, table.wkt, outlines)
        all_scores.append(scores)
        all_centres.append(centres)
        row += len(scores)
    return _Scored(np.concatenate(all_scores), np.concatenate(all_centres))


def _write_similar(chunk: TableChunk, scores: np.ndarray, limit: float, wkt: str, outlines: LayerWriter) -> None:
    """Write the rows that reach the threshold."""
    with np.errstate(invalid="ignore"):
        rows = np.flatnonzero(scores >= limit).tolist()
    shapes = [chunk.wkb[row] for row in rows]
    outlines.write(shapes, {"source_id": [_plain(chunk.ids[row]) for row in rows], SCORE: scores[rows],
                            "area": [polygon_area(shape, wkt) for shape in shapes]})


def _plain(value: Any) -> Any:
    """Return an id as Python's own."""
    return value.item() if isinstance(value, np.generic) else value


def _write_places(request: TableSimilarityRequest, scored: _Scored, progress: Progress) -> int:
    """Write the best rows as points, no two nearer than the distance."""
    options, ground = request.options, Ground(request.table.wkt)
    usable = np.isfinite(scored.scores) & np.isfinite(scored.centres).all(axis=1)
    order = np.flatnonzero(usable)
    order = order[np.argsort(-scored.scores[order], kind="stable")]
    places = ground.places(scored.centres)
    found: "list[int]" = []
    for row in order.tolist():
        check(progress)
        if len(found) == options.top:
            break
        if options.distance <= 0 or not found or not bool(
                (ground.distance(places[found], places[row]) < options.distance).any()):
            found.append(row)
    columns = [ColumnSpec("rank", "integer"), ColumnSpec(SCORE, "real")]
    provenance = request.table.identity().provenance
    with LayerWriter(options.places, request.table.wkt, ogr.wkbPoint, columns, provenance) as writer:
        writer.write([point_wkb(*scored.centres[row]) for row in found],
                     {"rank": list(range(1, len(found) + 1)), SCORE: scored.scores[found]})
    if len(found) < options.top:
        progress.warn(f"Only {len(found)} of {options.top} places lie {options.distance:g} m apart and have a score.")
    return len(found)

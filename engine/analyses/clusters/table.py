"""Groups the rows of a table: fits on a sample, or on all rows where only neighbours join, and writes `cluster`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Dict, List, Optional, Sequence

import numpy as np
from osgeo import ogr

from ...centres import centres_of
from ...errors import InputError
from ...geodesy import polygon_area
from ...progress import Part, Progress, check
from ...registry import Registry
from ...table import ColumnSpec, Table, TableChunk, TableWriter, warn_if_undeclared
from ..models import save_model
from .fitting import ClusterFit, fit_clusters, sample_size
from .model import ClusterModel, load_clusters
from .neighbours import find_neighbours
from .report import ReportInput, write_report
from .request import ClusterResult, ClusterTableRequest
from .summary import SummaryRow, require_places, summarise, write_summary
from .tally import NEAREST, PLACE, Tally, tally_block
from .thumbnail import point_thumbnail

CLUSTER = "cluster"
# Other draws from the same seed shall not go along with the sample's.
_SAMPLE_STREAM = 1
_AREAL = (ogr.wkbPolygon, ogr.wkbMultiPolygon, ogr.wkbCurvePolygon, ogr.wkbMultiSurface)


@dataclass
class _Rows:
    """Vectors of some rows, which rows they are, and the shapes of all where they are wanted."""

    vectors: np.ndarray
    rows: np.ndarray
    shapes: "List[Optional[bytes]]"
    total: int


@dataclass
class _Written:
    """What is gathered while rows are written."""

    tally: Tally
    centres: "List[np.ndarray]"
    classes: "List[np.ndarray]"
    medoids: "List[str]"


def cluster_table(table: Table, request: ClusterTableRequest, progress: Progress,
                  registry: Optional[Registry] = None) -> ClusterResult:
    """Write the table with its clusters, and what was asked for beside it."""
    require_places(request.extras)
    warn_if_undeclared(table, progress)
    notes: "List[str]" = []
    fit: Optional[ClusterFit] = None
    given = np.empty(0, dtype=np.int64)
    if request.reuse:
        model, saved = load_clusters(request.reuse)
        saved.require_space(table.space_key, table.name)
    else:
        chosen = _chosen(table, request, Part(progress, 0.0, 0.2))
        fit = _fit(table, request, chosen, notes, Part(progress, 0.2, 0.6))
        model = fit.model
        given = np.zeros(chosen.total, dtype=np.int64)
        # Rows that were fitted keep what the fit found; the rule of the model speaks for the others.
        given[chosen.rows] = fit.classes
    written = _write(table, request, model, given, Part(progress, 0.6, 0.95), registry)
    places = np.array([written.centres[0][row] if row >= 0 else (np.nan, np.nan)
                       for row in written.tally.places[:, 0].tolist()]).reshape(-1, 2)
    rows = [replace(row, area_m2=row.area_m2 if _areal(table) else None)
            for row in summarise(model, written.tally, places, written.medoids)]
    _write_extras(table, request, rows, ReportInput(
        model, rows, point_thumbnail(written.centres[0], written.classes[0], model.classes), fit, "rows",
        request.reuse, tuple(notes)))
    progress.report(1.0)
    return ClusterResult(request.output, model.clusters, model.classes, int(written.tally.counts.sum()))


def _write_extras(table: Table, request: ClusterTableRequest, rows: "Sequence[SummaryRow]", told: ReportInput) -> None:
    """Write what was asked for beside the table."""
    if request.extras.summary:
        write_summary(request.extras.summary, table.wkt, rows, table.identity().provenance)
    if request.extras.model:
        save_model(request.extras.model, told.model.fitted(table.identity()))
    if request.extras.report:
        write_report(request.extras.report, told)


def _chosen(table: Table, request: ClusterTableRequest, progress: Progress) -> _Rows:
    """Read the vectors to fit: an even random sample, or all where every row has to be merged itself."""
    everything = request.choice.neighbours_only
    most = 2**62 if everything else sample_size(request.choice)
    chance = np.random.default_rng((request.choice.seed, _SAMPLE_STREAM))
    vectors: "List[np.ndarray]" = []
    rows: "List[np.ndarray]" = []
    keys: "List[np.ndarray]" = []
    shapes: "List[Optional[bytes]]" = []
    held = total = 0
    for chunk in table.chunks():
        check(progress)
        progress.report(min(1.0, total / max(table.count, 1)), "Reading a sample")
        vectors.append(chunk.vectors)
        rows.append(np.arange(total, total + len(chunk.vectors)))
        keys.append(chance.random(len(chunk.vectors)))
        total += len(chunk.vectors)
        held += len(chunk.vectors)
        if everything:
            shapes += chunk.wkb
        if held > 2 * most:
            # The rows of the smallest keys so far: a sample without knowing beforehand how many rows there are.
            kept = np.sort(np.argpartition(np.concatenate(keys), most)[:most])
            vectors, rows, keys = ([np.concatenate(parts)[kept]] for parts in (vectors, rows, keys))
            held = most
    if not total:
        raise InputError("table-empty", "{name} has no rows: check its filter and selection.", name=table.name)
    all_vectors, all_rows, all_keys = np.concatenate(vectors), np.concatenate(rows), np.concatenate(keys)
    if len(all_rows) > most:
        kept = np.sort(np.argpartition(all_keys, most)[:most])
        all_vectors, all_rows = all_vectors[kept], all_rows[kept]
    return _Rows(all_vectors, all_rows, shapes, total)


def _fit(table: Table, request: ClusterTableRequest, chosen: _Rows, notes: "List[str]",
         progress: Progress) -> ClusterFit:
    """Fit, among neighbours only where asked."""
    choice = request.choice
    if choice.neighbours_only and choice.method != "agglomerative":
        raise InputError("clusters-neighbours", "NEIGHBOURS_ONLY works with METHOD agglomerative alone: choose that, "
                         "or switch it off.")
    if choice.method == "agglomerative" and len(chosen.rows) < chosen.total:
        notes.append(f"{len(chosen.rows):,} of the {chosen.total:,} rows were merged step by step; the others belong "
                     "to the cluster with the nearest centre. Raise SAMPLE to merge more, which takes memory by its "
                     "square.")
    neighbours = None
    if choice.neighbours_only:
        progress.report(0.0, "Looking which rows are neighbours")
        neighbours = find_neighbours(chosen.shapes, table.wkt, table.name, progress)
        if len(neighbours.bridges):
            notes.append(f"Some rows touch none of the others; {len(neighbours.bridges):,} links to the nearest other "
                         "ones were added, across which clusters may reach.")
    for note in notes:
        progress.warn(note)
    return fit_clusters(chosen.vectors, choice, progress, neighbours)


def _write(table: Table, request: ClusterTableRequest, model: ClusterModel, given: np.ndarray, progress: Progress,
           registry: Optional[Registry]) -> _Written:
    """Assign chunk by chunk and write all rows in order."""
    renamed = _renamed(table, progress)
    columns = [ColumnSpec(renamed.get(column.name, column.name), column.type) for column in table.columns]
    columns.append(ColumnSpec(CLUSTER, "integer"))
    written = _Written(Tally.empty(model.numbers), [], [], [""] * model.numbers)
    start = 0
    with TableWriter(request.output, table.wkt, table.geometry_type, columns, table.identity(),
                     registry=registry) as writer:
        for chunk in table.chunks():
            check(progress)
            progress.report(start / max(table.count, 1), "Assigning clusters")
            classes, distances = _classes(model, chunk, given[start:start + len(chunk.vectors)])
            values: "Dict[str, Any]" = {renamed.get(name, name): cells for name, cells in chunk.columns.items()}
            values[CLUSTER] = [int(number) or None for number in classes]
            writer.write(chunk.wkb, values, chunk.vectors)
            _count(table, chunk, classes, distances, start, written)
            start += len(chunk.vectors)
    written.centres = [np.concatenate(written.centres)]
    written.classes = [np.concatenate(written.classes)]
    return written


def _classes(model: ClusterModel, chunk: TableChunk, given: np.ndarray) -> "tuple[np.ndarray, np.ndarray]":
    """Return the classes of rows and their distances to the centres; what a fit gave holds."""
    classes, distances = model.assign_rows(chunk.vectors)
    changed = np.flatnonzero((given > 0) & (given != classes)) if len(given) else np.empty(0, dtype=np.int64)
    if len(changed):
        classes[changed] = given[changed]
        distances[changed] = model.distances_of(chunk.vectors[changed], given[changed])
    return classes, distances


def _count(table: Table, chunk: TableChunk, classes: np.ndarray, distances: np.ndarray, start: int,
           written: _Written) -> None:
    """Add rows to the counts."""
    areas = np.zeros(len(classes))
    if _areal(table):
        areas = np.nan_to_num([polygon_area(shape, table.wkt) for shape in chunk.wkb])
    block = tally_block(classes, distances, areas, len(written.medoids))
    nearer = block[NEAREST] < written.tally.table[NEAREST]
    for index in np.flatnonzero(nearer):
        written.medoids[index] = str(chunk.ids[int(block[PLACE, index])])
    written.tally.add(block, [(start + int(place), 0) for place in block[PLACE]])
    written.centres.append(centres_of(chunk.wkb))
    written.classes.append(classes)


def _areal(table: Table) -> bool:
    """Tell whether rows are polygons."""
    return ogr.GT_Flatten(table.geometry_type) in _AREAL


def _renamed(table: Table, progress: Progress) -> "Dict[str, str]":
    """Return a new name for the input's own column `cluster`, where it has one."""
    taken = {column.name.lower() for column in table.columns}
    own = next((column.name for column in table.columns if column.name.lower() == CLUSTER), None)
    if own is None:
        return {}
    number = 1
    while f"{CLUSTER}_{number}" in taken:
        number += 1
    progress.info(f"The column “{own}” of {table.name} is kept as “{CLUSTER}_{number}”.")
    return {own: f"{CLUSTER}_{number}"}

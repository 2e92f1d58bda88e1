"""Reduces an embedding table to fewer dimensions, or gives each row a colour."""

from __future__ import annotations

from typing import Optional

import numpy as np

from ...errors import InputError
from ...progress import Part, Progress, check
from ...registry import Registry
from ...space import Space, SpaceKey
from ...table import ColumnSpec, Table, TableWriter
from ...table.parts import warn_if_undeclared
from ..models import load_model, save_model
from .fitted import KIND, PCA, Projection, from_model, principal_components, to_model
from .manifold import fit_umap
from .moments import Moments
from .reporting import write_report
from .request import UMAP_SAMPLE, ReduceRequest, ReduceResult

COLOUR = "colour"
STRETCH_SAMPLE = 50_000


def reduce_table(table: Table, request: ReduceRequest, progress: Progress,
                 registry: Optional[Registry] = None) -> ReduceResult:
    """Fit or reuse a reduction and write the table with reduced vectors, or with the colours of a picture."""
    request.check()
    warn_if_undeclared(table, progress)
    fitted = _fit(table, request, Part(progress, 0.0, 0.5))
    identity = table.identity()
    columns = [column for column in table.columns if column.name != COLOUR]
    if request.picture:
        columns.append(ColumnSpec(COLOUR, "text"))
        written: "Space | SpaceKey" = identity
    else:
        written = fitted.space(identity if isinstance(identity, Space) else _bare(identity))
    done = 0
    with TableWriter(request.output, table.wkt, table.geometry_type, columns, written, registry=registry) as writer:
        for chunk in table.chunks():
            check(progress)
            reduced = fitted.apply(chunk.vectors.T)
            values = {column.name: chunk.columns[column.name] for column in columns if column.name in chunk.columns}
            if request.picture:
                values[COLOUR] = ["#{:02x}{:02x}{:02x}".format(*pixel) for pixel in fitted.colours(reduced).T]
            writer.write(chunk.wkb, values, chunk.vectors if request.picture else np.ascontiguousarray(reduced.T))
            done += len(chunk.ids)
            progress.report(0.5 + 0.45 * done / max(table.count, 1), "Reducing" if done == len(chunk.ids) else None)
    if request.model_out:
        save_model(request.model_out, to_model(fitted, identity))
    if request.report:
        write_report(request.report, table.name, table.space_key, fitted, request)
    progress.report(1.0)
    return ReduceResult(request.output, 3 if request.picture else fitted.dimensions, fitted.explained,
                        request.model_out or None, request.report or None)


def _bare(key: SpaceKey) -> Space:
    """Return a space that stands for a key whose description is nowhere to be found."""
    return Space(encoder=key.name, dimensions=key.dimensions, metric=key.metric, unit_norm=key.unit_norm,
                 declared=key.declared)


def _fit(table: Table, request: ReduceRequest, progress: Progress) -> Projection:
    """Fit to all rows (principal components) or to a sample, or take what was saved."""
    if request.reuse:
        model = load_model(request.reuse, [KIND])
        model.require_space(table.space_key, table.name)
        return from_model(model, next(len(chunk.vectors.T) for chunk in table.chunks()))
    if not table.count:
        raise InputError("table-empty", "{name} has no rows: choose a table with some.", name=table.name)
    sample = _sample(table, STRETCH_SAMPLE if request.method == PCA else min(request.sample, UMAP_SAMPLE),
                     request.seed, Part(progress, 0.0, 0.3))
    if request.method != PCA:
        return fit_umap(sample, request.dimensions, request.seed, Part(progress, 0.3, 1.0))
    moments = Moments(sample.mean(axis=0, dtype=np.float64))
    for chunk in table.chunks():
        check(progress)
        moments.add_vectors(chunk.vectors)
    progress.report(1.0)
    return principal_components(moments.mean, moments.covariance, moments.count, request.dimensions, sample)


def _sample(table: Table, wanted: int, seed: int, progress: Progress) -> np.ndarray:
    """Return vectors of rows chosen by chance, in their order."""
    chosen = np.arange(table.count)
    if len(chosen) > wanted:
        chosen = np.sort(np.random.default_rng(seed).choice(len(chosen), wanted, replace=False))
    found, start = [], 0
    for chunk in table.chunks():
        check(progress)
        rows = chosen[(chosen >= start) & (chosen < start + len(chunk.ids))] - start
        found.append(chunk.vectors[rows])
        start += len(chunk.ids)
        progress.report(start / max(table.count, 1), "Reading the table" if start == len(chunk.ids) else None)
    return np.concatenate(found)

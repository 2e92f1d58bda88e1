"""Reduces an embedding table to fewer dimensions, or gives each row a colour."""

from __future__ import annotations

from typing import Optional

import numpy as np

from ...progress import Part, Progress, check
from ...registry import Registry
from ...space import Space, SpaceKey, parse_key
from ...table import ColumnSpec, Identity, Table, TableWriter, warn_if_undeclared
from ...table_sample import sample_table
from ..models import save_model
from .components import Components, principal_components, require_dimensions
from .fitted import PCA, Projection, colours, reduced_space
from .manifold import fit_umap
from .moments import Moments
from .reporting import tell_explained, write_report
from .request import STRETCH_SAMPLE, ReduceRequest, ReduceResult
from .saved import load_reduction, to_model

COLOUR = "colour"


def reduce_table(table: Table, request: ReduceRequest, progress: Progress,
                 registry: Optional[Registry] = None) -> ReduceResult:
    """Fit or reuse a reduction and write the table with reduced vectors, or with the colours of a picture."""
    request.check()
    warn_if_undeclared(table, progress)
    fitted = _fit(table, request, Part(progress, 0.0, 0.5))
    _write(table, fitted, request, Part(progress, 0.5, 0.97), registry)
    if request.model_out:
        save_model(request.model_out, to_model(fitted, table.identity()))
    if request.report:
        write_report(request.report, table.name, table.space_key, fitted, request)
    tell_explained(fitted, request, progress)
    progress.report(1.0)
    return ReduceResult(request.output, fitted.dimensions, fitted.explained)


def _write(table: Table, fitted: Projection, request: ReduceRequest, progress: Progress,
           registry: Optional[Registry]) -> None:
    """Write all rows; a picture keeps the vectors and adds the column of colours."""
    columns = table.columns
    identity: Identity = table.identity()
    if request.picture:
        columns = [*(column for column in columns if column.name.lower() != COLOUR), ColumnSpec(COLOUR, "text")]
    else:
        identity = reduced_space(fitted, identity if isinstance(identity, Space) else _bare(identity))
    done = 0
    with TableWriter(request.output, table.wkt, table.geometry_type, columns, identity, registry=registry) as writer:
        for chunk in table.chunks():
            check(progress)
            progress.report(done / max(table.count, 1), "Reducing" if not done else None)
            reduced = fitted.apply(chunk.vectors.T)
            values = dict(chunk.columns)
            if request.picture:
                values[COLOUR] = [_hexadecimal(pixel) for pixel in colours(fitted, reduced).T]
            writer.write(chunk.wkb, values, chunk.vectors if request.picture else np.ascontiguousarray(reduced.T))
            done += len(chunk.vectors)


def _hexadecimal(pixel: np.ndarray) -> Optional[str]:
    """Return a colour as QGIS and the web write it, or None for a row without one."""
    return "#{:02x}{:02x}{:02x}".format(*pixel.tolist()) if pixel.any() else None


def _bare(key: SpaceKey) -> Space:
    """Return a space that stands for a key whose description is nowhere to be found."""
    return Space(encoder=key.name, dimensions=key.dimensions, metric=key.metric, unit_norm=key.unit_norm,
                 declared=key.declared, provenance=key.provenance)


def _fit(table: Table, request: ReduceRequest, progress: Progress) -> Projection:
    """Fit to all rows (principal components) or to a sample, or take what was saved."""
    key = parse_key(table.space_key)
    if request.reuse:
        return load_reduction(request.reuse, table.space_key, table.name, key.dimensions)
    if request.method == PCA:
        require_dimensions(request.dimensions, key.dimensions, table.name)
        return _components(table, request, progress)
    sample = sample_table(table, request.sample, request.seed, Part(progress, 0.0, 0.3)).vectors
    return fit_umap(sample, request.dimensions, key.metric, request.seed, Part(progress, 0.3, 1.0))


def _components(table: Table, request: ReduceRequest, progress: Progress) -> Components:
    """Fit principal components to all rows."""
    moments = Moments(parse_key(table.space_key).dimensions)
    chance = np.random.default_rng(request.seed)
    share = STRETCH_SAMPLE / max(table.count, 1)
    sampled, done = [], 0
    for chunk in table.chunks():
        check(progress)
        progress.report(done / max(table.count, 1), "Principal components of all rows" if not done else None)
        moments.add(chunk.vectors.T)
        sampled.append(chunk.vectors[chance.random(len(chunk.vectors)) < share])
        done += len(chunk.vectors)
    return principal_components(moments, request.dimensions, np.concatenate(sampled).T, table.name)

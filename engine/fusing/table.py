"""Fuses embedding tables whose rows stand for the same places."""

from __future__ import annotations

from typing import Optional, Sequence

import numpy as np

from ..analyses.models import save_model
from ..progress import Part, Progress, check
from ..provenance import merged
from ..registry import Registry
from ..space import Space
from ..table import CHUNK_ROWS, Table, TableWriter, key_text, warn_if_undeclared
from .fitting import Ingredient, Sums, finite, fit_fusion, kind_of, require_dimensions
from .fusion import Fusion, load_fusion, part_names
from .matching import Match, match_of
from .request import FuseRequest, FuseResult, require_several


def fuse_tables(tables: "Sequence[Table]", key: str, request: FuseRequest, progress: Progress,
                registry: Optional[Registry] = None) -> FuseResult:
    """Fit or reuse a fusion and write what the tables have in common with fused vectors.

    These are the first table's rows, but for those without a partner, or the pieces of all tables' polygons.
    """
    require_several(len(tables))
    for table in tables:
        warn_if_undeclared(table, progress)
    identities = [table.identity() for table in tables]
    keys = [key_text(identity, "f4") for identity in identities]
    ingredients = [Ingredient(name, text, identity.dimensions)
                   for name, text, identity in zip(part_names(keys), keys, identities)]
    reading = Part(progress, 0.0, 0.3)
    with match_of(tables, key, request, reading) as match:
        progress.info(match.words)
        fusion = _fusion(tables, match, ingredients, request, Part(progress, 0.3, 0.6))
        space = fusion.space(merged(*(identity.provenance for identity in identities)))
        rows = _write(tables[0].wkt, match, fusion, space, request, registry, Part(progress, 0.6, 0.98))
        match.tell(progress)
        left_out = match.left_out
    if request.model_out:
        save_model(request.model_out, fusion.to_model())
    progress.report(1.0)
    return FuseResult(request.output, space, fusion.explained, rows, left_out)


def _fusion(tables: "Sequence[Table]", match: Match, ingredients: "Sequence[Ingredient]", request: FuseRequest,
            progress: Progress) -> Fusion:
    """Fit to all rows that have all their partners, or take what was saved."""
    if request.reuse:
        return load_fusion(request.reuse, [item.key for item in ingredients], [table.name for table in tables])
    request.weights_for(len(ingredients))
    require_dimensions(request, ingredients)
    lengths = tuple(item.length for item in ingredients)
    sums = Sums(lengths, kind_of(request, sum(lengths)))
    done = 0
    for chunk, _, vectors in match.matched(CHUNK_ROWS):
        check(progress)
        progress.report(done / max(match.count, 1), "Mean and spread of all rows" if not done else None)
        complete = finite(vectors)
        sums.add(vectors if complete.all() else [values[:, complete] for values in vectors])
        done += len(chunk.wkb)
    match.require_matches()
    return fit_fusion(ingredients, sums, request)


def _write(wkt: str, match: Match, fusion: Fusion, space: Space, request: FuseRequest,
           registry: Optional[Registry], progress: Progress) -> int:
    """Write the rows that have partners, and return how many; a part that a row lacks counts as that part's mean."""
    done = 0
    with TableWriter(request.output, wkt, match.geometry_type, match.columns, space, registry=registry) as writer:
        for chunk, kept, vectors in match.matched(CHUNK_ROWS):
            check(progress)
            progress.report(done / max(match.count, 1), "Fusing" if not done else None)
            rows = np.flatnonzero(kept)
            if len(rows):
                writer.write([chunk.wkb[row] for row in rows],
                             {name: [values[row] for row in rows] for name, values in chunk.columns.items()},
                             np.ascontiguousarray(fusion.apply(fusion.completed(vectors)).T))
            done += len(kept)
        match.require_matches()
        return writer.count

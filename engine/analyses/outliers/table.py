"""Scores the rows of an embedding table by how unlike the others they are."""

from __future__ import annotations

from typing import Optional

import numpy as np

from ...progress import Part, Progress, check
from ...registry import Registry
from ...space import parse_key
from ...table import ColumnSpec, Table, TableWriter, warn_if_undeclared
from ...table_sample import sample_table
from .reference import fit_reference
from .request import OutlierResult, OutlierTableRequest

SCORE = "outlier"


def outlier_table(table: Table, request: OutlierTableRequest, progress: Progress,
                  registry: Optional[Registry] = None) -> OutlierResult:
    """Write the table with a column of scores; one of an earlier run makes room."""
    choice = request.choice
    choice.check()
    warn_if_undeclared(table, progress)
    sample = sample_table(table, choice.sample, choice.seed, Part(progress, 0.0, 0.1))
    reference = fit_reference(sample.vectors, sample.rows, parse_key(table.space_key).metric, choice, table.name,
                              Part(progress, 0.1, 0.3))
    rest = Part(progress, 0.3, 1.0)
    columns = [column for column in table.columns if column.name.lower() != SCORE]
    done = scored = 0
    with TableWriter(request.output, table.wkt, table.geometry_type, [*columns, ColumnSpec(SCORE, "real")],
                     table.identity(), registry=registry) as writer:
        for chunk in table.chunks():
            check(progress)
            rest.report(done / max(table.count, 1), "Scoring" if not done else None)
            scores = reference.scores(np.ascontiguousarray(chunk.vectors.T),
                                      np.arange(done, done + len(chunk.vectors))).astype(np.float64)
            values = {name: column for name, column in chunk.columns.items() if name.lower() != SCORE}
            writer.write(chunk.wkb, {**values, SCORE: scores}, chunk.vectors)
            done += len(chunk.vectors)
            scored += int(np.isfinite(scores).sum())
    progress.report(1.0)
    return OutlierResult(request.output, scored, len(reference.vectors))

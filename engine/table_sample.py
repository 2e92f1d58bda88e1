"""A sample of a table's vectors, with the rows they come from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .progress import Progress, check
from .table import Table


@dataclass(frozen=True)
class TableSample:
    """Vectors `(rows, dims)` and the places of their rows in the table, counted from 0."""

    vectors: np.ndarray
    rows: np.ndarray


def sample_table(table: Table, count: int, seed: int, progress: Progress) -> TableSample:
    """Return vectors of rows chosen by chance, in their order; all where there are no more than `count`."""
    chosen = np.arange(table.count)
    if len(chosen) > count:
        chosen = np.sort(np.random.default_rng(seed).choice(len(chosen), count, replace=False))
    found, rows, start = [], [], 0
    for chunk in table.chunks():
        check(progress)
        length = len(chunk.vectors)
        here = chosen[(chosen >= start) & (chosen < start + length)]
        found.append(chunk.vectors[here - start])
        rows.append(here)
        progress.report(start / max(table.count, 1), "Reading the table" if not start else None)
        start += length
    return TableSample(np.concatenate(found), np.concatenate(rows))

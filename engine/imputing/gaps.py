"""Finds the cells of a column that hold nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List

import numpy as np

from ..errors import InputError
from ..progress import Progress, check
from ..table import ColumnSpec
from ..training.columns import NUMERIC_TYPES, level_of
from ..training.gathering import GatherRequest
from ..training.gathering.labels import fields_of
from .request import AUTOMATIC, CLASSES, KINDS, NUMBERS, ImputeRequest


@dataclass(frozen=True)
class Gaps:
    """A column to fill: which of its cells are empty, whether it holds classes, and whether a known one is negative."""

    column: ColumnSpec
    empty: np.ndarray
    classes: bool
    negative: bool

    @property
    def count(self) -> int:
        """Return how many cells are empty."""
        return int(self.empty.sum())


def find_gaps(request: ImputeRequest, progress: Progress) -> "List[Gaps]":
    """Look through all columns to fill; NULL, NaN and texts without a letter are empty."""
    if request.kind not in KINDS:
        raise InputError("impute-kind", "KIND is “{kind}”: choose one of {kinds}.", kind=request.kind,
                         kinds=", ".join(KINDS))
    plain = GatherRequest(request.rows, request.target, columns=request.columns, weight=request.weight,
                          group=request.group)
    plain.check()
    columns = fields_of(plain).target
    empty: "List[List[bool]]" = [[] for _ in columns]
    negative = [False] * len(columns)
    for chunk in request.rows.rows():
        check(progress)
        for index, column in enumerate(columns):
            cells = chunk.columns[column.name]
            empty[index] += [level_of(cell) is None for cell in cells]
            negative[index] |= any(isinstance(cell, (int, float)) and cell < 0 for cell in cells)
    return [Gaps(column, np.array(cells, dtype=bool), _is_classes(column, request.kind), below)
            for column, cells, below in zip(columns, empty, negative)]


def _is_classes(column: ColumnSpec, kind: str) -> bool:
    """Tell whether a column is filled with classes."""
    if kind == AUTOMATIC:
        return column.type not in NUMERIC_TYPES
    if kind == NUMBERS and column.type == "boolean":
        return True
    return kind == CLASSES

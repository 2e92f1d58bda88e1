"""Further columns beside the embedding: fitted once, then encoded to numbers the same way wherever they come from."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np

from ..errors import InputError
from ..table.parts import ColumnSpec
from ..table.schema import column_named

MOST_LEVELS = 30
NUMERIC_TYPES = ("integer", "integer64", "real")
CATEGORY_TYPES = ("text", "boolean")
# In brackets, so that a level which is called so keeps its own name.
OTHER, MISSING = "(other)", "(missing)"


@dataclass(frozen=True)
class NumericColumn:
    """A column of numbers: where one is missing, the median stands for it."""

    name: str
    median: float

    @property
    def names(self) -> "Tuple[str, ...]":
        """Return what the encoded column is called."""
        return (self.name,)

    def encode(self, cells: "Sequence[Any]") -> np.ndarray:
        """Return `(n, 1)` finite numbers."""
        found = _single(numbers_of(cells, self.name))
        return np.where(np.isfinite(found), found, np.float32(self.median))[:, None]

    def missing(self, cells: "Sequence[Any]") -> np.ndarray:
        """Tell where there is no number."""
        return ~np.isfinite(_single(numbers_of(cells, self.name)))

    def as_json(self) -> "Dict[str, Any]":
        """Return it as a plain JSON object."""
        return {"kind": "numeric", "name": self.name, "median": self.median}


@dataclass(frozen=True)
class CategoryColumn:
    """A column of categories: one encoded column a level, and one for rarer or new ones where training had such."""

    name: str
    levels: "Tuple[str, ...]"
    other: bool = False
    absent: bool = False

    @property
    def names(self) -> "Tuple[str, ...]":
        """Return what the encoded columns are called."""
        extra = [OTHER] * self.other + [MISSING] * self.absent
        return tuple(f"{self.name}={level}" for level in (*self.levels, *extra))

    def encode(self, cells: "Sequence[Any]") -> np.ndarray:
        """Return `(n, columns)` with a 1 for the level; one that training never saw has none, or that of the others.

        What is missing, but never was in training, counts as such a level.
        """
        place = {level: index for index, level in enumerate(self.levels)}
        beyond = len(self.levels) if self.other else -1
        gone = len(self.levels) + self.other if self.absent else beyond
        found = np.array([gone if text is None else place.get(text, beyond) for text in map(level_of, cells)],
                         dtype=np.int64)
        encoded = np.zeros((len(found), len(self.names)), dtype=np.float32)
        there = np.flatnonzero(found >= 0)
        encoded[there, found[there]] = 1.0
        return encoded

    def missing(self, cells: "Sequence[Any]") -> np.ndarray:
        """Tell where there is no level."""
        return np.array([level_of(cell) is None for cell in cells], dtype=bool)

    def strange(self, cells: "Sequence[Any]") -> "Counter[str]":
        """Count the levels that training never saw; unknown, so none, where it put rarer ones together."""
        if self.other:
            return Counter()
        return Counter(level for level in map(level_of, cells) if level is not None and level not in self.levels)

    def as_json(self) -> "Dict[str, Any]":
        """Return it as a plain JSON object."""
        return {"kind": "category", "name": self.name, "levels": list(self.levels), "other": self.other,
                "missing": self.absent}


Column = Union[NumericColumn, CategoryColumn]


@dataclass(frozen=True)
class ColumnPlan:
    """The further columns in order, and how each becomes numbers."""

    columns: "Tuple[Column, ...]" = ()

    @property
    def names(self) -> "Tuple[str, ...]":
        """Return the names of the encoded columns."""
        return tuple(name for column in self.columns for name in column.names)

    @property
    def width(self) -> int:
        """Return the number of encoded columns."""
        return len(self.names)

    @property
    def groups(self) -> "Dict[str, slice]":
        """Return which encoded columns each column became."""
        found, start = {}, 0
        for column in self.columns:
            found[column.name] = slice(start, start + len(column.names))
            start += len(column.names)
        return found

    def encode(self, values: "Mapping[str, Sequence[Any]]") -> np.ndarray:
        """Return `(n, width)` float32 without gaps."""
        rows = len(next(iter(values.values()), ()))
        parts = [column.encode(values[column.name]) for column in self.columns]
        return np.concatenate([np.zeros((rows, 0), dtype=np.float32), *parts], axis=1)

    def missing(self, values: "Mapping[str, Sequence[Any]]") -> np.ndarray:
        """Return `(n, columns)` of bool: the cells that have no value."""
        rows = len(next(iter(values.values()), ()))
        parts = [column.missing(values[column.name]) for column in self.columns]
        return np.stack(parts, axis=1) if parts else np.zeros((rows, 0), dtype=bool)

    def strange(self, values: "Mapping[str, Sequence[Any]]") -> "Dict[str, Counter[str]]":
        """Return for each column of categories how often each level comes that training never saw."""
        return {column.name: column.strange(values[column.name]) for column in self.columns
                if isinstance(column, CategoryColumn)}

    def spelled(self, columns: "Sequence[ColumnSpec]", layer: str) -> "Dict[str, str]":
        """Return what a layer calls each column, but for case the same; refuse a layer that lacks one."""
        found = {}
        for column in self.columns:
            spec = column_named(columns, column.name)
            if spec is None:
                raise InputError("predictor-column", "{layer} has no column “{column}”, which the predictor needs: add "
                                 "it, or train without it.", layer=layer, column=column.name)
            found[column.name] = spec.name
        return found

    def as_json(self) -> "List[Dict[str, Any]]":
        """Return it as plain JSON."""
        return [column.as_json() for column in self.columns]

    @staticmethod
    def from_json(raw: "Sequence[Mapping[str, Any]]") -> "ColumnPlan":
        """Read a plan back; raises ValueError, KeyError or TypeError for what is none."""
        return ColumnPlan(tuple(_column_from_json(entry) for entry in raw))


def fit_columns(specs: "Sequence[ColumnSpec]", values: "Mapping[str, Sequence[Any]]") -> ColumnPlan:
    """Return how to encode columns of these types, with medians and levels from these values."""
    return ColumnPlan(tuple(_fitted(spec, values[spec.name]) for spec in specs))


def numbers_of(cells: "Sequence[Any]", name: str) -> np.ndarray:
    """Return cells as float64, NaN where there is none; a text that is no number is refused."""
    try:
        return np.array([math.nan if cell is None else cell for cell in cells], dtype=np.float64)
    except (TypeError, ValueError):
        # Texts that are empty or no numbers are looked at one by one.
        return np.array([_number(cell, name) for cell in cells], dtype=np.float64)


def level_of(cell: Any) -> Optional[str]:
    """Return the text of a category, None where there is none; 1, 1.0 and “1” are the same."""
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return None
    if isinstance(cell, (bool, np.bool_)):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return str(cell).strip() or None


def _single(values: np.ndarray) -> np.ndarray:
    """Return numbers as float32; those too large become infinite, which counts as missing."""
    with np.errstate(over="ignore"):
        return values.astype(np.float32)


def _number(cell: Any, name: str) -> float:
    """Return one number."""
    if cell is None or (isinstance(cell, str) and not cell.strip()):
        return math.nan
    try:
        return float(cell)
    except (TypeError, ValueError) as error:
        raise InputError("column-number", "The column “{column}” holds “{cell}”, which is no number: mend it, or leave "
                         "the column out.", column=name, cell=cell) from error


def _fitted(spec: ColumnSpec, cells: "Sequence[Any]") -> Column:
    """Return the plan of one column."""
    if spec.type in NUMERIC_TYPES:
        found = numbers_of(cells, spec.name)
        found = found[np.isfinite(_single(found))]
        if not len(found):
            raise InputError("column-empty", "The column “{column}” has no value in any row that is used: leave it "
                             "out.", column=spec.name)
        return NumericColumn(spec.name, float(np.median(found)))
    if spec.type not in CATEGORY_TYPES:
        raise InputError("column-type", "The column “{column}” holds {kind} values, which are neither numbers nor "
                         "categories: leave it out, or compute a number from it first.", column=spec.name,
                         kind=spec.type)
    counts = Counter(map(level_of, cells))
    absent = counts.pop(None, 0)
    if not counts:
        raise InputError("column-empty", "The column “{column}” has no value in any row that is used: leave it out.",
                         column=spec.name)
    ordered = sorted(counts, key=lambda level: (-counts[level], level))
    return CategoryColumn(spec.name, tuple(ordered[:MOST_LEVELS]), len(ordered) > MOST_LEVELS, absent > 0)


def _column_from_json(raw: "Mapping[str, Any]") -> Column:
    """Read one column back."""
    if raw["kind"] == "numeric":
        median = float(raw["median"])
        if not math.isfinite(median):
            raise ValueError(f"median {median}")
        return NumericColumn(str(raw["name"]), median)
    if raw["kind"] == "category":
        return CategoryColumn(str(raw["name"]), tuple(str(level) for level in raw["levels"]), bool(raw["other"]),
                              bool(raw["missing"]))
    raise ValueError(f"column of kind {raw['kind']!r}")

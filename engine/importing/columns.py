"""Finds the columns that hold vectors: numbered numeric columns, or one column of lists."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Protocol, Sequence

import numpy as np

from ..errors import InputError
from ..table import ColumnSpec
from .lists import NotAList, read_cell

SHORTEST_RUN = 8
LIST_NAMES = ("embedding", "embeddings", "features", "vector", "vectors", "emb")
_NUMBERED = re.compile(r"^(?P<prefix>.*?)(?P<number>\d+)$", re.DOTALL)
_EXPORTED = re.compile(r"^(?P<prefix>emb\d*_)0$")
_NUMERIC = ("integer", "integer64", "real")

Cells = Mapping[str, Sequence[Any]]


def exported_range(columns: "Sequence[ColumnSpec]", dimensions: int) -> str:
    """Return the run of columns that an export of so many dimensions wrote beside other numbered ones, or nothing."""
    there = {column.name for column in columns}
    prefixes = [found.group("prefix") for found in map(_EXPORTED.match, there) if found]
    # The export counts up where a name is taken, so the highest count is its own.
    for prefix in sorted(prefixes, key=lambda name: (len(name), name), reverse=True):
        if all(f"{prefix}{number}" in there for number in range(dimensions)):
            return f"{prefix}0-{prefix}{dimensions - 1}"
    return ""


class VectorColumns(Protocol):
    """The columns that together make one vector a row."""

    names: "tuple[str, ...]"

    def read(self, cells: Cells, ids: "Sequence[Any]", table: str) -> "List[Optional[np.ndarray]]":
        """Return each row's vector as float32, None where there is none."""

    def dimension_names(self, dimensions: int) -> "List[str]":
        """Return what the dimensions are called, which stands for an undeclared space."""


@dataclass(frozen=True)
class WideColumns:
    """One numeric column a dimension."""

    names: "tuple[str, ...]"

    def read(self, cells: Cells, ids: "Sequence[Any]", table: str) -> "List[Optional[np.ndarray]]":
        """Put the columns side by side; a row with a NULL has no vector."""
        block = np.empty((len(ids), len(self.names)), dtype=np.float32)
        for index, name in enumerate(self.names):
            block[:, index] = _numbers(cells[name], name, ids, table)
        return [row if whole else None for row, whole in zip(block, np.isfinite(block).all(axis=1).tolist())]

    def dimension_names(self, dimensions: int) -> "List[str]":
        """Return the columns' names."""
        return list(self.names)


@dataclass(frozen=True)
class ListColumn:
    """All dimensions in one column."""

    names: "tuple[str, ...]"

    def read(self, cells: Cells, ids: "Sequence[Any]", table: str) -> "List[Optional[np.ndarray]]":
        """Read each cell; a vector with a NULL inside is none."""
        name = self.names[0]
        vectors: "List[Optional[np.ndarray]]" = []
        for row, cell in enumerate(cells[name]):
            try:
                vector = read_cell(cell)
            except NotAList as error:
                raise InputError("list-cell", "Row {row} of {table} has in “{column}” {found}: mend the row, or "
                                 "name another column in FIELDS.", row=ids[row], table=table, column=name,
                                 found=error) from error
            vectors.append(vector if vector is not None and np.isfinite(vector).all() else None)
        return vectors

    def dimension_names(self, dimensions: int) -> "List[str]":
        """Return the column's name with a number each."""
        return [f"{self.names[0]}_{number}" for number in range(dimensions)]


@dataclass(frozen=True)
class Found:
    """The columns chosen, and what else could have been meant."""

    columns: VectorColumns
    notes: "List[str]" = field(default_factory=list)


@dataclass(frozen=True)
class Candidates:
    """What a layer offers: its columns, and some of its rows to look into."""

    table: str
    columns: "Sequence[ColumnSpec]"
    sample: "Dict[str, List[Any]]"

    def numeric(self) -> "List[str]":
        """Return the columns of numbers, also those that a text file holds as text."""
        return [column.name for column in self.columns
                if column.type in _NUMERIC or (column.type == "text" and _are_numbers(self.sample[column.name]))]

    def lists(self) -> "Dict[str, int]":
        """Return the columns of lists, with the length of the first one; bytes only under the usual names."""
        lengths = {}
        for column in self.columns:
            usual = column.name.lower() in LIST_NAMES
            if column.type in ("text", "json") or (column.type == "binary" and usual):
                length = _length(self.sample[column.name])
                if length >= (1 if usual else SHORTEST_RUN):
                    lengths[column.name] = length
        return lengths


def find_columns(candidates: Candidates, product: str, fields: str) -> Found:
    """Choose the columns: those named in `fields`, else the longest run of numbered columns or the longest list."""
    if fields.strip():
        return Found(_named(candidates, product, fields))
    wide = _longest_run(candidates) if product in ("automatic", "columns") else None
    lists = candidates.lists() if product in ("automatic", "list") else {}
    longest = _longest_list(candidates, lists)
    if wide is None and longest is None:
        raise InputError(
            "import-nothing", "{table} has {wanted}: name the columns in FIELDS.", table=candidates.table,
            wanted={"columns": f"no run of at least {SHORTEST_RUN} numeric columns numbered in a row",
                    "list": "no column of lists"}.get(
                        product, f"no run of at least {SHORTEST_RUN} numeric columns numbered in a row, and no column "
                        "of lists"))
    if longest is not None and (wide is None or lists[longest.names[0]] >= len(wide.columns.names)):
        rest = [] if wide is None else [_told(wide.columns.names)]
        return Found(longest, rest + [name for name in lists if name != longest.names[0]])
    return Found(wide.columns, wide.notes + list(lists))


def runs_of(names: "Sequence[str]") -> "Dict[str, List[List[str]]]":
    """Return, by prefix, the runs of names whose numbers follow each other, in the order of the numbers."""
    groups: "Dict[str, Dict[int, str]]" = {}
    for name in names:
        match = _NUMBERED.match(name)
        if match:
            groups.setdefault(match["prefix"], {}).setdefault(int(match["number"]), name)
    runs: "Dict[str, List[List[str]]]" = {}
    for prefix, members in groups.items():
        numbers = sorted(members)
        for position, number in enumerate(numbers):
            if position == 0 or number != numbers[position - 1] + 1:
                runs.setdefault(prefix, []).append([])
            runs[prefix][-1].append(members[number])
    return runs


def _longest_run(candidates: Candidates) -> Optional[Found]:
    """Return the longest run, the first of equals; refuse one that a missing column has cut."""
    runs = runs_of(candidates.numeric())
    long = [(prefix, run) for prefix, group in runs.items() for run in group if len(run) >= SHORTEST_RUN]
    if not long:
        return None
    prefix, best = max(long, key=lambda item: len(item[1]))
    others = [run for run in runs[prefix] if run is not best]
    if others:
        raise InputError(
            "import-gap", "The numbered columns of {table} have a gap: besides {best} there is {other}. Name all that "
            "belong to the vector in FIELDS, such as {best}.", table=candidates.table, best=_told(best),
            other=_told(others[0]))
    return Found(WideColumns(tuple(best)), [_told(run) for _, run in long if run is not best])


def _longest_list(candidates: Candidates, lists: "Dict[str, int]") -> Optional[ListColumn]:
    """Return the column of lists: a usual name before others; several others are a question to the user."""
    usual = [name for wanted in LIST_NAMES for name in lists if name.lower() == wanted]
    if usual:
        return ListColumn((usual[0],))
    if len(lists) > 1:
        raise InputError("import-lists", "{table} has several columns of lists ({names}): name one in FIELDS.",
                         table=candidates.table, names=", ".join(lists))
    return ListColumn(tuple(lists)) if lists else None


def _named(candidates: Candidates, product: str, fields: str) -> VectorColumns:
    """Return the columns that the user named, singly or as ranges."""
    names: "List[str]" = []
    for word in (part.strip() for part in fields.split(";")):
        if word:
            names += _expanded(candidates, word)
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise InputError("fields-twice", "FIELDS names “{column}” twice: name each column of {table} once.",
                         column=repeated, table=candidates.table)
    numeric = set(candidates.numeric())
    strange = next((name for name in names if name not in numeric), None)
    if product != "columns" and len(names) == 1 and (product == "list" or strange is not None):
        return ListColumn(tuple(names))
    if product == "list":
        raise InputError("fields-list", "FIELDS names {count} columns, but a list lies in one: name that one.",
                         count=len(names))
    _require_order(names)
    if strange is not None:
        raise InputError("fields-type", "The column “{column}” of {table} holds no numbers: leave it out of FIELDS.",
                         column=strange, table=candidates.table)
    return WideColumns(tuple(names))


def _require_order(names: "List[str]") -> None:
    """Refuse a whole run of numbered columns in another order: its vectors would compare with no others."""
    runs = [run for group in runs_of(names).values() for run in group]
    if len(runs) == 1 and len(names) >= SHORTEST_RUN and len(runs[0]) == len(names) and runs[0] != names:
        raise InputError("fields-order", "FIELDS names the columns {run} out of order: name them as {run}.",
                         run=_told(runs[0]))


def _expanded(candidates: Candidates, word: str) -> "List[str]":
    """Return the one column of that name, or those of a range such as A00-A63."""
    name = _spelled(candidates, word)
    if name is not None:
        return [name]
    for sign in ("..", "-", "–"):
        first, _, last = word.partition(sign)
        start, end = _NUMBERED.match(first.strip()), _NUMBERED.match(last.strip())
        if start and end:
            return _range(candidates, start["prefix"], end["prefix"] or start["prefix"], int(start["number"]),
                          int(end["number"]), word)
    raise InputError("fields-missing", "{table} has no column “{column}”, which FIELDS names: choose among {names}.",
                     table=candidates.table, column=word,
                     names=", ".join(column.name for column in candidates.columns[:12]))


def _range(candidates: Candidates, prefix: str, other: str, first: int, last: int, word: str) -> "List[str]":
    """Return the columns from one number to another, however many zeros their names are padded with."""
    members = {}
    for column in candidates.columns:
        match = _NUMBERED.match(column.name)
        if match and match["prefix"].lower() == prefix.lower():
            members.setdefault(int(match["number"]), column.name)
    wanted = range(first, last + 1)
    missing = next((number for number in wanted if number not in members), None)
    if prefix.lower() != other.lower() or not len(wanted) or missing is not None:
        raise InputError("fields-range", "{table} has not all the columns of the range “{word}”, which FIELDS names: "
                         "write it as FIRST-LAST, such as A00-A63, and name only columns that are there.",
                         table=candidates.table, word=word)
    return [members[number] for number in wanted]


def _spelled(candidates: Candidates, word: str) -> Optional[str]:
    """Return the column of that name, exactly or but for its case."""
    names = [column.name for column in candidates.columns]
    return word if word in names else next((name for name in names if name.lower() == word.lower()), None)


def _numbers(cells: "Sequence[Any]", column: str, ids: "Sequence[Any]", table: str) -> np.ndarray:
    """Return a column as float32, NaN where it is NULL."""
    if any(isinstance(cell, str) for cell in cells):
        with suppress(ValueError, TypeError):
            return np.array(cells, dtype=np.float64).astype(np.float32)
        # Cells that are empty or no numbers are looked at one by one.
        return np.array([_number(cell, column, ids[row], table) for row, cell in enumerate(cells)], dtype=np.float32)
    return np.array(cells, dtype=np.float64).astype(np.float32)


def _number(cell: Any, column: str, row: Any, table: str) -> float:
    """Read a number that a text file holds as text."""
    if cell is None or (isinstance(cell, str) and not cell.strip()):
        return float("nan")
    try:
        return float(cell)
    except ValueError as error:
        raise InputError("column-text", "Row {row} of {table} has “{cell}” in column “{column}”, which is no number: "
                         "mend the row, or leave the column out of FIELDS.", row=row, table=table, cell=cell,
                         column=column) from error


def _are_numbers(cells: "Sequence[Any]") -> bool:
    """Tell whether texts are numbers: all that are there, and at least one."""
    filled = [cell for cell in cells if isinstance(cell, str) and cell.strip()]
    try:
        return bool(filled) and all(float(cell) is not None for cell in filled)
    except ValueError:
        return False


def _length(cells: "Sequence[Any]") -> int:
    """Return the length of the first list among cells, 0 where there is none."""
    for cell in cells:
        try:
            vector = read_cell(cell)
        except NotAList:
            return 0
        if vector is not None:
            return len(vector)
    return 0


def _told(names: "Sequence[str]") -> str:
    """Return a run as FIELDS takes it."""
    return f"{names[0]}-{names[-1]}" if len(names) > 1 else names[0]

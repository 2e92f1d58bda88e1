"""Gives rows without geometry that of another layer, found by a key both have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Iterator, List, Optional, Tuple

from ..errors import InputError
from ..table import CHUNK_ROWS, ColumnSpec, RowChunk, Rows
from ..table.schema import column_named
from .keys import Match, Reader, match_keys, plain_key, unmatched

_KEY_TYPES = ("text", "integer", "integer64")
_SAMPLE = 256
_ENOUGH = 0.5
_SHOWN = 3


@dataclass(frozen=True)
class GeometryJoin:
    """The layer that has the geometries, and the columns that name the same place in both.

    Without a key it is the first column of that name in both, else the pair of columns whose values meet most;
    without a key of the layer, the same name, else the column whose values meet most.
    """

    shapes: Rows
    key: str = ""
    shapes_key: str = ""


@dataclass(frozen=True)
class _Pair:
    """A column of the rows, one of the layer of geometries, and how their values meet."""

    mine: str
    theirs: str
    match: Match


class JoinedRows:
    """Rows with the geometries of another layer; `unmatched` counts those that found none when last read."""

    def __init__(self, rows: Rows, join: GeometryJoin) -> None:
        """Read all geometries by their key."""
        self._rows = rows
        pair = _pair(rows, join)
        self._key = pair.mine
        self._read = pair.match.read
        self.told = f"{pair.mine} of {rows.name} and {pair.theirs} of {join.shapes.name}"
        self.unmatched = 0
        self.name = rows.name
        self.wkt = join.shapes.wkt
        self.geometry_type = join.shapes.geometry_type
        self.columns = rows.columns
        self.count = rows.count
        if not pair.match.found:
            mine, theirs = rows.distinct(pair.mine), join.shapes.distinct(pair.theirs)
            raise InputError(
                "join-nothing", "No value of “{key}” in {rows} is in “{shapes_key}” of {shapes} ({first} against "
                "{second}): name the columns that hold the same ids in KEY and GEOMETRY_KEY.", key=pair.mine,
                rows=rows.name, shapes_key=pair.theirs, shapes=join.shapes.name,
                first=_examples(unmatched(mine, theirs, self._read)),
                second=_examples(unmatched(theirs, mine, self._read)))
        self._shapes = _shapes(join.shapes, pair.theirs, self._read)

    def rows(self, size: int = CHUNK_ROWS) -> "Iterator[RowChunk]":
        """Yield the rows with their geometries."""
        self.unmatched = 0
        for ids, _, columns in self._rows.rows(size):
            keys = [self._read(value) for value in columns[self._key]]
            self.unmatched += sum(key not in self._shapes for key in keys)
            yield RowChunk(ids, [self._shapes.get(key) for key in keys], columns)

    def distinct(self, column: str) -> "List[Any]":
        """Return the different values of a column."""
        return self._rows.distinct(column)


def _pair(rows: Rows, join: GeometryJoin) -> _Pair:
    """Return the two columns as their layers spell them: those named, of one name, or with the same values."""
    mine, theirs = _named(rows, join.key, "KEY"), _named(join.shapes, join.shapes_key, "GEOMETRY_KEY")
    if mine is None or theirs is None:
        same = _of_one_name(rows, join, mine, theirs)
        guessed = None if same is not None and same.match.found else _guessed(rows, join, mine, theirs)
        found = guessed or same
        if found is None:
            lacking = (rows, "KEY") if mine is None else (join.shapes, "GEOMETRY_KEY")
            raise InputError(
                "join-key", "No column of {rows} names the places of {shapes}: name the columns that hold the same ids "
                "in KEY and GEOMETRY_KEY ({parameter} is empty).", rows=rows.name, shapes=join.shapes.name,
                parameter=lacking[1])
        return found
    return _Pair(mine.name, theirs.name, match_keys(rows.distinct(mine.name), join.shapes.distinct(theirs.name)))


def _named(layer: Rows, name: str, parameter: str) -> Optional[ColumnSpec]:
    """Return the column that a parameter names, None where it is empty."""
    if not name:
        return None
    column = column_named(layer.columns, name)
    if column is None:
        raise InputError("join-column", "{layer} has no column “{name}” to join geometries by: name one in "
                         "{parameter}.", layer=layer.name, name=name, parameter=parameter)
    return column


def _of_one_name(rows: Rows, join: GeometryJoin, mine: Optional[ColumnSpec],
                 theirs: Optional[ColumnSpec]) -> Optional[_Pair]:
    """Return the first column that both have under one name."""
    for column in ([mine] if mine is not None else rows.columns):
        if column.name.lower() in ("fid", "ogc_fid") and mine is None:
            continue
        other = theirs if theirs is not None else column_named(join.shapes.columns, column.name)
        if other is not None and other.name.lower() == column.name.lower():
            return _Pair(column.name, other.name,
                         match_keys(rows.distinct(column.name), join.shapes.distinct(other.name)))
    return None


def _guessed(rows: Rows, join: GeometryJoin, mine: Optional[ColumnSpec],
             theirs: Optional[ColumnSpec]) -> Optional[_Pair]:
    """Return the columns most of whose values meet, seen on some rows; None where fewer than half do."""
    sample = next(iter(rows.rows(_SAMPLE)), None)
    if sample is None:
        return None
    best: "Optional[Tuple[float, str, str]]" = None
    for other in ([theirs] if theirs is not None else _possible(join.shapes)):
        values = join.shapes.distinct(other.name)
        for column in ([mine] if mine is not None else _possible(rows)):
            share = match_keys(sample.columns[column.name], values).share
            if share >= _ENOUGH and (best is None or share > best[0]):
                best = (share, column.name, other.name)
    if best is None:
        return None
    return _Pair(best[1], best[2], match_keys(rows.distinct(best[1]), join.shapes.distinct(best[2])))


def _possible(layer: Rows) -> "List[ColumnSpec]":
    """Return the columns that may hold ids: texts first, since numbers meet by chance; never mere row numbers."""
    columns = [column for column in layer.columns
               if column.type in _KEY_TYPES and column.name.lower() not in ("fid", "ogc_fid")]
    return sorted(columns, key=lambda column: column.type != "text")


def _shapes(shapes: Rows, key: str, read: Reader) -> "Dict[str, Optional[bytes]]":
    """Return the geometries by their key."""
    found: "Dict[str, Optional[bytes]]" = {}
    for chunk in shapes.rows():
        for value, wkb in zip(chunk.columns[key], chunk.wkb):
            name = read(value)
            if name in found:
                raise InputError("join-twice", "{layer} has “{value}” twice in “{key}”, so a row would have two "
                                 "geometries: dissolve it by that column, or name another in GEOMETRY_KEY.",
                                 layer=shapes.name, value=plain_key(value), key=key)
            if name:
                found[name] = wkb
    return found


def _examples(values: "List[str]") -> str:
    """Return the first values to show."""
    return ", ".join(f"“{value}”" for value in values[:_SHOWN]) or "nothing"

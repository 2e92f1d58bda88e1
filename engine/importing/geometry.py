"""Gives rows without geometry that of another layer, found by a key both have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Iterator, List, Optional

from ..errors import InputError
from ..table import CHUNK_ROWS, RowChunk, Rows
from ..table.schema import column_named


@dataclass(frozen=True)
class GeometryJoin:
    """The layer that has the geometries, and the columns that name the same place in both.

    Without a key it is the first column of that name in both; without a key of the layer, the same name.
    """

    shapes: Rows
    key: str = ""
    shapes_key: str = ""


class JoinedRows:
    """Rows with the geometries of another layer; `unmatched` counts those that found none when last read."""

    def __init__(self, rows: Rows, join: GeometryJoin) -> None:
        """Read all geometries by their key."""
        self._rows = rows
        self._key, shapes_key = _keys(rows, join)
        self._shapes = _shapes(join.shapes, shapes_key)
        self.unmatched = 0
        self.name = rows.name
        self.wkt = join.shapes.wkt
        self.geometry_type = join.shapes.geometry_type
        self.columns = rows.columns
        self.count = rows.count
        found = sum(plain_key(value) in self._shapes for value in rows.distinct(self._key))
        if not found:
            raise InputError(
                "join-nothing", "No value of “{key}” in {rows} is in “{shapes_key}” of {shapes} (such as {first} and "
                "{second}): name the columns that hold the same ids in KEY and GEOMETRY_KEY.", key=self._key,
                rows=rows.name, shapes_key=shapes_key, shapes=join.shapes.name,
                first=_example(rows.distinct(self._key)), second=_example(list(self._shapes)))

    def rows(self, size: int = CHUNK_ROWS) -> "Iterator[RowChunk]":
        """Yield the rows with their geometries."""
        self.unmatched = 0
        for ids, _, columns in self._rows.rows(size):
            keys = [plain_key(value) for value in columns[self._key]]
            self.unmatched += sum(key not in self._shapes for key in keys)
            yield RowChunk(ids, [self._shapes.get(key) for key in keys], columns)

    def distinct(self, column: str) -> "List[Any]":
        """Return the different values of a column."""
        return self._rows.distinct(column)


def plain_key(value: Any) -> str:
    """Return an id as text: 7, 7.0 and “7 ” are the same, “07” is not."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value).strip()


def _keys(rows: Rows, join: GeometryJoin) -> "tuple[str, str]":
    """Return the two columns as their layers spell them."""
    wanted = join.key
    if not wanted:
        names = [column.name for column in rows.columns if column.name.lower() not in ("fid", "ogc_fid")]
        wanted = next((name for name in names if column_named(join.shapes.columns, join.shapes_key or name)), "")
    mine = column_named(rows.columns, wanted)
    theirs = column_named(join.shapes.columns, join.shapes_key or wanted)
    for layer, column, name, parameter in ((rows, mine, wanted, "KEY"),
                                           (join.shapes, theirs, join.shapes_key or wanted, "GEOMETRY_KEY")):
        if column is None:
            raise InputError("join-key", "{layer} has no column “{name}” to join geometries by: name one in "
                             "{parameter}.", layer=layer.name, name=name, parameter=parameter)
    return mine.name, theirs.name


def _shapes(shapes: Rows, key: str) -> "Dict[str, Optional[bytes]]":
    """Return the geometries by their key."""
    found: "Dict[str, Optional[bytes]]" = {}
    for chunk in shapes.rows():
        for value, wkb in zip(chunk.columns[key], chunk.wkb):
            name = plain_key(value)
            if name in found:
                raise InputError("join-twice", "{layer} has “{value}” twice in “{key}”, so a row would have two "
                                 "geometries: dissolve it by that column, or name another in GEOMETRY_KEY.",
                                 layer=shapes.name, value=name, key=key)
            if name:
                found[name] = wkb
    return found


def _example(values: "List[Any]") -> str:
    """Return a value to show."""
    return next((f"“{plain_key(value)}”" for value in values if plain_key(value)), "nothing")

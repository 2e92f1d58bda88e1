"""Which row of each table stands for the same place: matched by a column that all of them have."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Dict, Iterator, List, Optional, Sequence, Type

import numpy as np

from ..errors import InputError
from ..importing.geometry import plain_key
from ..progress import Progress, check
from ..space import parse_key
from ..table import ColumnSpec, Table, TableChunk
from ..table.schema import column_named
from .stored import StoredVectors

_SHOWN = 3
_IDS = ("fid", "ogc_fid", "id")


def key_columns(tables: "Sequence[Table]", key: str) -> "tuple[str, ...]":
    """Return each table's column of keys, as it spells it: as asked, or the first that all have and tells rows apart.

    `key` is one name for all tables, or one for each, separated by semicolons.
    """
    asked = [part.strip() for part in key.split(";") if part.strip()]
    if not asked:
        return _common(tables)
    if len(asked) == 1:
        asked = asked * len(tables)
    if len(asked) != len(tables):
        raise InputError("fuse-keys", "KEY names {found} columns for {wanted} tables: name one for all, or one for "
                         "each, separated by semicolons.", found=len(asked), wanted=len(tables))
    found = []
    for table, name in zip(tables, asked):
        column = column_named(table.columns, name)
        if column is None:
            raise InputError("fuse-key", "{table} has no column “{name}” (it has {columns}): name the column of "
                             "common keys in KEY.", table=table.name, name=name,
                             columns=", ".join(column.name for column in table.columns[:8]) or "none")
        found.append(column.name)
    return tuple(found)


def _common(tables: "Sequence[Table]") -> "tuple[str, ...]":
    """Return the first column of all tables that names each row of the further ones once."""
    kinds = {column.name: column.type for column in tables[0].columns
             if all(column_named(table.columns, column.name) for table in tables[1:])}
    # A measure may happen to differ in every row, and names nothing; row numbers come last of all.
    shared = sorted(kinds, key=lambda name: (name.lower() in _IDS, kinds[name] == "real"))
    for name in shared:
        if name.lower() in _IDS and len({table.count for table in tables}) > 1:
            # Row numbers of two layers mean the same only where one was made from the other.
            continue
        columns = tuple(column_named(table.columns, name).name for table in tables)  # type: ignore[union-attr]
        if all(_tells_apart(table, column) for table, column in zip(tables[1:], columns[1:])):
            return columns
    raise InputError("fuse-key-none", "The tables have no column in common that names each row once: name the columns "
                     "of their keys in KEY, such as code;region_code, or match by area.")


def _tells_apart(table: Table, column: str) -> bool:
    """Tell whether no value occurs twice."""
    seen = set()
    for chunk in table.chunks():
        for value in chunk.columns[column]:
            key = plain_key(value)
            if key in seen or not key:
                return False
            seen.add(key)
    return True


class Partner:
    """A further table's vectors, on disk, and the row of each key."""

    def __init__(self, table: Table, column: str, progress: Progress) -> None:
        """Read all rows once."""
        self.name = table.name
        self.column = column
        self.rows: "Dict[str, int]" = {}
        self.vectors = StoredVectors(parse_key(table.space_key).dimensions)
        try:
            for chunk in table.chunks():
                check(progress)
                self._take(chunk)
        except BaseException:
            self.close()
            raise
        self.used = np.zeros(self.vectors.count, dtype=bool)

    def _take(self, chunk: TableChunk) -> None:
        """Keep a chunk's vectors and keys."""
        start = self.vectors.count
        self.vectors.append(chunk.vectors)
        for row, value in enumerate(chunk.columns[self.column], start=start):
            key = plain_key(value)
            if not key:
                continue
            if key in self.rows:
                raise InputError("fuse-twice", "{table} has “{key}” twice in “{column}”, so a row would have two "
                                 "partners: name another column in KEY, or dissolve the table by it first.",
                                 table=self.name, key=key, column=self.column)
            self.rows[key] = row

    def find(self, keys: "Sequence[str]") -> np.ndarray:
        """Return the row of each key, −1 where there is none."""
        return np.fromiter((self.rows.get(key, -1) for key in keys), dtype=np.int64, count=len(keys))

    def close(self) -> None:
        """Let go of the disk."""
        self.vectors.close()


class KeyMatch:
    """The rows of the first table with the vectors of their partners in the others."""

    def __init__(self, tables: "Sequence[Table]", key: str, progress: Progress) -> None:
        """Read the further tables."""
        self._first = tables[0]
        self._columns = key_columns(tables, key)
        self.partners: "List[Partner]" = []
        try:
            for table, column in zip(tables[1:], self._columns[1:]):
                progress.report(0.0, f"Reading {table.name}")
                self.partners.append(Partner(table, column, progress))
        except BaseException:
            self._close()
            raise
        self.left_out = 0
        self._lonely: "List[List[str]]" = [[] for _ in self.partners]

    @property
    def column(self) -> str:
        """Return the first table's column of keys."""
        return self._columns[0]

    @property
    def columns(self) -> "List[ColumnSpec]":
        """Return the attributes of what is matched."""
        return self._first.columns

    @property
    def geometry_type(self) -> int:
        """Return the kind of geometry of what is matched."""
        return self._first.geometry_type

    @property
    def count(self) -> int:
        """Return how many rows there are to match."""
        return self._first.count

    @property
    def words(self) -> str:
        """Return how rows were matched, for the log."""
        return f"Matched by “{self.column}”."

    def matched(self, size: int) -> "Iterator[tuple[TableChunk, np.ndarray, list[np.ndarray]]]":
        """Yield chunks of the first table, which of their rows have all vectors, and those vectors `(dims, n)`."""
        self.left_out = 0
        self._lonely = [[] for _ in self.partners]
        for chunk in self._first.chunks(size):
            keys = [plain_key(value) for value in chunk.columns[self.column]]
            rows = [partner.find(keys) for partner in self.partners]
            for partner, found, lonely in zip(self.partners, rows, self._lonely):
                partner.used[found[found >= 0]] = True
                lonely.extend(keys[place] for place in np.flatnonzero(found < 0)[:_SHOWN - len(lonely)])
            kept = np.all([found >= 0 for found in rows], axis=0)
            vectors = [chunk.vectors[kept].T]
            vectors += [partner.vectors.rows(found[kept]).T for partner, found in zip(self.partners, rows)]
            valid = np.all([np.isfinite(values).all(axis=0) for values in vectors], axis=0)
            kept[np.flatnonzero(kept)[~valid]] = False
            self.left_out += int((~kept).sum())
            yield chunk, kept, [np.ascontiguousarray(values[:, valid]) for values in vectors]

    def require_matches(self) -> None:
        """Raise where a further table has no partner at all for the first; shows keys of both."""
        for partner, lonely in zip(self.partners, self._lonely):
            if not partner.used.any():
                raise InputError(
                    "fuse-unmatched", "No key of {first} ({mine}, … in “{column}”) is in {other} ({theirs}, … in "
                    "“{other_column}”): name the columns that hold the same keys in KEY.", first=self._first.name,
                    mine=_shown(lonely), column=self.column, other=partner.name,
                    theirs=_shown(list(partner.rows)[:_SHOWN]), other_column=partner.column)

    def tell(self, progress: Progress) -> None:
        """Count what found no partner, on both sides."""
        for partner, lonely in zip(self.partners, self._lonely):
            unused = int((~partner.used).sum())
            if unused:
                names = [key for key, row in partner.rows.items() if not partner.used[row]][:_SHOWN]
                progress.warn(f"{unused} rows of {partner.name} have no partner in {self._first.name}, such as "
                              f"{_shown(names)}.")
            if lonely:
                progress.warn(f"Rows of {self._first.name} that {partner.name} lacks are left out, such as "
                              f"{_shown(lonely)}.")

    def __enter__(self) -> "KeyMatch":
        """Be used in a with statement."""
        return self

    def __exit__(self, kind: "Optional[Type[BaseException]]", error: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        """Let go of the disk."""
        self._close()

    def _close(self) -> None:
        """Let go of what was read."""
        for partner in self.partners:
            partner.close()


def _shown(keys: "Sequence[Any]") -> str:
    """Return some keys in quotation marks."""
    return ", ".join(f"“{key}”" for key in keys[:_SHOWN]) or "none"

"""What an embedding table is made of: the words that its readers, its writer and the analyses share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Protocol, Sequence, Union

import numpy as np

from ..progress import Progress
from ..space import Space, SpaceKey, parse_key

EMBEDDING = "embedding"
EMBEDDING_SPACE = "embedding_space"
RESERVED = (EMBEDDING, EMBEDDING_SPACE)
METADATA_SPACE = "EARTHPRINT_SPACE"
METADATA_KEY = "EARTHPRINT_KEY"
COLUMN_TYPES = ("integer", "integer64", "real", "text", "boolean", "date", "datetime", "time", "binary", "json")
CHUNK_ROWS = 4096

# A space whose description is known, or only its key: enough to compare, decode and pass vectors on.
Identity = Union[Space, SpaceKey]


@dataclass(frozen=True)
class ColumnSpec:
    """An attribute: its name and one of COLUMN_TYPES."""

    name: str
    type: str


@dataclass(frozen=True)
class TableChunk:
    """Consecutive rows of a table: ids, vectors, geometries as WKB and the other attributes by name."""

    ids: "Sequence[Any]"
    vectors: np.ndarray
    wkb: "List[Optional[bytes]]"
    columns: "Dict[str, List[Any]]" = field(default_factory=dict)


class RowChunk(NamedTuple):
    """Consecutive rows of any layer: ids, geometries as WKB and all attributes by name."""

    ids: "Sequence[Any]"
    wkb: "List[Optional[bytes]]"
    columns: "Dict[str, List[Any]]"


class Rows(Protocol):
    """A layer's rows as plain Python values, wherever they come from: files, databases, selections.

    Where the file format has a named column for the feature id, that column is among the attributes, as in QGIS.
    """

    name: str
    wkt: str
    geometry_type: int
    columns: "List[ColumnSpec]"
    count: int

    def rows(self, size: int = CHUNK_ROWS) -> "Iterator[RowChunk]":
        """Yield the rows in order, at most `size` at a time."""

    def distinct(self, column: str) -> "List[Any]":
        """Return the different values of a column, None among them where there are NULLs."""


class Table(Protocol):
    """What an analysis needs of a table, wherever its rows come from."""

    name: str
    wkt: str
    geometry_type: int
    columns: "List[ColumnSpec]"
    count: int
    space_key: str

    def space(self) -> Optional[Space]:
        """Return the description of the space, or None where only its key is known."""

    def identity(self) -> Identity:
        """Return what a writer needs to pass these vectors on in the same space."""

    def chunks(self, size: int = CHUNK_ROWS) -> "Iterator[TableChunk]":
        """Yield the rows in order, at most `size` at a time."""


def key_text(identity: Identity, coding: str) -> str:
    """Return the text that each row carries when its vectors are coded so."""
    if isinstance(identity, Space):
        return identity.key(coding)
    norm = "unit" if identity.unit_norm else "any"
    return f"{identity.name}/{identity.dimensions}/{coding}/{identity.metric}/{norm}"


def warn_if_undeclared(table: Table, progress: Progress) -> None:
    """Tell once that nobody said what these vectors are."""
    if not parse_key(table.space_key).declared:
        progress.warn(f"{table.name} doesn't say what its embeddings are: they compare only with vectors of the same "
                      "column names, and never with declared ones. State it with “Describe embeddings”.")

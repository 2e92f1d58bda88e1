"""Embedding tables: vector layers with a binary column `embedding` and the key of its space in `embedding_space`."""

from __future__ import annotations

from .embeddings import EmbeddingTable
from .location import TableDestination, TableSource, parse_destination, parse_source
from .open import open_rows, open_table
from .parts import (
    CHUNK_ROWS,
    EMBEDDING,
    EMBEDDING_SPACE,
    METADATA_KEY,
    METADATA_SPACE,
    ColumnSpec,
    Identity,
    RowChunk,
    Rows,
    Table,
    TableChunk,
    key_text,
    warn_if_undeclared,
)
from .vectors import check_vectors
from .writer import TableWriter

__all__ = [
    "CHUNK_ROWS", "EMBEDDING", "EMBEDDING_SPACE", "METADATA_KEY", "METADATA_SPACE", "ColumnSpec", "EmbeddingTable",
    "Identity", "RowChunk", "Rows", "Table", "TableChunk", "TableDestination", "TableSource", "TableWriter",
    "check_vectors", "key_text", "open_rows", "open_table", "parse_destination", "parse_source", "warn_if_undeclared",
]

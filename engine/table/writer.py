"""Writes embedding tables: a GeoPackage or a layer of one, whole or not at all."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any, List, Mapping, Optional, Sequence, Type, Union

import numpy as np

from ..coding import vector_coding
from ..errors import OutputError, SpaceError
from ..progress import LOG
from ..provenance import PROVENANCE_ITEM, provenance_item
from ..registry import Registry
from ..space import Space
from .layer_file import LayerFile, LayerOutline
from .location import TableDestination, parse_destination
from .parts import EMBEDDING, EMBEDDING_SPACE, METADATA_KEY, METADATA_SPACE, RESERVED, ColumnSpec, Identity, key_text

_FLOAT16_MAX = 65504.0
# The key before the vectors, so that SQLite finds it without walking through their overflow pages.
_OWN = (ColumnSpec(EMBEDDING_SPACE, "text"), ColumnSpec(EMBEDDING, "binary"))


class TableWriter:
    """Takes rows in chunks; the table appears under its name when the writer is closed, and not before."""

    def __init__(self, destination: "Union[str, Path, TableDestination]", srs_wkt: str, geometry_type: int,
                 columns: "Sequence[ColumnSpec]", identity: Identity, coding: str = "f4",
                 registry: Optional[Registry] = None) -> None:
        """Create the table under a temporary name in the target's folder."""
        target = destination if isinstance(destination, TableDestination) else parse_destination(str(destination))
        taken = {column.name.lower() for column in columns} & set(RESERVED)
        if taken:
            raise OutputError("column-reserved", "The columns {names} are written by every embedding table: rename "
                              "the input's own first.", names=" and ".join(sorted(taken)))
        self.path = target.path
        self.layer = target.layer
        self._identity = identity
        self._coding = vector_coding(coding)
        self._key = key_text(identity, coding)
        self._registry = registry
        self._file = LayerFile(target, LayerOutline(
            srs_wkt, geometry_type, tuple(columns), _OWN, _metadata(identity, self._key),
            self._coding.size(identity.dimensions)))

    @property
    def key(self) -> str:
        """Return what stands in every row's `embedding_space`."""
        return self._key

    @property
    def count(self) -> int:
        """Return how many rows were written."""
        return self._file.count

    def write(self, wkb: "Sequence[Optional[bytes]]", columns: "Mapping[str, Sequence[Any]]",
              vectors: np.ndarray) -> None:
        """Append rows; a vector with a NaN is written as NULL."""
        if vectors.ndim != 2 or vectors.shape[1] != self._identity.dimensions or len(wkb) != len(vectors):
            raise ValueError(f"{len(wkb)} geometries and vectors of shape {vectors.shape}, but the space has "
                             f"{self._identity.dimensions} dimensions")
        blobs = self._blobs(np.asarray(vectors, dtype=np.float32))
        self._file.append(wkb, columns, ([self._key] * len(blobs), blobs))

    def close(self) -> None:
        """Complete the table and put it in its place."""
        self._file.close()
        if self._registry is not None and isinstance(self._identity, Space):
            try:
                self._registry.remember(self._identity)
            except SpaceError as error:
                # The table is complete and says itself what its space is.
                LOG.warning("%s", error)

    def discard(self, error: BaseException) -> None:
        """Leave nothing behind."""
        self._file.discard(error)

    def __enter__(self) -> "TableWriter":
        """Be used in a with statement."""
        return self

    def __exit__(self, kind: "Optional[Type[BaseException]]", error: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        """Complete the table, or discard it if anything went wrong."""
        if error is None:
            self.close()
        else:
            self.discard(error)

    def _blobs(self, vectors: np.ndarray) -> "List[Optional[bytes]]":
        """Return each vector's bytes, None for NULL."""
        bad = ~np.isfinite(vectors).all(axis=1)
        if self._coding.code == "f2" and np.abs(vectors[~bad]).max(initial=0) > _FLOAT16_MAX:
            raise OutputError("float16-range", "Vectors with values over {limit} don't fit into float16: write "
                              "{path} as float32.", limit=_FLOAT16_MAX, path=self.path)
        if not bad.any():
            return list(self._coding.encode(vectors))
        blobs = self._coding.encode(np.where(bad[:, None], np.float32(0), vectors))
        return [None if missing else blob for blob, missing in zip(blobs, bad.tolist())]


def _metadata(identity: Identity, key: str) -> "Mapping[str, str]":
    """Return what the layer says of its vectors as a whole."""
    told = {METADATA_KEY: key}
    if isinstance(identity, Space):
        told[METADATA_SPACE] = identity.canonical()
    if identity.provenance:
        told[PROVENANCE_ITEM] = provenance_item(identity.provenance)
    return told

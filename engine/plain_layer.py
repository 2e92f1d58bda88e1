"""Writes layers without vectors (places, outlines, relations, summaries), whole or not at all."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Mapping, Optional, Sequence, Type

from .provenance import PROVENANCE_ITEM, Provenance, provenance_item
from .table.layer_file import LayerFile, LayerOutline
from .table.location import parse_destination
from .table.parts import ColumnSpec


class LayerWriter:
    """Takes rows in chunks; the layer appears under its name when the writer is closed, and not before."""

    def __init__(self, destination: str, wkt: str, geometry_type: int, columns: "Sequence[ColumnSpec]",
                 provenance: "Sequence[Provenance]" = (), metadata: "Optional[Mapping[str, str]]" = None) -> None:
        """Create the layer under a temporary name in the target's folder."""
        target = parse_destination(destination)
        self.path = target.path
        self.layer = target.layer
        told = {PROVENANCE_ITEM: provenance_item(provenance)} if provenance else {}
        self._file = LayerFile(target, LayerOutline(wkt, geometry_type, tuple(columns),
                                                    metadata={**told, **(metadata or {})}))

    @property
    def count(self) -> int:
        """Return how many rows were written."""
        return self._file.count

    def write(self, wkb: "Sequence[Optional[bytes]]", columns: "Mapping[str, Sequence[Any]]") -> None:
        """Append rows."""
        self._file.append(wkb, columns)

    def close(self) -> None:
        """Complete the layer and put it in its place."""
        self._file.close()

    def discard(self, error: BaseException) -> None:
        """Leave nothing behind."""
        self._file.discard(error)

    def __enter__(self) -> "LayerWriter":
        """Be used in a with statement."""
        return self

    def __exit__(self, kind: "Optional[Type[BaseException]]", error: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        """Complete the layer, or discard it if anything went wrong."""
        if error is None:
            self.close()
        else:
            self.discard(error)

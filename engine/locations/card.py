"""What is known of a trained location encoder: its position, where its training data lie, its licence and figures."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Mapping, Optional

from ..provenance import Provenance, merged
from ..space import Space
from .coverage import Coverage
from .position import Position

KIND = "location"


@dataclass(frozen=True, eq=False)
class LocationCard:
    """The card of a location encoder that lies in a file; `checksum` is the SHA-256 of its ONNX file."""

    id: str
    name: str
    position: Position
    dimensions: int
    metric: str = "cosine"
    unit_norm: bool = False
    licence: str = ""
    description: str = ""
    architecture: str = ""
    area: Optional[Coverage] = None
    figures: "Mapping[str, Any]" = field(default_factory=dict)
    created: str = ""
    versions: "Mapping[str, str]" = field(default_factory=dict)
    provenance: "tuple[Provenance, ...]" = ()
    source: "Mapping[str, Any]" = field(default_factory=dict)
    warnings: "tuple[str, ...]" = ()
    checksum: str = ""
    path: Optional[Path] = None

    def space(self) -> Space:
        """Return the space of its vectors, which the file's checksum makes its own."""
        return Space(self.id, self.dimensions, self.checksum, self.metric, self.unit_norm,
                     provenance=self.origins())

    def origins(self) -> "tuple[Provenance, ...]":
        """Return what it was made from, and itself where it has a licence that none of these states."""
        if not self.licence or any(item.licence == self.licence for item in self.provenance):
            return self.provenance
        return merged(self.provenance, (Provenance(self.name, self.licence),))

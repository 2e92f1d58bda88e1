"""What is asked of an aggregation to H3, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from ..errors import InputError
from ..registry import Registry
from .cells import check_resolution

POLYGONS, CENTRES = "polygons", "centres"
AUTOMATIC = -1


@dataclass(frozen=True)
class HexagonOptions:
    """How hexagons are made; the resolution −1 is chosen from the data."""

    output: str
    resolution: int = AUTOMATIC
    geometry: str = POLYGONS
    memory_mib: int = 1024
    registry: Optional[Registry] = None

    def check(self) -> None:
        """Refuse what H3 doesn't have."""
        if self.resolution != AUTOMATIC:
            check_resolution(self.resolution)
        if self.geometry not in (POLYGONS, CENTRES):
            raise InputError("h3-geometry", "“{word}” is not a geometry of hexagons: choose polygons or centres.",
                             word=self.geometry)


@dataclass(frozen=True)
class HexagonResult:
    """What was written."""

    output: str
    hexagons: int
    resolution: int
    left_out: int
    seconds: float

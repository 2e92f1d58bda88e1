"""A location encoder ready to use: a formula with all its settings known, and the space of its vectors."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..space import Space
from ..table import CHUNK_ROWS
from .family import Family
from .position import Position, position_of
from .settings import Settings
from .shipped import POSITIONS

_PIECE = 3 * 2 ** 16


@dataclass(frozen=True)
class LocationEncoder:
    """Turns places into vectors; its settings are its identity, since there is no file to check."""

    family: Family
    settings: Settings

    @property
    def name(self) -> str:
        """Return what people call it: its id."""
        return self.family.id

    @cached_property
    def position(self) -> Position:
        """Return the formula with its settings."""
        return position_of(self.family.id, self.settings)

    @property
    def rows_at_once(self) -> int:
        """Return how many places to ask for between two looks at whether the user cancelled."""
        return CHUNK_ROWS

    @property
    def dimensions(self) -> int:
        """Return the length of a vector."""
        return self.position.size

    @property
    def seamless(self) -> bool:
        """Tell whether places on either side of ±180° have nearly the same vector."""
        return self.position.seamless

    @property
    def polar(self) -> bool:
        """Tell whether all places around a pole have nearly the same vector."""
        return self.position.polar

    def vectors(self, places: np.ndarray) -> np.ndarray:
        """Return `(n, dimensions)` float32 of places `(n, 2)` in degrees; all is computed in float64 before."""
        # In pieces that stay in the processor's cache, which is several times faster for long vectors.
        rows = max(1, _PIECE // self.dimensions)
        if len(places) <= rows:
            return np.ascontiguousarray(self.position.features(places), dtype=np.float32)
        found = np.empty((len(places), self.dimensions), dtype=np.float32)
        for start in range(0, len(places), rows):
            found[start:start + rows] = self.position.features(places[start:start + rows])
        return found

    def space(self) -> Space:
        """Return the space that these settings make."""
        return Space(self.family.id, self.dimensions, unit_norm=self.family.unit_norm, details=self.position.details())


def location_encoder(kind: str, settings: Settings) -> LocationEncoder:
    """Return the encoder of a formula's id with its defaults filled in, or say in words why there is none."""
    position = position_of(kind, settings)
    return LocationEncoder(POSITIONS[kind], position.settings)

"""What the user says of a checkpoint that doesn't say it itself; zero or nothing where she leaves it to the file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple


@dataclass(frozen=True)
class Told:
    """Settings of a TorchSpatial model: its kind, its radii, its activation, the side of its tiles and its extent.

    The extent is west, south, east and north.
    """

    kind: str = ""
    min_radius: float = 0.0
    max_radius: float = 0.0
    activation: str = ""
    cell: float = 0.0
    extent: "Tuple[float, ...]" = ()

    @property
    def anything(self) -> bool:
        """Tell whether something was said."""
        return self != Told()

"""A location tower as a family's reader rebuilds it: a position, the network on top, and what its card shall say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple

from ..locations.network import Network
from ..locations.position import Position


@dataclass(frozen=True, eq=False)
class Tower:
    """Everything that a checkpoint tells of a location encoder.

    `cautions` are about this conversion, for the log alone: the card says the same whoever converts.
    """

    family: str
    name: str
    position: Position
    network: Network
    architecture: str
    description: str
    licence: str
    left_out: "Tuple[str, ...]" = ()
    warnings: "Tuple[str, ...]" = ()
    cautions: "Tuple[str, ...]" = ()

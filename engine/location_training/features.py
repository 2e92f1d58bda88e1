"""Features of places for a network: kept where they fit into memory, else made again for each batch."""

from __future__ import annotations

import numpy as np

from ..locations.network import Network
from ..locations.position import Position
from .torch_network import prepared

_MOST_KEPT = 64_000_000
_PIECE = 2 ** 20


class Features:
    """What the first learning stage of a network takes for each place."""

    def __init__(self, position: Position, network: Network, places: np.ndarray) -> None:
        """Make them at once where they are not too many."""
        self._position = position
        self._network = network
        self._places = places
        self._kept = self._made(places) if len(places) * position.size <= _MOST_KEPT else None

    def of(self, rows: np.ndarray) -> np.ndarray:
        """Return the features of some places."""
        return self._made(self._places[rows]) if self._kept is None else self._kept[rows]

    def _made(self, places: np.ndarray) -> np.ndarray:
        """Make features in pieces, since they are float64 at first."""
        rows = max(1, _PIECE // self._position.size)
        return np.concatenate([prepared(self._network, self._position.features(places[start:start + rows]))
                               for start in range(0, max(len(places), 1), rows)])


def sampled_features(position: Position, places: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    """Return float64 features of the places, or of a sample where all would be too many, to scale by."""
    most = max(1000, _MOST_KEPT // 8 // position.size)
    if len(places) > most:
        places = places[np.sort(chance.choice(len(places), most, replace=False))]
    return position.features(places)

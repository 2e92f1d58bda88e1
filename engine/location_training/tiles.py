"""Gives tiles in which no training place lies the vector of the nearest tile that has one."""

from __future__ import annotations

import numpy as np

from ..locations.network import Lookup, Network
from ..locations.position import Position
from ..locations.tile import tile_grid

_PIECE = 2 ** 22


def filled_tiles(network: Network, position: Position, places: np.ndarray) -> Network:
    """Return the network with those vectors in place of the random ones that they started with."""
    first = network.stages[0]
    if not isinstance(first, Lookup):
        return network
    columns, _ = tile_grid(position.settings)
    known = np.unique(position.features(places)[:, 0].astype(np.int64))
    empty = np.setdiff1d(np.arange(len(first.table)), known)
    table = first.table.copy()
    shrink = np.cos(np.radians((position.settings.extent[1] + position.settings.extent[3]) / 2))
    step = max(1, _PIECE // len(known))
    for start in range(0, len(empty), step):
        part = empty[start:start + step]
        across = (part % columns)[:, None] - (known % columns)[None]
        up = (part // columns)[:, None] - (known // columns)[None]
        table[part] = table[known[((across * shrink) ** 2 + up.astype(np.float64) ** 2).argmin(axis=1)]]
    return Network((Lookup(table), *network.stages[1:]))

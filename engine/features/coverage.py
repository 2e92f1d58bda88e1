"""How much of each cell a polygon covers, exactly, and how long a line is in it: for all zones of a window at once.

Each piece of an outline adds its height to all cells right of it in its row, and a trapezoid to its own cell; signed
sums along rows are then the covered shares. Nothing is sampled, and no mask is drawn.
"""

from __future__ import annotations

import numpy as np

from ..zone_sums import Pairs
from .cutting import LEFT, Edges, cut

_LEAST = 1e-9


def covered(edges: Edges, width: int, height: int) -> Pairs:
    """Return the covered share of every cell of a window; outlines run with their inside on the right hand.

    (With y downwards: an outer ring has a positive shoelace sum, a hole a negative one.)
    """
    pieces = cut(edges, width, height)
    fall = (edges.y0 - edges.y1)[pieces.edges] * pieces.shares
    columns = np.maximum(pieces.columns, 0)
    area = fall * np.where(pieces.columns == LEFT, 1.0, 1.0 - pieces.offsets)
    zones, owner = np.unique(edges.zones[pieces.edges], return_inverse=True)
    line = owner.astype(np.int64) * height + pieces.rows
    key, fall, area = _added(line * width + columns, fall, area)
    if not len(key):
        return _nothing()
    line, column = key // width, key % width
    starts = np.append(True, line[1:] != line[:-1])
    ends = np.append(line[1:] != line[:-1], True)
    total = np.cumsum(fall)
    begun = (total - fall)[starts][np.cumsum(starts) - 1]
    after = total - begun
    share = area + after - fall
    following = np.where(ends, width, np.append(column[1:], width))
    length = np.where(np.abs(after) > _LEAST, following - column - 1, 0)
    run = np.repeat(np.arange(len(key)), length)
    step = np.arange(len(run)) - (np.cumsum(length) - length)[run] + 1
    lines = np.concatenate([line, line[run]])
    cells = np.concatenate([column, column[run] + step]) + lines % height * width
    shares = np.clip(np.concatenate([share, after[run]]), 0.0, 1.0)
    kept = shares > 0
    return Pairs(zones[lines[kept] // height], cells[kept], shares[kept], shares[kept])


def crossed(edges: Edges, lengths: np.ndarray, width: int, height: int) -> Pairs:
    """Return the length of each zone's lines in every cell of a window; `lengths` are those of the edges."""
    pieces = cut(edges, width, height)
    inside = pieces.columns != LEFT
    picked = pieces.edges[inside]
    long = lengths[picked] * pieces.shares[inside]
    return merged(edges.zones[picked], pieces.rows[inside] * width + pieces.columns[inside], long, width * height)


def merged(zones: np.ndarray, cells: np.ndarray, weights: np.ndarray, cell_count: int) -> Pairs:
    """Add what belongs to one zone and one cell."""
    if not len(zones):
        return _nothing()
    key, added, _ = _added(zones.astype(np.int64) * cell_count + cells, weights, weights)
    return Pairs(key // cell_count, key % cell_count, added, added)


def joined(parts: "list[Pairs]") -> Pairs:
    """Return the pairs of several kinds of zones together."""
    parts = [part for part in parts if len(part)]
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return _nothing()
    return Pairs(*(np.concatenate([getattr(part, name) for part in parts])
                   for name in ("zones", "cells", "weights", "shares")))


def _added(key: np.ndarray, first: np.ndarray, second: np.ndarray) -> "tuple[np.ndarray, np.ndarray, np.ndarray]":
    """Sort by key and add what shares one."""
    if not len(key):
        return key, first, second
    order = np.argsort(key, kind="stable")
    key = key[order]
    runs = np.flatnonzero(np.append(True, key[1:] != key[:-1]))
    return key[runs], np.add.reduceat(first[order], runs), np.add.reduceat(second[order], runs)


def _nothing() -> Pairs:
    """Return no pairs."""
    return Pairs(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0), np.empty(0))

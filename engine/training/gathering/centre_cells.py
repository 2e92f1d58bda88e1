"""The cells of a window whose centres lie in polygons, for all polygons at once and without drawing any."""

from __future__ import annotations

from typing import Tuple

import numpy as np

from ...features.cutting import Edges

_NO_CELLS = np.empty(0, dtype=np.int64)


def centre_cells(edges: Edges, width: int, height: int) -> "Tuple[np.ndarray, np.ndarray]":
    """Return zones and cells (of the flattened window), each pair once, in the order of zones and cells.

    Each edge turns the inside on or off for all centres right of where it crosses their row; rings that run opposite
    ways (outer ones and holes) cancel out.
    """
    down = edges.y1 > edges.y0
    top, bottom = np.where(down, edges.y0, edges.y1), np.where(down, edges.y1, edges.y0)
    first = np.clip(np.ceil(top - 0.5), 0, height).astype(np.int64)
    after = np.clip(np.ceil(bottom - 0.5), 0, height).astype(np.int64)
    edge, row = _spread(first, after)
    if not len(edge):
        return _NO_CELLS, _NO_CELLS
    share = (row + 0.5 - edges.y0[edge]) / (edges.y1[edge] - edges.y0[edge])
    crossing = edges.x0[edge] + share * (edges.x1[edge] - edges.x0[edge])
    column = np.clip(np.ceil(crossing - 0.5), 0, width).astype(np.int64)
    zones, owner = np.unique(edges.zones[edge], return_inverse=True)
    line = owner.astype(np.int64) * height + row
    order = np.argsort(line * (width + 1) + column, kind="stable")
    line, column = line[order], column[order]
    inside = np.cumsum(np.where(down[edge[order]], 1, -1))
    same = np.append(line[1:] == line[:-1], False)
    following = np.where(same, np.append(column[1:], 0), column)
    run, column = _spread(column, np.where(inside != 0, following, column))
    return zones[line[run] // height], line[run] % height * width + column


def _spread(first: np.ndarray, after: np.ndarray) -> "Tuple[np.ndarray, np.ndarray]":
    """Return, for each whole number from first to before after of each item, the item and the number."""
    counts = np.maximum(after - first, 0)
    items = np.repeat(np.arange(len(first)), counts)
    begins = np.cumsum(counts) - counts
    return items, np.arange(len(items)) - begins[items] + first[items]

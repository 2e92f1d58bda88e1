"""Cuts straight edges where they cross the lines of a grid, all edges of a window at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LEFT = -1


@dataclass(frozen=True)
class Edges:
    """Directed edges in cells of a grid, each belonging to a zone."""

    zones: np.ndarray
    x0: np.ndarray
    y0: np.ndarray
    x1: np.ndarray
    y1: np.ndarray

    def moved(self, x: int, y: int) -> "Edges":
        """Return the edges as seen from another origin."""
        return Edges(self.zones, self.x0 - x, self.y0 - y, self.x1 - x, self.y1 - y)

    def picked(self, which: np.ndarray) -> "Edges":
        """Return some of the edges."""
        return Edges(self.zones[which], self.x0[which], self.y0[which], self.x1[which], self.y1[which])


@dataclass(frozen=True)
class Pieces:
    """Parts of edges that lie in one cell each: share of the edge, and the mean of x measured from the cell's left.

    What lies left of the window has the column LEFT; what lies right of it, above or below is not there.
    """

    edges: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
    shares: np.ndarray
    offsets: np.ndarray


def cut(edges: Edges, width: int, height: int) -> Pieces:
    """Cut edges at the lines of a window of so many columns and rows from the origin."""
    down = edges.y0 <= edges.y1
    top, bottom = np.where(down, edges.y0, edges.y1), np.where(down, edges.y1, edges.y0)
    start, end = np.where(down, edges.x0, edges.x1), np.where(down, edges.x1, edges.x0)
    touched = np.flatnonzero(((bottom > 0) | ((top == bottom) & (top >= 0))) & (top < height))
    top, bottom, start, end = top[touched], bottom[touched], start[touched], end[touched]
    span = bottom - top
    flat = span == 0
    safe = np.where(flat, 1.0, span)
    slope = (end - start) / safe
    low, high = np.clip(top, 0, height), np.clip(bottom, 0, height)
    first = np.floor(low).astype(np.int64)
    first = np.minimum(first, height - 1)
    edge, row = _spread(first, np.maximum(first, np.ceil(high).astype(np.int64) - 1))
    upper, lower = np.maximum(low[edge], row), np.minimum(high[edge], row + 1)
    level = flat[edge]
    least, most = np.minimum(start, end)[edge], np.maximum(start, end)[edge]
    one = np.clip(start[edge] + slope[edge] * (upper - top[edge]), least, most)
    two = np.clip(start[edge] + slope[edge] * (lower - top[edge]), least, most)
    left, right = np.where(level, least, np.minimum(one, two)), np.where(level, most, np.maximum(one, two))
    share = np.where(level, 1.0, (lower - upper) / safe[edge])
    reach = right - left
    upright = reach == 0
    safe_reach = np.where(upright, 1.0, reach)
    beyond = np.where(upright, (left < 0).astype(np.float64), np.clip(-left / safe_reach, 0.0, 1.0))
    outer = np.flatnonzero((beyond > 0) & (share > 0))
    inner = np.flatnonzero(np.where(upright, (left >= 0) & (left < width), (right > 0) & (left < width)) & (share > 0))
    near, far = np.maximum(left[inner], 0.0), np.minimum(right[inner], float(width))
    column = np.minimum(np.floor(near).astype(np.int64), width - 1)
    piece, column = _spread(column, np.maximum(column, np.ceil(far).astype(np.int64) - 1))
    west, east = np.maximum(near[piece], column), np.minimum(far[piece], column + 1)
    whole = inner[piece]
    part = np.where(upright[whole], 1.0, (east - west) / safe_reach[whole])
    return Pieces(
        touched[edge[np.concatenate([whole, outer])]],
        row[np.concatenate([whole, outer])],
        np.concatenate([column, np.full(len(outer), LEFT, dtype=np.int64)]),
        np.concatenate([share[whole] * part, share[outer] * beyond[outer]]),
        np.concatenate([(west + east) / 2 - column, np.zeros(len(outer))]))


def _spread(first: np.ndarray, last: np.ndarray) -> "tuple[np.ndarray, np.ndarray]":
    """Return, for each whole number from first to last of each item, the item and the number."""
    counts = last - first + 1
    items = np.repeat(np.arange(len(first)), counts)
    begins = np.cumsum(counts) - counts
    return items, np.arange(len(items)) - begins[items] + first[items]

"""The nearest places of each place, exactly: places are parted into small boxes, and only near boxes are searched."""

from __future__ import annotations

from typing import List

import numpy as np

_LEAF = 48


def nearest_places(coordinates: np.ndarray, count: int) -> "tuple[np.ndarray, np.ndarray]":
    """Return rows and distances `(n, count)` of the nearest other places, the nearest first; n must exceed count."""
    coordinates = np.ascontiguousarray(coordinates, dtype=np.float64)
    boxes = small_boxes(coordinates)
    low = np.stack([coordinates[rows].min(axis=0) for rows in boxes])
    high = np.stack([coordinates[rows].max(axis=0) for rows in boxes])
    # So many boxes hold enough places, whichever they are.
    first = min(len(boxes), -(-(count + 1) // min(len(rows) for rows in boxes)))
    found = np.empty((len(coordinates), count), dtype=np.int64)
    distance = np.empty((len(coordinates), count))
    for number, rows in enumerate(boxes):
        gap = np.maximum(np.maximum(low - high[number], low[number] - high), 0.0)
        gap = np.einsum("ij,ij->i", gap, gap)
        squares, others = _search(coordinates, rows, boxes, np.argpartition(gap, first - 1)[:first], count)
        # Boxes nearer than the farthest neighbour so far may hold nearer places.
        near = np.flatnonzero(gap <= squares[:, -1].max())
        if len(near) > first:
            squares, others = _search(coordinates, rows, boxes, near, count)
        found[rows], distance[rows] = others, np.sqrt(squares)
    return found, distance


def small_boxes(coordinates: np.ndarray) -> "List[np.ndarray]":
    """Halve the places along their longest side until few are left in each part."""
    waiting, done = [np.arange(len(coordinates))], []
    while waiting:
        rows = waiting.pop()
        if len(rows) <= _LEAF:
            done.append(rows)
            continue
        part = coordinates[rows]
        side = int(np.argmax(np.ptp(part, axis=0)))
        middle = len(rows) // 2
        order = np.argpartition(part[:, side], middle)
        waiting += [rows[order[:middle]], rows[order[middle:]]]
    return done


def _search(coordinates: np.ndarray, rows: np.ndarray, boxes: "List[np.ndarray]", near: np.ndarray,
            count: int) -> "tuple[np.ndarray, np.ndarray]":
    """Return squared distances and rows of the nearest among some boxes; ties go to the lower row."""
    others = np.sort(np.concatenate([boxes[box] for box in near]))
    squares = np.zeros((len(rows), len(others)))
    for axis in range(coordinates.shape[1]):
        squares += (coordinates[rows, axis][:, np.newaxis] - coordinates[others, axis]) ** 2
    squares[rows[:, np.newaxis] == others] = np.inf
    if len(others) > 4 * (count + 1):
        picked = np.sort(np.argpartition(squares, count, axis=1)[:, :count], axis=1)
    else:
        picked = np.broadcast_to(np.arange(len(others)), squares.shape)
    squares = np.take_along_axis(squares, picked, axis=1)
    order = np.argsort(squares, axis=1, kind="stable")[:, :count]
    return np.take_along_axis(squares, order, axis=1), others[np.take_along_axis(picked, order, axis=1)]

"""A GeoPackage's spatial index, packed for all rows at once, which takes a tenth of the time of inserting each.

The index is SQLite's R*Tree, whose nodes are documented rows of ordinary tables: a number of cells and for each an id
and its box in float32, all big-endian. Rows are sorted into tiles (sort-tile-recursive), so that the boxes of nodes
hardly overlap.
"""

from __future__ import annotations

import math
import sqlite3
from dataclasses import dataclass

import numpy as np

from .geopackage import quoted

_CELL = np.dtype([("id", ">i8"), ("box", ">f4", 4)])
_HEAD_BYTES = 4
_ROOT = 1


@dataclass(frozen=True)
class _Level:
    """The nodes over some cells: the place of each cell, and the box of each node."""

    node_of: np.ndarray
    slot_of: np.ndarray
    boxes: np.ndarray


def outward(boxes: np.ndarray) -> np.ndarray:
    """Return boxes `(n, 4)` of least x, greatest x, least y, greatest y as float32 that hold the exact ones."""
    with np.errstate(over="ignore"):
        near = boxes.astype(np.float32)
    low, high = near[:, 0::2], near[:, 1::2]
    result = np.empty_like(near)
    result[:, 0::2] = np.where(low > boxes[:, 0::2], np.nextafter(low, np.float32(-np.inf)), low)
    result[:, 1::2] = np.where(high < boxes[:, 1::2], np.nextafter(high, np.float32(np.inf)), high)
    return result


def fill_index(connection: sqlite3.Connection, index: str, ids: np.ndarray, boxes: np.ndarray) -> None:
    """Put rows, at least one, into an index that is empty yet; boxes are those of `outward`."""
    node_table = quoted(f"{index}_node")
    query = f"SELECT length(data) FROM {node_table} WHERE nodeno = ?"  # nosec
    size = connection.execute(query, (_ROOT,)).fetchone()[0]
    capacity = (size - _HEAD_BYTES) // _CELL.itemsize
    homes, depth, next_node = quoted(f"{index}_rowid"), 0, _ROOT + 1
    while True:
        count = math.ceil(len(ids) / capacity)
        level = _level(boxes, count)
        numbers = np.arange(next_node, next_node + count) if count > 1 else np.array([_ROOT])
        connection.executemany(f"INSERT INTO {homes} VALUES (?, ?)",  # nosec B608
                               zip(ids.tolist(), numbers[level.node_of].tolist()))
        connection.executemany(f"INSERT OR REPLACE INTO {node_table} VALUES (?, ?)",  # nosec B608
                               zip(numbers.tolist(), _nodes(ids, boxes, level, size, depth if count == 1 else 0)))
        if count == 1:
            return
        homes, depth, next_node = quoted(f"{index}_parent"), depth + 1, next_node + count
        ids, boxes = numbers, level.boxes


def _level(boxes: np.ndarray, count: int) -> _Level:
    """Share cells out to nodes as evenly as can be; within a node they keep the order of their rows."""
    order = _tiled(boxes, count)
    node_in_order = np.arange(len(boxes)) * count // len(boxes)
    starts = np.searchsorted(node_in_order, np.arange(count))
    node_of, slot_of = np.empty(len(boxes), dtype=np.int64), np.empty(len(boxes), dtype=np.int64)
    node_of[order] = node_in_order
    slot_of[np.argsort(node_of, kind="stable")] = np.arange(len(boxes)) - starts[node_in_order]
    around = np.empty((count, 4), dtype=np.float32)
    around[:, 0::2] = np.minimum.reduceat(boxes[order][:, 0::2], starts)
    around[:, 1::2] = np.maximum.reduceat(boxes[order][:, 1::2], starts)
    return _Level(node_of, slot_of, around)


def _tiled(boxes: np.ndarray, count: int) -> np.ndarray:
    """Return the order of cells along strips of equal number in x, upwards in one and downwards in the next."""
    middle = boxes.astype(np.float64)
    across, along = middle[:, 0] + middle[:, 1], middle[:, 2] + middle[:, 3]
    strips = math.ceil(math.sqrt(count))
    order = np.argsort(across, kind="stable")
    strip = np.arange(len(boxes)) * strips // len(boxes)
    return order[np.lexsort((np.where(strip % 2, -along[order], along[order]), strip))]


def _nodes(ids: np.ndarray, boxes: np.ndarray, level: _Level, size: int, depth: int) -> "list[bytes]":
    """Return the bytes of each node; only the root tells how deep the tree is."""
    count = len(level.boxes)
    cells = np.empty(len(ids), dtype=_CELL)
    cells["id"], cells["box"] = ids, boxes
    held = np.zeros((count, (size - _HEAD_BYTES) // _CELL.itemsize), dtype=_CELL)
    held[level.node_of, level.slot_of] = cells
    data = np.zeros((count, size), dtype=np.uint8)
    heads = np.zeros((count, 2), dtype=">u2")
    heads[:, 0], heads[:, 1] = depth, np.bincount(level.node_of, minlength=count)
    data[:, :_HEAD_BYTES] = heads.view(np.uint8)
    data[:, _HEAD_BYTES:_HEAD_BYTES + held.shape[1] * _CELL.itemsize] = held.view(np.uint8).reshape(count, -1)
    raw = data.tobytes()
    return [raw[start:start + size] for start in range(0, len(raw), size)]

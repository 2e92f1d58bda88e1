"""Farmland: blocks of land, each ploughed in a direction of its own and cut into strips."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple

import numpy as np

from .frame import CELL, Frame
from .noise import generator, hashed, smooth_noise

_STREAM = 11


@dataclass(frozen=True)
class Parcels:
    """What each fine cell knows of its parcel."""

    draw: np.ndarray
    crop_draw: np.ndarray
    centre_east: np.ndarray
    centre_south: np.ndarray
    edge: np.ndarray
    """Metres to the nearest side of the parcel."""
    block_edge: np.ndarray
    """Metres to the nearest side of the block."""
    across: np.ndarray
    """Metres across the furrows."""


@dataclass(frozen=True)
class _Blocks:
    """The middles of the blocks, and for each fine cell the block it belongs to."""

    east: np.ndarray
    south: np.ndarray
    index: np.ndarray
    edge: np.ndarray


def divide(frame: Frame, seed: int, block_size: float, strip: Tuple[float, float]) -> Parcels:
    """Divide all the ground into parcels of about the strip's width and length; what is no farmland is painted over."""
    east, south = frame.coordinates()
    rng = generator(seed, _STREAM)
    east = east + 16 * smooth_noise(frame.shape, 260 / CELL, rng)
    south = south + 16 * smooth_noise(frame.shape, 260 / CELL, rng)
    blocks = _blocks(frame, east, south, seed, block_size)

    keys = np.arange(blocks.east.size, dtype=np.int32)
    angles = np.pi * (0.22 + 0.16 * (hashed(seed + 1, keys) - 0.5) + 0.5 * (hashed(seed + 2, keys) < 0.35))
    cosine, sine = np.cos(angles)[blocks.index], np.sin(angles)[blocks.index]
    x, y = east - blocks.east[blocks.index], south - blocks.south[blocks.index]
    along, across = x * cosine + y * sine, y * cosine - x * sine

    width = (strip[0] * (0.55 + 1.1 * hashed(seed + 3, keys) ** 1.5))[blocks.index]
    row = np.floor(across / width + 0.5)
    row_draw = hashed(seed + 4, blocks.index, row)
    length = strip[1] * (0.5 + 1.2 * row_draw)
    shift = (row_draw * 7) % 1
    part = np.floor(along / length + shift)
    draw = hashed(seed + 6, blocks.index, row, part)

    centre_along, centre_across = (part + 0.5 - shift) * length, row * width
    to_side = width / 2 - np.abs(across - centre_across)
    to_end = length / 2 - np.abs(along - centre_along)
    return Parcels(
        draw=draw,
        crop_draw=(draw * 4096) % 1,
        centre_east=blocks.east[blocks.index] + centre_along * cosine - centre_across * sine,
        centre_south=blocks.south[blocks.index] + centre_along * sine + centre_across * cosine,
        edge=np.minimum(np.minimum(to_side, to_end), blocks.edge),
        block_edge=blocks.edge,
        across=across,
    )


def _blocks(frame: Frame, east: np.ndarray, south: np.ndarray, seed: int, size: float) -> _Blocks:
    """Return the nearest point of a jittered grid for each cell, and metres to the border with the next nearest."""
    margin = 3
    rows = int(frame.rows * 10 / size) + 2 * margin + 1
    columns = int(frame.columns * 10 / size) + 2 * margin + 1
    r, c = np.mgrid[0:rows, 0:columns]
    middle_east = ((c - margin + 0.1 + 0.8 * hashed(seed + 8, c, r)) * size).astype(np.float32).ravel()
    middle_south = ((r - margin + 0.1 + 0.8 * hashed(seed + 9, c, r)) * size).astype(np.float32).ravel()

    row, column = np.floor(south / size).astype(np.int32), np.floor(east / size).astype(np.int32)
    home = (row + margin) * columns + column + margin
    best = np.full(east.shape, np.inf, dtype=np.float32)
    second = best.copy()
    index = np.zeros(east.shape, dtype=np.int32)
    for step in (-columns - 1, -columns, -columns + 1, -1, 0, 1, columns - 1, columns, columns + 1):
        candidate = home + step
        distance = np.hypot(east - middle_east[candidate], south - middle_south[candidate])
        np.minimum(second, np.maximum(best, distance), out=second)
        index = np.where(distance < best, candidate, index)
        np.minimum(best, distance, out=best)
    return _Blocks(middle_east, middle_south, index, (second - best) / 2)

"""The first three principal components of an encoder's vectors, at its training places and on a grid around them."""

from __future__ import annotations

from typing import Tuple

import numpy as np

from ..locations.coverage import Coverage
from ..locations.network import Network
from ..locations.places import canonical
from ..locations.position import Position
from ..progress import Progress, check
from .judged import Surface
from .spread import spread_of

_LONGER_SIDE = 160
_MARGIN = 0.03
_CUT = 2.0
_MOST_FITTED = 20_000
_ROWS = 4096


def vectors_at(position: Position, network: Network, places: np.ndarray, progress: Progress) -> np.ndarray:
    """Return float32 vectors of places, in runs that memory can bear."""
    found = []
    for start in range(0, len(places), _ROWS):
        check(progress)
        found.append(network.apply(position.features(places[start:start + _ROWS])))
    return np.concatenate(found)


def surface_of(position: Position, network: Network, places: np.ndarray, area: Coverage,
               progress: Progress) -> "Tuple[Surface, np.ndarray]":
    """Return the picture, and the components `(n, 3)` of the places on the same scale."""
    mine = vectors_at(position, network, places, progress)
    mean, axes, shares = _principal(mine)
    west, south, east, north, columns, rows = _box(places)
    longitude = west + (np.arange(columns) + 0.5) / columns * (east - west)
    latitude = north - (np.arange(rows) + 0.5) / rows * (north - south)
    grid = np.stack(np.meshgrid(longitude, latitude), axis=-1).reshape(-1, 2)
    wrapped = canonical(grid)
    values = (vectors_at(position, network, wrapped, progress) - mean) @ axes
    own = (mine - mean) @ axes
    known = ~area.outside(wrapped)
    basis = np.concatenate([own, values[known]])
    low, high = np.percentile(basis, [_CUT, 100 - _CUT], axis=0)
    spread = np.where(high > low, high - low, 1.0)
    scaled = np.clip((values - low) / spread, 0, 1).reshape(rows, columns, 3)
    return Surface(west, south, east, north, scaled.astype(np.float32), known.reshape(rows, columns), shares), np.clip(
        (own - low) / spread, 0, 1).astype(np.float32)


def _principal(vectors: np.ndarray) -> "Tuple[np.ndarray, np.ndarray, Tuple[float, ...]]":
    """Return mean, three axes `(D, 3)` and the share of the variance that each explains."""
    some = vectors[:: max(1, len(vectors) // _MOST_FITTED)].astype(np.float64)
    mean = some.mean(axis=0)
    values, axes = np.linalg.eigh((some - mean).T @ (some - mean))
    order = np.argsort(-values, kind="stable")[:3]
    basis = axes[:, order]
    signs = np.sign(basis[np.abs(basis).argmax(axis=0), np.arange(basis.shape[1])])
    basis = basis * np.where(signs == 0, 1.0, signs)
    total = max(float(np.clip(values, 0, None).sum()), 1e-300)
    shares = tuple(max(0.0, float(values[place])) / total for place in order)
    short = 3 - basis.shape[1]
    return mean, np.pad(basis, ((0, 0), (0, short))), shares + (0.0,) * short


def _box(places: np.ndarray) -> "Tuple[float, float, float, float, int, int]":
    """Return a box around the places with a margin, and how many cells it has along both sides."""
    spread = spread_of(places)
    width, height = max(spread.width, 1e-4), max(spread.height, 1e-4)
    margin = _MARGIN * max(width, height)
    south, north = max(-90.0, spread.south - margin), min(90.0, spread.south + spread.height + margin)
    west, east = spread.west - margin, spread.west + spread.width + margin
    if east - west > 350.0:
        west, east = -180.0, 180.0
    shrink = max(float(np.cos(np.radians((south + north) / 2))), 0.05)
    across, up = (east - west) * shrink, north - south
    cell = max(across, up) / _LONGER_SIDE
    return west, south, east, north, max(1, int(round(across / cell))), max(1, int(round(up / cell)))

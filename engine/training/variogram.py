"""How far values at two places stay alike: an empirical variogram from a sample of pairs, and a fitted range."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .sites import Sites, along_globe

_MOST_PAIRS = 200_000
_BINS = 24
_FEWEST_PAIRS = 30
_FEWEST_ROWS = 10
_LEVELS = 12
_RANGES = 80
_STRUCTURE = 0.1
# A model must explain so much of what a flat line leaves, or else chance may have drawn it.
_GAIN = 0.4
# The exponential model reaches 95 % of its sill at three times its parameter, which is taken as its range.
_PRACTICAL = 3.0


@dataclass(frozen=True)
class Variogram:
    """Distances in units of the CRS, half the mean squared differences at each, and the fitted model.

    `reach` is where the model levels off; 0 where near places are no more alike than far ones. `share` is how much of
    the sill the distance explains.
    """

    distances: np.ndarray
    values: np.ndarray
    pairs: np.ndarray
    model: str
    reach: float
    nugget: float
    sill: float
    farthest: float

    @property
    def share(self) -> float:
        """Return how much of the sill the distance explains, 0..1."""
        return 1.0 - self.nugget / self.sill if self.sill > 0 else 0.0


def variogram(sites: Sites, values: np.ndarray, seed: int) -> Variogram:
    """Estimate from at most 200,000 pairs at all distances up to half the farthest, and fit two models."""
    return variograms(sites, np.asarray(values).reshape(-1, 1), seed)[0]


def variograms(sites: Sites, columns: np.ndarray, seed: int) -> "tuple[Variogram, ...]":
    """Estimate one for each column `(n, m)` from the same pairs; rows without a place or a value are left out."""
    columns = np.asarray(columns, dtype=np.float64)
    placed = np.isfinite(sites.points).all(axis=1) & np.isfinite(columns).all(axis=1)
    coordinates, columns = sites.coordinates()[placed], columns[placed]
    if len(columns) < _FEWEST_ROWS:
        return (_nothing(),) * columns.shape[1]
    first, second = _pairs(coordinates, np.random.default_rng(seed))
    straight = np.sqrt(((coordinates[first] - coordinates[second]) ** 2).sum(axis=1))
    distance = (along_globe(straight) if sites.geographic else straight) / sites.scale
    farthest = float(distance.max(initial=0.0)) / 2
    return tuple(_fitted(*_binned(distance, (values[first] - values[second]) ** 2 / 2, farthest), farthest)
                 for values in columns.T)


def _pairs(coordinates: np.ndarray, chance: np.random.Generator) -> "tuple[np.ndarray, np.ndarray]":
    """Return pairs: all where they are few, else partners drawn within cells of ever smaller size.

    Were pairs drawn at random, next to none would be near ones, and a short range would not be seen.
    """
    rows = len(coordinates)
    if rows * (rows - 1) // 2 <= _MOST_PAIRS:
        return np.triu_indices(rows, 1)
    apart = coordinates - coordinates.min(axis=0)
    extent = float(apart.max())
    firsts, seconds = [], []
    for level in range(_LEVELS):
        cell = np.floor(apart / (extent / 2 ** level * (1 + 1e-9)) + chance.random(apart.shape[1]) * (level > 0))
        # Cells are at most 2 ** _LEVELS along each side, so that one number holds all sides.
        key = (cell.astype(np.int64) * 2 ** (_LEVELS * np.arange(cell.shape[1]))).sum(axis=1)
        code = np.unique(key, return_inverse=True)[1].reshape(-1)
        order = np.argsort(code, kind="stable")
        size = np.bincount(code)
        start = np.cumsum(size) - size
        alone = size[code] < 2
        if alone.all():
            break
        picked = chance.choice(np.flatnonzero(~alone), _MOST_PAIRS // _LEVELS)
        partner = order[start[code[picked]] + (chance.random(len(picked)) * size[code[picked]]).astype(np.int64)]
        other = partner != picked
        firsts.append(picked[other])
        seconds.append(partner[other])
    one, two = np.concatenate(firsts), np.concatenate(seconds)
    # The few pairs of the smallest cells are drawn again and again; counted once, they claim no more than they know.
    keys = np.unique(np.minimum(one, two).astype(np.int64) * rows + np.maximum(one, two))
    return keys // rows, keys % rows


def _binned(distance: np.ndarray, half: np.ndarray, farthest: float) -> "tuple[np.ndarray, np.ndarray, np.ndarray]":
    """Return mean distance, mean half square and number of pairs of bins that grow with the distance."""
    kept = (distance > 0) & (distance <= farthest)
    distance, half = distance[kept], half[kept]
    if not len(distance):
        return np.empty(0), np.empty(0), np.empty(0, dtype=np.int64)
    low = float(np.quantile(distance, min(0.5, 2 * _FEWEST_PAIRS / len(distance))))
    edges = np.geomspace(min(low, farthest / 4), farthest, _BINS)
    edges[-1] *= 1 + 1e-9
    bin_of = np.searchsorted(edges, distance, side="right")
    bin_of = _joined(np.bincount(bin_of, minlength=_BINS), min(_FEWEST_PAIRS, -(-len(distance) // 8)))[bin_of]
    pairs = np.bincount(bin_of)
    means = [np.bincount(bin_of, weights=part) / pairs for part in (distance, half)]
    return means[0], means[1], pairs


def _joined(pairs: np.ndarray, least: int) -> np.ndarray:
    """Return the new number of each bin, neighbours joined until each holds enough pairs."""
    found = np.empty(len(pairs), dtype=np.int64)
    number, held = 0, 0
    for index, count in enumerate(pairs.tolist()):
        found[index] = number
        held += count
        if held >= least:
            number, held = number + 1, 0
    return np.minimum(found, max(number - 1, 0))


def _fitted(distances: np.ndarray, values: np.ndarray, pairs: np.ndarray, farthest: float) -> Variogram:
    """Fit an exponential and a spherical model over a grid of ranges by weighted least squares; the better wins."""
    if len(distances) < 4 or not values.max() > 0:
        return Variogram(distances, values, pairs, "nugget", 0.0, float(values.mean()) if len(values) else 0.0,
                         float(values.mean()) if len(values) else 0.0, farthest)
    # Up to the usual number of pairs, more of them make a value surer; beyond it no bin shall decide alone.
    weights = np.minimum(pairs, np.median(pairs)).astype(np.float64)
    flat = float((weights * values).sum() / weights.sum())
    best = (float((weights * (values - flat) ** 2).sum()) * (1 - _GAIN), "nugget", 0.0, flat, flat)
    for reach in np.geomspace(distances[2], farthest * 1.5, _RANGES):
        for name, shape in (("exponential", 1 - np.exp(-_PRACTICAL * distances / reach)),
                            ("spherical", _spherical(distances / reach))):
            nugget, part = _parts(shape, values, weights)
            error = float((weights * (values - nugget - part * shape) ** 2).sum())
            if error < best[0] and part > _STRUCTURE * (nugget + part):
                best = (error, name, float(reach), nugget, nugget + part)
    return Variogram(distances, values, pairs, best[1], best[2], best[3], best[4], farthest)


def _spherical(ratio: np.ndarray) -> np.ndarray:
    """Return the spherical model of distances over the range."""
    ratio = np.minimum(ratio, 1.0)
    return 1.5 * ratio - 0.5 * ratio ** 3


def _parts(shape: np.ndarray, values: np.ndarray, weights: np.ndarray) -> "tuple[float, float]":
    """Return the nugget and the part that grows with distance, neither below 0."""
    total, mean = weights.sum(), (weights * shape).sum()
    square = (weights * shape ** 2).sum()
    up, across = (weights * values).sum(), (weights * values * shape).sum()
    scale = total * square - mean ** 2
    if scale > 1e-12 * total * square:
        part = (total * across - mean * up) / scale
        nugget = (up - part * mean) / total
        if part >= 0 and nugget >= 0:
            return float(nugget), float(part)
        if part < 0:
            return float(up / total), 0.0
    return 0.0, float(across / square)


def _nothing() -> Variogram:
    """Return what can be said of too few places."""
    none = np.empty(0)
    return Variogram(none, none, none.astype(np.int64), "nugget", 0.0, math.nan, math.nan, math.nan)

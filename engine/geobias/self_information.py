"""Spatial self-information: how surprising the Moran statistic of a neighbourhood is among places that could have been.

The places of a neighbourhood stand among a background of polar rings; the mean and variance that the statistic has
where classes lie at random follow from how many places each class has.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..training.near_places import nearest_places
from .marked_places import MarkedPlaces, upright
from .request import PUBLISHED

FLOOR = 1e-256
_BACKGROUND = 5.0
_TIED, _ALIKE = 8, 1e-7


@dataclass(frozen=True, eq=False)
class Surprise:
    """Scores of one centre for several columns of marks; NaN where the variance is 0 or less, which has no density."""

    scores: np.ndarray
    saturated: np.ndarray


@dataclass(frozen=True, eq=False)
class Links:
    """The neighbour graph of a neighbourhood and its background, as far as marks need it.

    `source` and `target` are the links among its own places; `pointed` counts how many links lead to each of them,
    also from the background; `size` is how many places there are with the background, each with `width` links.
    """

    source: np.ndarray
    target: np.ndarray
    pointed: np.ndarray
    size: int
    width: int


def links_of(places: MarkedPlaces, centre: int, sites: np.ndarray, radians: float, neighbours: int) -> Links:
    """Link every place of a neighbourhood and of its background to its nearest ones."""
    background = rings_around(places.places[centre], len(sites), radians)
    everything = np.concatenate([places.upright[sites], upright(background)])
    width = min(neighbours, len(everything) - 1)
    nearest = _nearest(everything, width)
    own = len(sites)
    source = np.repeat(np.arange(own), width)
    target = nearest[:own].ravel()
    inside = target < own
    pointed = np.bincount(nearest.ravel(), minlength=len(everything))[:own]
    return Links(source[inside], target[inside], pointed, len(everything), width)


def _nearest(upright_places: np.ndarray, width: int) -> np.ndarray:
    """Return the nearest of each place; of equally near ones those that come first, whatever rounding makes of them.

    Rings put some of their places exactly as far from each other as from the centre.
    """
    wider = min(width + _TIED, len(upright_places) - 1)
    found, distance = nearest_places(upright_places, wider)
    limit = distance[:, width - 1:width]
    tied = np.abs(distance - limit) <= _ALIKE * limit
    rank = np.where(tied, 1, np.where(distance < limit, 0, 2))
    order = np.lexsort((found, rank), axis=1)[:, :width]
    return np.take_along_axis(found, order, axis=1)


def rings_around(place: np.ndarray, count: int, radians: float) -> np.ndarray:
    """Return the background `(m, 2)`: rings as far apart as their places, about five places for each of `count`.

    Density, spacing and numbers are those of the published score.
    """
    density = math.ceil(_BACKGROUND * count / (math.pi * radians * radians))
    spacing = 1.0 / math.sqrt(density)
    distances, bearings = [], []
    for ring in range(1, math.ceil(radians / spacing) + 1):
        many = math.ceil(2 * math.pi * ring)
        distances.append(np.full(many, ring * spacing))
        bearings.append(-math.pi + 2 * math.pi * np.arange(many) / many)
    return _moved(place, np.concatenate(distances), np.concatenate(bearings))


def _moved(place: np.ndarray, distance: np.ndarray, bearing: np.ndarray) -> np.ndarray:
    """Return the places at distances (radians) and bearings from a place."""
    longitude, latitude = np.radians(place)
    sine = np.sin(latitude) * np.cos(distance) + np.cos(latitude) * np.sin(distance) * np.cos(bearing)
    east = np.sin(bearing) * np.sin(distance) * np.cos(latitude)
    turn = np.arctan2(east, np.cos(distance) - np.sin(latitude) * sine)
    return np.degrees(np.stack([longitude + turn, np.arcsin(np.clip(sine, -1.0, 1.0))], axis=1))


def surprise(links: Links, values: np.ndarray, version: int) -> Surprise:
    """Return the score for columns of values `(places, columns)`, each −1 or 1; the background has 0."""
    values = np.asarray(values, dtype=np.float64)
    total = values.sum(axis=0)
    mean = total / links.size
    crossed = np.einsum("ij,ij->j", values[links.source], values[links.target])
    pointed = links.pointed.astype(np.float64) @ values
    statistic = crossed - mean * (links.width * total + pointed) + mean * mean * links.width * links.size
    expected, variance = _moments((values < 0).sum(axis=0), (values > 0).sum(axis=0), mean, links)
    return _published(statistic, expected, variance) if version == PUBLISHED else _tail(statistic, expected, variance)


def _moments(failing: np.ndarray, right: np.ndarray, mean: np.ndarray, links: Links) -> "tuple[np.ndarray, np.ndarray]":
    """Return the mean and the variance of the statistic where classes lie at random, for any number of neighbours.

    The background outnumbers the places by five to one, so it is the commonest class, which the variance leaves out.
    """
    size, width = float(links.size), float(links.width)
    counts = [failing.astype(np.float64), right.astype(np.float64), np.full(len(mean), size) - failing - right]
    away = [-1.0 - mean, 1.0 - mean, -mean]
    expected, variance = np.zeros(len(mean)), np.zeros(len(mean))
    for a in range(3):
        for b in range(3):
            many = width * counts[a] * counts[b] / size
            if a == b:
                # A class without places has no pairs.
                many = np.where(counts[a] > 0, width * counts[a] * (counts[a] - 1) / size - 1, 0.0)
            expected += away[a] * away[b] * many
    for a in range(2):
        for b in range(2):
            if a == b:
                share = 2 * width * counts[a] * (counts[a] - 1) / size
                variance += share * (1 - width * (2 * counts[a] - 1) / (3 * size)) * (away[a] - away[2]) ** 4
            else:
                share = width * counts[a] * counts[b] / size
                step = away[a] * away[b] - 2 * away[a] * away[2] + away[2] ** 2
                variance += share * (1 - width * np.maximum(counts[a], counts[b]) / size) * step ** 2
    return expected, variance


def _published(statistic: np.ndarray, expected: np.ndarray, variance: np.ndarray) -> Surprise:
    """Return −ln of the normal density: version 1."""
    known = variance > 0
    safe = np.where(known, variance, 1.0)
    density = np.exp(-((statistic - expected) ** 2) / (2 * safe)) / np.sqrt(2 * np.pi * safe)
    return Surprise(np.where(known, -np.log(density + FLOOR), np.nan), known & (density < FLOOR))


def _tail(statistic: np.ndarray, expected: np.ndarray, variance: np.ndarray) -> Surprise:
    """Return −ln of the two-sided tail, with a standard deviation that is larger by 1: version 2."""
    known = variance >= 0
    deviation = np.sqrt(np.where(known, variance, 0.0)) + 1.0
    lower = (np.minimum(statistic, 2 * expected - statistic) - expected) / deviation
    tail = np.array([math.erfc(one) for one in (-lower / math.sqrt(2.0)).tolist()])
    return Surprise(np.where(known, -np.log(tail + FLOOR), np.nan), known & (tail < FLOOR))

"""Geo-bias scores against plain loops, and worked cases whose answer is known."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Tuple

import numpy as np
import pytest

from earthprint.engine.errors import Cancelled, InputError
from earthprint.engine.geobias import (
    DIRECTION,
    DISTANCE,
    FAILURES,
    GRID,
    MARKED,
    RELATIVE,
    SCORES,
    UNMARKED,
    BiasRequest,
    BiasResult,
    geo_bias,
)
from earthprint.engine.progress import Silent

sys.path.insert(0, str(Path(__file__).resolve().parent))

import naive_geobias as naive  # noqa: E402

SPOTS = {"north": (10.0, 50.0), "south": (-65.0, -35.0), "seam": (179.9, 2.0), "north pole": (0.0, 89.5),
         "south pole": (0.0, -89.7)}


def cloud(spot: str, count: int, seed: int, kilometres: float = 150.0) -> np.ndarray:
    """Return places by chance within a circle on the ground, also across ±180° and around a pole."""
    chance = np.random.default_rng(seed)
    away = np.sqrt(chance.random(count)) * kilometres * 1000 / naive.EARTH
    bearing = chance.random(count) * 2 * np.pi
    lon, lat = np.radians(SPOTS[spot])
    there = np.arcsin(np.sin(lat) * np.cos(away) + np.cos(lat) * np.sin(away) * np.cos(bearing))
    turn = np.arctan2(np.sin(bearing) * np.sin(away) * np.cos(lat), np.cos(away) - np.sin(lat) * np.sin(there))
    found = np.degrees(np.stack([lon + turn, there], axis=1))
    found[:, 0] = (found[:, 0] + 180) % 360 - 180
    return np.round(found, 9)


def marks(count: int, seed: int, share: float = 0.3) -> np.ndarray:
    """Return failures by chance."""
    return np.random.default_rng(seed + 1000).random(count) < share


def run(places: np.ndarray, failures: np.ndarray, **settings: object) -> BiasResult:
    """Score with few shuffles."""
    return geo_bias(places, failures, BiasRequest(**{"permutations": 39, **settings}), Silent())  # type: ignore


SETTINGS = {"radius": 80_000.0, "lag": 25_000.0, "sectors": 6, "scale": 30_000.0, "least": 4}


@pytest.mark.parametrize("spot", sorted(SPOTS))
def test_relative_information_equals_plain_loops_all_over_the_globe(spot: str) -> None:
    places, failures = cloud(spot, 120, 3), marks(120, 3)
    found = run(places, failures, scores=RELATIVE, permutations=0, **SETTINGS)
    share = failures.astype(float).tolist()
    where = [tuple(place) for place in places.tolist()]
    for score in RELATIVE:
        true = [naive.relative(score, where, share, c, SETTINGS) for c in range(len(where))]
        np.testing.assert_allclose(found.local[score].values, true, rtol=0, atol=1e-9)
        counts = [sum(naive.haversine(a, b) * naive.EARTH <= SETTINGS["radius"] for b in where) for a in where]
        assert found.near.tolist() == counts
        assert found.figure(score).value == pytest.approx(naive.aggregate(true, counts), abs=1e-9)
        assert max(true) > 0.05


@pytest.mark.parametrize("spot", ["north", "south", "seam", "south pole"])
@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("score", [MARKED, UNMARKED])
def test_self_information_equals_plain_loops(spot: str, version: int, score: str) -> None:
    places, failures = cloud(spot, 30, 5), marks(30, 5)
    settings = {"radius": 70_000.0, "largest": 9, "neighbours": 3}
    found = run(places, failures, scores=(score,), permutations=0, version=version, **settings)
    share = failures.astype(float).tolist()
    where = [tuple(place) for place in places.tolist()]
    true = [naive.self_information(where, share, c, settings, score == MARKED, version) for c in range(len(where))]
    np.testing.assert_allclose(found.local[score].values, true, rtol=1e-9, atol=1e-9)
    counts = [sum(naive.haversine(a, b) * naive.EARTH <= settings["radius"] for b in where) for a in where]
    assert np.nanstd(true) > 0.01
    # A neighbourhood weighs as many places as the score looks at.
    assert found.figure(score).value == pytest.approx(
        naive.aggregate(true, [min(count, settings["largest"]) for count in counts]), rel=1e-9)

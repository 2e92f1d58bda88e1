"""The variogram gives back the range of fields that were made with one."""

from __future__ import annotations

import numpy as np
import pytest
from osgeo import osr

from earthprint.engine.training.sites import METRES_PER_DEGREE, Sites
from earthprint.engine.training.variogram import variogram


def gaussian_field(points: np.ndarray, correlation: "np.ndarray", seed: int) -> np.ndarray:
    """Return values with a given matrix of correlations."""
    root = np.linalg.cholesky(correlation + 1e-8 * np.eye(len(points)))
    return root @ np.random.default_rng(seed).standard_normal(len(points))


def distances(points: np.ndarray) -> np.ndarray:
    """Return all distances."""
    return np.hypot(*(points[:, np.newaxis] - points).transpose(2, 0, 1))


def spherical(ratio: np.ndarray) -> np.ndarray:
    """Return the spherical correlation of distance over range."""
    return np.where(ratio < 1, 1 - 1.5 * ratio + 0.5 * ratio ** 3, 0.0)


@pytest.mark.parametrize("reach", [15.0, 40.0])
@pytest.mark.parametrize("shape", [lambda ratio: np.exp(-3 * ratio), spherical], ids=["exponential", "spherical"])
@pytest.mark.parametrize("nugget", [0.0, 0.5])
def test_a_known_range_comes_back(reach, shape, nugget):
    found = []
    for seed in range(3):
        chance = np.random.default_rng(seed)
        points = chance.uniform(0, 200, (700, 2))
        values = gaussian_field(points, shape(distances(points) / reach), seed) + chance.normal(0, nugget ** 0.5, 700)
        found.append(variogram(Sites("a", points, "", np.arange(700)), values, 0).reach / reach)
    assert 0.65 < np.median(found) < 1.5
    assert np.mean([0.4 < ratio < 2.2 for ratio in found]) >= 0.6


def test_a_short_range_among_many_places_is_seen_though_few_pairs_are_near():
    chance = np.random.default_rng(0)
    middles = chance.uniform(0, 1000, (4000, 2))
    values = np.repeat(chance.standard_normal(4000), 3) + chance.normal(0, 0.3, 12_000)
    points = np.repeat(middles, 3, axis=0) + chance.uniform(-1, 1, (12_000, 2))
    found = variogram(Sites("a", points, "", np.arange(12_000)), values, 0)
    # Three samples within 2 units of each other share a value: beyond 3 units they are strangers.
    assert 1.0 < found.reach < 12.0 and found.share > 0.7


def test_values_are_half_the_mean_squared_differences_of_all_pairs():
    chance = np.random.default_rng(1)
    points, values = chance.uniform(0, 10, (150, 2)), chance.standard_normal(150)
    found = variogram(Sites("a", points, "", np.arange(150)), values, 0)
    apart, half = distances(points), (values[:, np.newaxis] - values) ** 2 / 2
    upper = np.triu(np.ones((150, 150), dtype=bool), 1) & (apart <= apart.max() / 2)
    assert found.pairs.sum() == upper.sum()
    assert found.pairs @ found.values == pytest.approx(half[upper].sum(), rel=1e-10)
    assert found.pairs @ found.distances == pytest.approx(apart[upper].sum(), rel=1e-10)
    edge = (found.distances[5] + found.distances[6]) / 2
    assert np.all(np.diff(found.distances) > 0) and edge < apart.max()


def test_noise_has_no_range():
    found = [variogram(Sites("a", chance.uniform(0, 100, (300, 2)), "", np.arange(300)), chance.standard_normal(300),
                       0).reach for chance in map(np.random.default_rng, range(12))]
    assert np.mean(np.array(found) == 0) >= 0.75


def test_degrees_are_measured_on_the_globe():
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(4326)
    chance = np.random.default_rng(2)
    plane = chance.uniform(-50_000, 50_000, (600, 2))
    values = gaussian_field(plane, np.exp(-3 * distances(plane) / 20_000), 3)
    # Around 180° at 60° north, where a degree of longitude is half as long.
    lat = 60 + plane[:, 1] / METRES_PER_DEGREE
    lon = (180 + plane[:, 0] / METRES_PER_DEGREE / np.cos(np.radians(lat)) + 180) % 360 - 180
    globe = variogram(Sites("a", np.stack([lon, lat], axis=1), reference.ExportToWkt(), np.arange(600)), values, 0)
    flat = variogram(Sites("a", plane, "", np.arange(600)), values, 0)
    assert globe.reach * METRES_PER_DEGREE == pytest.approx(flat.reach, rel=0.1)


def test_few_or_missing_places_give_no_range():
    points = np.full((20, 2), np.nan)
    points[:6] = np.arange(12).reshape(6, 2)
    found = variogram(Sites("a", points, "", np.arange(20)), np.arange(20.0), 0)
    assert found.reach == 0.0 and len(found.pairs) == 0
    same = variogram(Sites("a", np.zeros((40, 2)), "", np.arange(40)), np.arange(40.0), 0)
    assert same.reach == 0.0

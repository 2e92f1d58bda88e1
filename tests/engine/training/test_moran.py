"""Moran's I and the neighbours it looks at, against dense computations."""

from __future__ import annotations

import numpy as np
import pytest
from osgeo import osr

from earthprint.engine.training.moran import morans_i, neighbour_graph
from earthprint.engine.training.near_places import nearest_places
from earthprint.engine.training.sites import Sites


def world() -> str:
    """Return the WKT of longitude and latitude."""
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(4326)
    return reference.ExportToWkt()


def dense_weights(coordinates: np.ndarray, count: int) -> np.ndarray:
    """Return the full matrix of row-standardised weights of the nearest places."""
    apart = np.sqrt(((coordinates[:, np.newaxis] - coordinates) ** 2).sum(axis=2))
    np.fill_diagonal(apart, np.inf)
    weights = np.zeros_like(apart)
    for row, order in enumerate(np.argsort(apart, axis=1)):
        weights[row, order[:count]] = 1 / count
    return weights


def dense_moran(values: np.ndarray, weights: np.ndarray) -> "tuple[float, float]":
    """Return I and z under randomisation by the textbook's double sums (Cliff and Ord 1981)."""
    n, apart = len(values), values - values.mean()
    total = sum(weights[i, j] for i in range(n) for j in range(n))
    crossed = sum(weights[i, j] * apart[i] * apart[j] for i in range(n) for j in range(n))
    value = n / total * crossed / (apart ** 2).sum()
    one = 0.5 * sum((weights[i, j] + weights[j, i]) ** 2 for i in range(n) for j in range(n))
    two = sum((weights[i].sum() + weights[:, i].sum()) ** 2 for i in range(n))
    kurtosis = (apart ** 4).mean() / (apart ** 2).mean() ** 2
    square = ((n * ((n ** 2 - 3 * n + 3) * one - n * two + 3 * total ** 2)
               - kurtosis * ((n ** 2 - n) * one - 2 * n * two + 6 * total ** 2))
              / ((n - 1) * (n - 2) * (n - 3) * total ** 2))
    expected = -1 / (n - 1)
    return value, (value - expected) / np.sqrt(square - expected ** 2)


@pytest.mark.parametrize("dims,rows", [(2, 700), (3, 700), (2, 30)])
def test_nearest_places_are_those_of_all_distances(dims, rows):
    chance = np.random.default_rng(dims)
    places = np.concatenate([chance.normal(0, 1, (rows // 2, dims)), chance.normal(40, 0.01, (rows - rows // 2, dims))])
    apart = np.sqrt(((places[:, np.newaxis] - places) ** 2).sum(axis=2))
    np.fill_diagonal(apart, np.inf)
    found, distance = nearest_places(places, 8)
    assert np.array_equal(found, np.argsort(apart, axis=1)[:, :8])
    assert np.allclose(distance, np.sort(apart, axis=1)[:, :8], rtol=1e-12)


def test_nearest_places_of_places_at_one_spot():
    places = np.repeat(np.array([[0.0, 0.0], [1.0, 0.0]]), 100, axis=0)
    found, distance = nearest_places(places, 5)
    assert (distance == 0).all() and (found != np.arange(200)[:, np.newaxis]).all()
    assert (found // 100 == np.arange(200)[:, np.newaxis] // 100).all()


@pytest.mark.parametrize("seed", [0, 1])
def test_value_and_z_are_those_of_the_dense_sums(seed):
    chance = np.random.default_rng(seed)
    points = chance.uniform(0, 100, (90, 2))
    values = np.sin(points[:, 0] / 20) + chance.exponential(1, 90)
    found = morans_i(values, neighbour_graph(Sites("a", points, "", np.arange(90))))
    value, z = dense_moran(values, dense_weights(points, 8))
    assert found.value == pytest.approx(value, rel=1e-10) and found.z == pytest.approx(z, rel=1e-9)
    assert found.expected == pytest.approx(-1 / 89)


def test_z_is_what_shuffling_gives():
    chance = np.random.default_rng(2)
    points = chance.uniform(0, 100, (120, 2))
    values = np.sin(points[:, 0] / 25) + chance.normal(0, 0.5, 120)
    graph = neighbour_graph(Sites("a", points, "", np.arange(120)))
    found = morans_i(values, graph)
    shuffled = np.array([morans_i(chance.permutation(values), graph).value for _ in range(2000)])
    assert found.z == pytest.approx((found.value - shuffled.mean()) / shuffled.std(), rel=0.05)
    assert found.alike and found.p < 1e-4


def test_neighbours_reach_over_180_and_the_pole():
    chance = np.random.default_rng(4)
    points = np.stack([(chance.normal(180, 2, 200) + 180) % 360 - 180, chance.normal(0, 2, 200)], axis=1)
    graph = neighbour_graph(Sites("a", points, world(), np.arange(200)))
    lon = np.mod(points[:, 0], 360)
    assert np.abs(lon[graph.nearest] - lon[:, np.newaxis]).max() < 10
    assert (np.sign(points[graph.nearest, 0]) != np.sign(points[:, :1])).any()
    polar = np.stack([chance.uniform(-180, 180, 50), chance.uniform(89, 90, 50)], axis=1)
    lat = np.radians(90 - polar[:, 1])
    plane = np.stack([lat * np.cos(np.radians(polar[:, 0])), lat * np.sin(np.radians(polar[:, 0]))], axis=1)
    nearest = neighbour_graph(Sites("a", polar, world(), np.arange(50)), 4).nearest
    assert (np.sort(nearest) == np.sort(nearest_places(plane, 4)[0])).mean() > 0.98


def test_noise_is_not_called_alike_more_often_than_chance():
    chance = np.random.default_rng(9)
    graph = neighbour_graph(Sites("a", chance.uniform(0, 1, (300, 2)), "", np.arange(300)))
    p = np.array([morans_i(chance.standard_normal(300), graph).p for _ in range(400)])
    assert 0.025 < (p < 0.05).mean() < 0.08


def test_what_cannot_be_told_is_nan():
    points = np.random.default_rng(0).uniform(0, 1, (30, 2))
    graph = neighbour_graph(Sites("a", points, "", np.arange(30)))
    assert np.isnan(morans_i(np.full(30, 0.1), graph).value) and not morans_i(np.full(30, 0.1), graph).alike
    points[:28] = np.nan
    assert np.isnan(morans_i(np.arange(30.0), neighbour_graph(Sites("a", points, "", np.arange(30)))).value)


def test_rows_without_a_place_are_left_out():
    chance = np.random.default_rng(1)
    points, values = chance.uniform(0, 1, (80, 2)), chance.standard_normal(80)
    part = np.arange(80) % 5 != 0
    alone = morans_i(values[part], neighbour_graph(Sites("a", points[part], "", np.arange(part.sum()))))
    points[~part] = np.nan
    assert morans_i(values, neighbour_graph(Sites("a", points, "", np.arange(80)))) == alone

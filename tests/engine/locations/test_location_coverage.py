"""Where training data lie: all of them are covered, near ground is, far ground isn't, in little memory and time."""

from __future__ import annotations

import numpy as np
import pytest

from earthprint.engine.locations import canonical
from earthprint.engine.locations.coverage import MOST_PLACES, Coverage, coverage_from_json, coverage_of

RADIUS = 6_371_008.8


def haversine(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return metres on a sphere between all pairs, by the textbook."""
    one, two = np.radians(first)[:, None], np.radians(second)[None]
    h = np.sin((two[..., 1] - one[..., 1]) / 2) ** 2 + np.cos(one[..., 1]) * np.cos(two[..., 1]) * np.sin(
        (two[..., 0] - one[..., 0]) / 2) ** 2
    return 2 * RADIUS * np.arcsin(np.sqrt(np.clip(h, 0, 1)))


def cloud(kind: str, count: int, seed: int = 0) -> np.ndarray:
    chance = np.random.default_rng(seed)
    if kind == "globe":
        return np.stack([chance.uniform(-180, 180, count), np.degrees(np.arcsin(chance.uniform(-1, 1, count)))], axis=1)
    if kind == "pole":
        return np.stack([chance.uniform(-180, 180, count), chance.uniform(84, 90, count)], axis=1)
    if kind == "seam":
        return canonical(np.stack([180 + chance.normal(0, 3, count), chance.normal(-17, 2, count)], axis=1))
    return np.stack([chance.normal(8.2, 0.02, count), chance.normal(47.4, 0.02, count)], axis=1)


@pytest.mark.parametrize("kind", ["globe", "pole", "seam", "town"])
@pytest.mark.parametrize("count", [1, 2, 300, 6000])
def test_all_training_places_lie_inside_and_the_answer_is_that_of_all_distances(kind: str, count: int) -> None:
    places = cloud(kind, count)
    area = coverage_of(places)
    assert len(area.places) == min(count, MOST_PLACES) and not area.outside(places).any()
    asked = np.concatenate([cloud("globe", 1500, 1), cloud(kind, 500, 2), places[:20] + [0.0, 1e-4]])
    asked[:, 1] = np.clip(asked[:, 1], -90, 90)
    nearest = haversine(asked, area.places).min(axis=1)
    clear = np.abs(nearest - area.distance) > 1e-6 * area.distance + 0.01
    np.testing.assert_array_equal(area.outside(asked)[clear], (nearest > area.distance)[clear])


def test_the_distance_is_that_between_neighbours() -> None:
    east, north = np.meshgrid(np.arange(30), np.arange(30))
    grid = np.stack([10 + 0.1 * east.ravel(), 0.1 * north.ravel()], axis=1)
    area = coverage_of(grid)
    # The coordinates are rounded to a tenth of it, which is added.
    assert 11_050 < area.distance < 12_300
    # A third of a step beside a place is inside; ten steps beyond the edge is not.
    assert not area.outside(grid + 0.03).any()
    assert area.outside(grid + [0.0, 20.0]).all() and area.outside(grid + [180.0, 0.0]).all()


def test_thinning_leaves_no_hole() -> None:
    places = cloud("town", 30_000)
    area = coverage_of(places)
    assert len(area.places) == MOST_PLACES and not area.outside(places).any()
    # Still a town: nothing ten kilometres off is taken in.
    assert area.distance < 2000 and area.outside(places[:100] + [0.3, 0.0]).all()


def test_the_same_places_give_the_same_area() -> None:
    places = cloud("globe", 5000)
    first, second = coverage_of(places, 3), coverage_of(places, 3)
    np.testing.assert_array_equal(first.places, second.places)
    assert first.distance == second.distance


def test_coordinates_are_kept_no_finer_than_the_distance_needs() -> None:
    coarse, fine = coverage_of(cloud("globe", 500)), coverage_of(cloud("town", 500))
    assert np.array_equal(coarse.places, np.round(coarse.places, 1))
    assert not np.array_equal(fine.places, np.round(fine.places, 2))
    assert np.array_equal(fine.places, np.round(fine.places, 7))


def test_it_survives_the_way_through_json() -> None:
    area = coverage_of(cloud("seam", 400))
    again = coverage_from_json(area.as_json())
    np.testing.assert_array_equal(again.places, area.places)
    assert again.distance == pytest.approx(area.distance, abs=0.06)


@pytest.mark.parametrize("raw", [{"distance": 5, "places": []}, {"distance": 0, "places": [[1, 2]]},
                                 {"distance": 5, "places": [[1, 95]]}, {"distance": 5, "places": [[1, 2, 3]]},
                                 {"distance": 5, "places": [[0, 0]] * 5000}, {"distance": "far", "places": [[1, 2]]},
                                 {"places": [[1, 2]]}])
def test_what_is_no_area_is_refused(raw: dict) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        coverage_from_json(raw)


def test_areas_of_extreme_reach() -> None:
    everywhere = Coverage(np.array([(0.0, 0.0)]), 30_000_000.0)
    assert not everywhere.outside(cloud("globe", 300)).any()
    pin = Coverage(np.array([(0.0, 0.0)]), 1e-3)
    assert pin.outside(np.array([(1e-6, 0.0)]))[0] and not pin.outside(np.array([(1e-9, 0.0)]))[0]

"""Vectors at places against those of the tables that features get, ranked places and pairs against plain loops."""

from __future__ import annotations

import numpy as np
import pytest
from seen_fields import CODINGS, MIRRORED, NORTH_UP, SOUTH_UP, seen_field, unit_vectors
from small_fields import wkt_of, write_layer

from earthprint.engine.errors import Cancelled, InputError, SpaceError
from earthprint.engine.features.request import FeaturesRequest
from earthprint.engine.features.run import embed_features
from earthprint.engine.geodesy import distance
from earthprint.engine.inspecting.compare import Pinned, compare, metres_apart
from earthprint.engine.inspecting.nearby import best_places, best_rows, nearest_places, width_of
from earthprint.engine.inspecting.probe import probe_field
from earthprint.engine.inspecting.scores import score_to
from earthprint.engine.inspecting.view import FieldView
from earthprint.engine.progress import Silent
from earthprint.engine.space import Space
from earthprint.engine.table import open_rows, open_table

KEYS = [Space(name, 3).key() for name in ("one", "two")]


class Stopped(Silent):
    def cancelled(self) -> bool:
        return True


@pytest.mark.parametrize("transform", [NORTH_UP, SOUTH_UP, MIRRORED])
@pytest.mark.parametrize("coding", CODINGS)
def test_a_probe_is_what_a_point_gets(tmp_path, coding, transform):
    path = seen_field(tmp_path / "f.tif", unit_vectors(60, 200), coding, transform, unit=False)
    south = 5698000.0 if transform == SOUTH_UP else 5699400.0
    places = [(500020.01, south + 0.01), (500999.9, south + 299.0), (501983.0, south + 593.0),
              (500010.0, south + 580.0)]
    features = write_layer(tmp_path / "p.gpkg", [f"POINT({x} {y})" for x, y in places])
    embed_features(FeaturesRequest(open_rows(features), path, str(tmp_path / "t.gpkg"), sampling="nearest"), Silent())
    vectors = np.concatenate([chunk.vectors for chunk in open_table(str(tmp_path / "t.gpkg")).chunks()])
    assert len(vectors) == 4
    for (x, y), vector in zip(places, vectors):
        probe = probe_field(path, x, y)
        assert np.array_equal(probe.vector, vector) and probe.norm == pytest.approx(np.linalg.norm(vector))
        xmin, ymin, xmax, ymax = probe.bounds
        assert xmin <= x <= xmax and ymin <= y <= ymax and (xmax - xmin, ymax - ymin) == (10, 10)
        assert (probe.x, probe.y) == ((xmin + xmax) / 2, (ymin + ymax) / 2)


def test_no_probe_outside_and_where_there_is_no_value(tmp_path):
    values = unit_vectors(60, 200)
    values[:, 30, 30] = 0
    path = seen_field(tmp_path / "f.tif", values, unit=False)
    assert probe_field(path, 500025.0, 5699985.0) is None
    for x, y in ((499999.9, 5699900.0), (502000.0, 5699900.0), (500100.0, 5700000.1), (500100.0, 5699400.0),
                 (np.nan, 5699900.0)):
        assert probe_field(path, x, y) is None, (x, y)
    assert probe_field(path, 500305.0, 5699695.0).norm == 0
    assert probe_field(path, 501999.9, 5699999.9).vector.any()


def test_the_best_rows_are_those_of_trying_all_pairs():
    chance = np.random.default_rng(4)
    points, scores = chance.uniform(0, 1000, (60, 2)), chance.random(60)
    scores[7] = np.nan
    origin = (500.0, 500.0)
    expected = []
    for row in sorted((row for row in range(60) if row != 7), key=lambda row: -scores[row]):
        far = [np.hypot(*(points[row] - points[other])) for other in expected] + [np.hypot(*(points[row] - origin))]
        if min(far) >= 150:
            expected.append(row)
    found = best_rows(scores, points, "", 5, 150.0, origin)
    assert [one.row for one in found] == expected[:5] and 7 not in expected
    assert [one.metres for one in found] == pytest.approx([np.hypot(*(points[row] - origin)) for row in expected[:5]])
    assert [one.row for one in best_rows(scores, points, "", 3, 0.0, origin)] == list(np.argsort(-np.nan_to_num(
        scores, nan=-1))[:3])


def test_ways_over_the_ground():
    degrees = wkt_of(4326)
    assert width_of((0.0, -1.0, 1.0, 1.0), degrees) == pytest.approx(111_319.49, abs=0.1)
    assert width_of((0.0, 59.0, 1.0, 61.0), degrees) == pytest.approx(111_319.49 / 2, rel=0.01)
    assert metres_apart((0.0, 0.0, degrees), (1.0, 0.0, degrees)) == pytest.approx(111_319.49, abs=0.1)
    assert metres_apart((0.0, 0.0, ""), (3.0, 4.0, "")) == 5.0
    assert metres_apart((0.0, 0.0, ""), (3.0, 4.0, degrees)) is None


@pytest.mark.parametrize("epsg, transform, apart", [
    (32633, NORTH_UP, 95.0), (4326, (10.0, 0.001, 0.0, 50.0, 0.0, -0.001), 500.0),
    (0, (0.0, 2.0, 0.0, 0.0, 0.0, 2.0), 31.0)])
def test_places_are_those_of_sorting_all(tmp_path, epsg, transform, apart):
    values = unit_vectors(40, 60)
    path = seen_field(tmp_path / "f.tif", values, transform=transform, epsg=epsg)
    x, dx, _, y, _, dy = transform
    extent = (x, min(y, y + 40 * dy), x + 60 * dx, max(y, y + 40 * dy))
    block = FieldView.open(path).read(extent, 60, 40, Silent())
    origin = (x + 25.5 * dx, y + 17.5 * dy)
    vector = probe_field(path, *origin).vector
    found = nearest_places(block, vector, 9, apart, Silent(), origin)

    scores = score_to(block, vector).ravel()
    middles = block.places_of(np.arange(len(scores)))

    def metres(one, two):
        if epsg == 4326:
            return float(distance(np.asarray(one), np.asarray(two)))
        if epsg:
            return None
        return float(np.hypot(*(np.asarray(one) - two)))

    def apart_enough(one, two):
        found = metres(one, two)
        if found is None:  # on the ellipsoid, a metre of this projection is 1/0.9996 at its middle
            found = float(np.hypot(*(np.asarray(one) - two))) / 0.9996
        return found >= apart

    expected = []
    for pixel in np.argsort(-np.where(np.isnan(scores), -9, scores), kind="stable").tolist():
        if np.isfinite(scores[pixel]) and all(apart_enough(other, middles[pixel])
                                              for other in [origin, *(middles[each] for each in expected)]):
            expected.append(pixel)
        if len(expected) == 9:
            break
    assert [place.pixel for place in found] == expected
    assert np.allclose([place.score for place in found], scores[expected])
    assert np.allclose([(place.x, place.y) for place in found], middles[expected])
    for place in found:
        truth = metres(origin, (place.x, place.y)) or np.hypot(place.x - origin[0], place.y - origin[1]) / 0.9996
        assert place.metres == pytest.approx(truth, rel=2e-3)


def test_without_a_distance_only_the_own_pixel_is_left_out(tmp_path):
    path = seen_field(tmp_path / "f.tif", unit_vectors(40, 60))
    block = FieldView.open(path).read((500000.0, 5699600.0, 500600.0, 5700000.0), 60, 40, Silent())
    scores = score_to(block, probe_field(path, 500255.0, 5699825.0).vector)
    origin = (500255.0, 5699825.0)
    found = best_places(block, scores, 3, 0.0, Silent(), origin)
    order = np.argsort(-np.where(np.isnan(scores), -9, scores).ravel(), kind="stable")
    assert order[0] == 17 * 60 + 25 and [place.pixel for place in found] == order[1:4].tolist()
    assert [place.pixel for place in best_places(block, scores, 1, 0.0, Silent())] == [order[0]]
    assert np.isnan(best_places(block, scores, 1, 0.0, Silent())[0].metres)
    assert best_places(block, np.full_like(scores, np.nan), 5, 0.0, Silent()) == []
    assert len(best_places(block, scores, 5000, 0.0, Silent())) == 2397
    with pytest.raises(Cancelled):
        best_places(block, scores, 3, 0.0, Stopped())


def test_pairs_are_compared_in_the_metric_of_their_space():
    one, two = np.array([3.0, 0.0, 4.0]), np.array([0.0, 2.0, 0.0])
    angular = compare(Pinned("a", KEYS[0], one), Pinned("b", KEYS[0], two))
    assert angular.score == pytest.approx(0) and angular.distance == pytest.approx(2 ** 0.5)
    assert np.allclose(angular.differences, [-0.6, 1.0, -0.8]) and list(angular.order) == [1, 2, 0]
    assert np.allclose(angular.shares, [0.18, 0.5, 0.32]) and np.allclose(angular.first, [0.6, 0, 0.8])
    key = Space("euclid", 3, metric="euclidean").key()
    plain = compare(Pinned("a", key, one), Pinned("b", key, two))
    assert plain.distance == pytest.approx(29 ** 0.5) and list(plain.order) == [2, 0, 1]
    assert np.allclose(plain.differences, [-3, 2, -4]) and plain.score == pytest.approx(0)
    same = compare(Pinned("a", key, one), Pinned("a", key, one))
    assert same.score == pytest.approx(1) and same.distance == 0 and not same.shares.any()


def test_pairs_that_mean_nothing_are_refused():
    vector = np.ones(3)
    with pytest.raises(SpaceError) as refused:
        compare(Pinned("here", KEYS[0], vector), Pinned("there", KEYS[1], vector))
    assert all(text in str(refused.value) for text in ("here", "there", *KEYS))
    with pytest.raises(InputError, match="The vector of there is all zeros"):
        compare(Pinned("here", KEYS[0], vector), Pinned("there", KEYS[0], vector * 0))

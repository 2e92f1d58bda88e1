"""Geo-bias scores against plain loops, and worked cases whose answer is known."""

from __future__ import annotations

import sys
from pathlib import Path

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
    ScoreFigure,
    geo_bias,
)
from earthprint.engine.geobias.chance import dealt
from earthprint.engine.geobias.marked_places import marked_places
from earthprint.engine.geobias.verdict import verdict_of, worst_text
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


def excess(figure: ScoreFigure) -> float:
    """Return how far a score lies above what chance gives."""
    return figure.value - figure.chance


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


def test_places_with_several_points_count_once_with_their_share_of_failures() -> None:
    places = np.repeat(cloud("south", 90, 8), 3, axis=0)
    failures = marks(270, 8, 0.4)
    found = run(places, failures, scores=RELATIVE, permutations=0, **SETTINGS)
    where, share = naive.sites([tuple(place) for place in places.tolist()], failures)
    for score in RELATIVE:
        true = np.array([naive.relative(score, where, share, c, SETTINGS) for c in range(90)])
        np.testing.assert_allclose(found.local[score].values, np.repeat(true, 3), rtol=0, atol=1e-9)
    assert (found.rows, found.places, found.coincident) == (270, 90, 270)
    np.testing.assert_allclose(found.share, np.repeat(share, 3))
    assert "270 of 270 points share their place" in found.warnings[0]
    # A place fails where at least half of its points do: one and a half of three is two.
    marked = run(places, failures, scores=(MARKED,), permutations=0, radius=70_000.0, largest=12)
    whole = run(cloud("south", 90, 8), np.array(share) >= 0.5, scores=(MARKED,), permutations=0, radius=70_000.0,
                largest=12)
    np.testing.assert_allclose(marked.local[MARKED].values[::3], whole.local[MARKED].values, rtol=1e-12)


def test_copies_of_all_points_change_nothing() -> None:
    places, failures = cloud("north", 150, 1), marks(150, 1)
    once = run(places, failures)
    twice = run(np.concatenate([places, places[::-1]]), np.concatenate([failures, failures[::-1]]))
    for one, other in zip(once.figures, twice.figures):
        assert (one.value, one.p, one.chance) == (other.value, other.p, other.chance)


def test_the_order_of_rows_changes_nothing() -> None:
    places, failures = cloud("north", 200, 2), marks(200, 2)
    order = np.random.default_rng(0).permutation(200)
    settings = {"scores": SCORES, "centres": 60, "permutations": 19}
    one, other = run(places, failures, **settings), run(places[order], failures[order], **settings)
    for score in SCORES:
        assert one.figure(score).value == other.figure(score).value
        np.testing.assert_array_equal(one.figure(score).permuted, other.figure(score).permuted)
        np.testing.assert_array_equal(one.local[score].values[order], other.local[score].values)


@pytest.mark.parametrize("score", [GRID, MARKED])
@pytest.mark.parametrize("around", ["all", FAILURES])
def test_each_shuffle_is_scored_as_if_it_were_the_layer(score: str, around: str) -> None:
    """The batch over all shuffles must equal one run a shuffle, whose true marks the shuffled ones are."""
    sites = marked_places(cloud("north", 120, 4), marks(120, 4))
    dealt_out = dealt(sites, 5, 7, Silent())
    settings = {"scores": (score,), "around": around, "least": 5, "largest": 12, "centres": 60, "seed": 7}
    whole = run(sites.places, sites.share > 0, permutations=5, **settings)
    for column in range(5):
        assert sorted(dealt_out[:, column + 1]) == sorted(dealt_out[:, 0])
        alone = run(sites.places, dealt_out[:, column + 1] > 0, permutations=0, **settings)
        assert whole.figure(score).permuted[column] == pytest.approx(alone.figure(score).value, rel=1e-12)
    figure = whole.figure(score)
    assert figure.p == (1 + (figure.permuted >= figure.value).sum()) / 6
    assert figure.chance == pytest.approx(figure.permuted.mean())


def test_some_centres_stand_for_all_and_the_rest_still_gets_scores() -> None:
    places, failures = cloud("north", 300, 5), marks(300, 5)
    all_of_them = run(places, failures, scores=(GRID,), centres=0)
    some = run(places, failures, scores=(GRID,), centres=50)
    chosen = np.isfinite(some.local[GRID].p)
    assert chosen.sum() == 50
    np.testing.assert_allclose(some.local[GRID].values, all_of_them.local[GRID].values, rtol=1e-12)
    mean = np.average(some.local[GRID].values[chosen], weights=some.near[chosen])
    assert some.figure(GRID).value == pytest.approx(mean, rel=1e-12)


def clustered(places: np.ndarray, count: int) -> np.ndarray:
    """Return failures at the places nearest to the first one."""
    where = [tuple(place) for place in places.tolist()]
    away = np.array([naive.haversine(where[0], place) for place in where])
    found = np.zeros(len(places), dtype=bool)
    found[np.argsort(away)[:count]] = True
    return found


@pytest.mark.parametrize("spot", ["north", "south", "seam"])
def test_one_cluster_of_failures_is_found_and_the_same_failures_shuffled_are_not(spot: str) -> None:
    places = cloud(spot, 500, 6)
    failures = clustered(places, 100)
    together = run(places, failures, permutations=199)
    shuffled = [run(places, np.random.default_rng(seed).permutation(failures), permutations=199) for seed in range(5)]
    for score in RELATIVE:
        figure = together.figure(score)
        assert figure.p == pytest.approx(0.005)
        others = [other.figure(score) for other in shuffled]
        assert np.median([other.p for other in others]) > 0.2
        assert excess(figure) > 15 * max(abs(excess(other)) for other in others)
        assert max(other.value for other in others) < 0.03
    assert together.figure(GRID).value > 0.2
    assert verdict_of(together).found is True
    assert "The model does worse in places that lie together: grid score" in verdict_of(together).sentence
    chance = verdict_of(shuffled[0])
    assert chance.found is False and "No sign that these 500 places can show" in chance.sentence


def test_the_worst_ground_is_where_it_is_surely_bad() -> None:
    heavy = cloud("south", 300, 6, 30.0)
    light = np.stack([np.linspace(20.0, 20.1, 11), np.full(11, 5.0)], axis=1)
    failures = np.concatenate([np.arange(300) % 10 > 0, np.ones(11, dtype=bool)])
    places = np.concatenate([heavy, light, cloud("north", 300, 1)])
    found = run(places, np.concatenate([failures, np.zeros(300, dtype=bool)]), radius=60_000.0, permutations=0)
    told = worst_text(found, places)
    assert "Most do around 3" in told and "° S" in told and "90 % of the 300 places there" in told


def test_marked_self_information_finds_the_cluster_too() -> None:
    places = cloud("south", 400, 6)
    failures = clustered(places, 80)
    settings = {"scores": (MARKED,), "permutations": 99, "centres": 60, "largest": 50}
    together = run(places, failures, **settings).figure(MARKED)
    shuffled = run(places, np.random.default_rng(1).permutation(failures), **settings).figure(MARKED)
    assert together.p == pytest.approx(0.01) and shuffled.p > 0.1
    assert excess(together) > 5 * abs(excess(shuffled))


def test_p_values_of_failures_at_random_are_spread_evenly() -> None:
    found = []
    for seed in range(60):
        places = cloud("south", 150, seed)
        found.append(run(places, marks(150, seed), scores=(GRID,), permutations=39, seed=seed).figure(GRID).p)
    found.sort()
    # Kolmogorov and Smirnov's distance to the even distribution; 0.21 is its 1 % limit for 60.
    apart = max(max(abs(p - rank / 60), abs(p - (rank + 1) / 60)) for rank, p in enumerate(found))
    assert apart < 0.21
    assert sum(p <= 0.05 for p in found) <= 9


@pytest.mark.parametrize("spot", ["north", "south", "seam"])
def test_sectors_see_a_split_and_rings_see_rings(spot: str) -> None:
    places = np.concatenate([[SPOTS[spot]], cloud(spot, 600, 9)])
    where = [tuple(place) for place in places.tolist()]
    bearing = np.array([naive.azimuth(where[0], place) for place in where])
    away = np.array([naive.haversine(where[0], place) for place in where])
    settings = {"scores": (DISTANCE, DIRECTION), "radius": 160_000.0, "lag": 40_000.0, "sectors": 4, "least": 10,
                "permutations": 0}
    east = run(places, bearing < 180, **settings)
    north = run(places, (bearing < 90) | (bearing > 270), **settings)
    rings = run(places, (away * naive.EARTH // 40_000) % 2 == 0, **settings)
    for split in (east, north):
        assert split.local[DIRECTION].values[0] > 10 * split.local[DISTANCE].values[0] > 0
        assert split.local[DIRECTION].values[0] > 5
    assert rings.local[DISTANCE].values[0] > 5 > 0.2 > rings.local[DIRECTION].values[0]
    # Two sectors, counted from north over east, part east from west and don't see north and south.
    halves = {**settings, "sectors": 2, "scores": (DIRECTION,)}
    assert run(places, bearing < 180, **halves).local[DIRECTION].values[0] > 5
    assert run(places, (bearing < 90) | (bearing > 270), **halves).local[DIRECTION].values[0] < 0.05


def test_the_mirrored_globe_and_the_turned_globe_give_the_same() -> None:
    places, failures = cloud("north", 200, 11), marks(200, 11)
    here = run(places, failures, scores=RELATIVE, permutations=0, **SETTINGS)
    for factor, turn in ((-1.0, 0.0), (1.0, 169.5), (-1.0, 75.0)):
        moved = places * (1.0, factor) + (turn, 0.0)
        moved[:, 0] = (moved[:, 0] + 180) % 360 - 180
        there = run(moved, failures, scores=RELATIVE, permutations=0, **SETTINGS)
        for score in RELATIVE:
            np.testing.assert_allclose(there.local[score].values, here.local[score].values, rtol=0, atol=1e-9)


def test_rare_failures_raise_the_score_by_chance_and_chance_is_shown_beside() -> None:
    figure = run(cloud("north", 400, 12), marks(400, 12, 0.03), scores=(GRID,), permutations=99).figure(GRID)
    assert figure.chance > 0.05 and figure.p > 0.05
    assert abs(excess(figure)) < 0.5 * figure.chance


def test_what_saturates_and_what_is_not_defined_is_counted_and_told() -> None:
    places = np.concatenate([cloud("north", 80, 1, 0.2), [[30.0, 10.0]]])
    failures = np.append(marks(80, 1), True)
    found = run(places, failures, scores=(UNMARKED,), radius=1_000_000.0, permutations=0, version=1)
    figure = found.figure(UNMARKED)
    assert (figure.centres, figure.left_out, figure.saturated) == (80, 1, 80)
    assert figure.value == pytest.approx(-np.log(1e-256))
    assert any("not defined around 1 of 81 places" in warning for warning in found.warnings)
    assert any("as large as it can get around 80 of 80 places" in warning for warning in found.warnings)
    # Version 2 has a value where the variance is 0.
    assert run(places, failures, scores=(UNMARKED,), radius=1_000_000.0, version=2).figure(UNMARKED).left_out == 0


def test_more_neighbours_than_the_variance_allows_are_left_out_in_words() -> None:
    places, failures = cloud("north", 60, 3), marks(60, 3)
    with pytest.raises(InputError, match="not defined around any place.*lower NEIGHBOURS"):
        run(places, failures, scores=(UNMARKED,), radius=80_000.0, neighbours=30)


def test_the_radius_is_chosen_from_the_data_and_said() -> None:
    told: "list[str]" = []
    progress = Silent()
    progress.info = told.append  # type: ignore[method-assign]
    places = cloud("south", 1200, 2)
    found = geo_bias(places, marks(1200, 2), BiasRequest(permutations=0), progress)
    where = [tuple(place) for place in places[:40].tolist()]
    counts = [sum(naive.haversine(a, tuple(b)) * naive.EARTH <= found.neighbourhood.radius for b in places.tolist())
              for a in where]
    assert found.near[:40].tolist() == counts
    assert 300 <= np.median(found.near) <= 360
    assert "RADIUS" in told[0] and "300 others" in told[0]
    assert np.median(found.near) / found.neighbourhood.sectors >= 30
    # A small layer takes a third of its places or, at least, enough for a few parts.
    assert 100 <= np.median(run(cloud("south", 150, 2), marks(150, 2)).near) <= 125


class Stopped(Silent):
    """A user who cancels after a while."""

    def __init__(self) -> None:
        """Count the questions."""
        self.asked = 0

    def cancelled(self) -> bool:
        """Cancel at the third question."""
        self.asked += 1
        return self.asked > 3


def test_cancel_and_progress() -> None:
    with pytest.raises(Cancelled):
        geo_bias(cloud("north", 400, 1), marks(400, 1), BiasRequest(scores=(MARKED,)), Stopped())
    seen: "list[float]" = []
    progress = Silent()
    progress.report = lambda fraction, text=None: seen.append(fraction)  # type: ignore[method-assign]
    geo_bias(cloud("north", 400, 1), marks(400, 1), BiasRequest(centres=100), progress)
    assert seen == sorted(seen) and seen[-1] == 1.0 and len(seen) > 8


@pytest.mark.parametrize(("failing", "settings", "words"), [
    (np.zeros(60, dtype=bool), {}, "None of the 60 points of the layer counts as a failure.*nothing to compare"),
    (np.ones(60, dtype=bool), {}, "Every one of the 60 points"),
    (marks(60, 1), {"least": 40}, "60 different places, too few for parts of 40.*at least 80, or lower LEAST"),
    (marks(60, 1), {"radius": 10.0}, r"Within RADIUS \(10 m\) of any place.*raise RADIUS.*hold 1 places"),
    (marks(60, 1), {"scores": ("sri",)}, "SCORES: “sri” is no geo-bias score"),
    (marks(60, 1), {"scores": ()}, "SCORES"),
    (marks(60, 1), {"version": 3}, "VERSION: 3 is neither 1 nor 2"),
    (marks(60, 1), {"radius": -1.0}, "RADIUS: -1.0 is less than 0"),
    (marks(60, 1), {"neighbours": 0}, "NEIGHBOURS: 0 is less than 1"),
    (np.full(60, np.nan), {}, "No point of the layer has both a place and a mark"),
])
def test_wrong_input_is_told_in_one_sentence(failing: np.ndarray, settings: dict, words: str) -> None:
    with pytest.raises(InputError, match=words):
        run(cloud("north", 60, 1), failing, **settings)


def test_more_shuffles_than_memory_holds_are_refused() -> None:
    sites = marked_places(np.stack([np.linspace(-170, 170, 300_000), np.zeros(300_000)], axis=1), marks(300_000, 1))
    with pytest.raises(InputError, match="9999 shuffles of 300000 places need 2.8 GiB of memory: give 7157 at most"):
        dealt(sites, 9999, 0, Silent())


def test_latitudes_beyond_90_are_refused() -> None:
    places = cloud("north", 60, 1)
    places[3, 1] = 120.0
    with pytest.raises(InputError, match="1 of 60 points have latitudes beyond 90"):
        run(places, marks(60, 1))


def test_hardly_any_neighbours_are_told() -> None:
    places = np.concatenate([cloud("north", 30, 1, 5.0), np.stack([np.linspace(-170, 170, 370), np.zeros(370)], 1)])
    found = run(places, marks(400, 1), scores=(DISTANCE,), radius=20_000.0, lag=20_000.0)
    assert any("only 30 of 400 have a part with 20 places" in warning for warning in found.warnings)
    assert np.isnan(found.local[DISTANCE].values[40:]).all()


def test_four_squares_and_four_sectors_are_one_look() -> None:
    places = cloud("south", 120, 6)
    found = run(places, clustered(places, 12), scores=(GRID, DIRECTION), permutations=39)
    np.testing.assert_allclose(found.figure(GRID).permuted, found.figure(DIRECTION).permuted, rtol=1e-12)
    assert found.figure(GRID).p == 1 / 40
    assert verdict_of(found).found is True and "scores looked at" not in verdict_of(found).sentence
    assert "p 0.025, 0.05 for 2 scores looked at" in verdict_of(
        run(places, clustered(places, 12), scores=(GRID, DISTANCE), permutations=39)).sentence


def test_a_published_value() -> None:
    """PyGBS's table of a language model on WorldStrat's IPCC classes, its first row: 32 points near, 16 farther off.

    14 of the 32 are hits and, as the value says, 22 of all 48; the part of 16 is smaller than the least.
    """
    far = np.stack([np.linspace(12.2, 12.4, 16), np.full(16, 50.0)], axis=1)
    places = np.concatenate([cloud("north", 32, 1, 10.0), far])
    failures = np.zeros(48, dtype=bool)
    failures[:14] = failures[32:40] = True
    found = run(places, failures, scores=(DISTANCE,), radius=300_000.0, lag=60_000.0, permutations=0)
    np.testing.assert_allclose(found.local[DISTANCE].values[:32], 0.0005859840463091, rtol=1e-12)

"""Thresholds against brute force over every place where one could be."""

from __future__ import annotations

import numpy as np
import pytest
from change_rasters import Watcher
from hypothesis import given
from hypothesis import strategies as some

from earthprint.engine.analyses.change.threshold import (
    BINS,
    ArrayValues,
    order_statistic,
    parse_threshold,
    split_threshold,
    stable_threshold,
    triangle_bins,
)
from earthprint.engine.errors import InputError


def two_groups(seed: int = 0, share: float = 0.2) -> np.ndarray:
    random = np.random.default_rng(seed)
    many, few = random.gamma(2, 0.05, 4000), random.normal(1.0, 0.1, int(4000 * share))
    return np.abs(np.concatenate([many, few])).astype(np.float32)


@pytest.mark.parametrize("seed", range(4))
def test_otsu_leaves_the_least_spread_within_two_groups(seed: int) -> None:
    values = two_groups(seed)
    found = split_threshold(ArrayValues(values), "otsu", Watcher())
    ordered = np.sort(values.astype(np.float64))
    within = [(ordered[:cut].var() * cut + ordered[cut:].var() * (len(ordered) - cut)) for cut in
              range(1, len(ordered))]
    best = int(np.argmin(within)) + 1
    width = (ordered[-1] - ordered[0]) / BINS
    assert ordered[best - 1] - width <= found <= ordered[best] + width


@pytest.mark.parametrize("seed", range(4))
def test_the_triangle_is_the_point_farthest_from_the_line(seed: int) -> None:
    values = two_groups(seed, 0.02)
    found = split_threshold(ArrayValues(values), "triangle", Watcher())
    counts, edges = np.histogram(values.astype(np.float64), triangle_bins(len(values)))
    peak, last = int(counts.argmax()), int(np.flatnonzero(counts)[-1])
    start, end = np.array([peak, counts[peak]], float), np.array([last, counts[last]], float)
    way = (end - start) / np.linalg.norm(end - start)
    far = []
    for place in range(peak, last + 1):
        point = np.array([place, counts[place]], float) - start
        away = point - (point @ way) * way
        far.append(np.linalg.norm(away) if away[1] <= 0 else -1)
    assert found == pytest.approx(edges[peak + int(np.argmax(far))], abs=2 * (edges[1] - edges[0]))
    assert np.median(values) < found < 0.9


def test_one_group_is_told_and_two_are_not() -> None:
    watcher = Watcher()
    split_threshold(ArrayValues(np.random.default_rng(0).normal(5, 1, 5000).astype(np.float32)), "otsu", watcher)
    assert len(watcher.warnings) == 1 and "one group rather than two (Otsu's separation is 0.6" in watcher.warnings[0]
    split_threshold(ArrayValues(two_groups()), "otsu", watcher)
    assert len(watcher.warnings) == 1


def test_where_nothing_differs_nothing_is_marked() -> None:
    watcher = Watcher()
    values = np.full(50, 0.25, dtype=np.float32)
    assert not (values >= np.float32(split_threshold(ArrayValues(values), "otsu", watcher))).any()
    assert "All magnitudes are the same" in watcher.warnings[0]
    with pytest.raises(InputError, match="No place has a vector at each date"):
        split_threshold(ArrayValues(np.full(3, np.nan, np.float32)), "triangle", watcher)


@given(some.lists(some.floats(-1e6, 1e6, width=32), min_size=1, max_size=60), some.data())
def test_order_statistics_are_those_of_a_sort(values: list, data: some.DataObject) -> None:
    array = np.array(values, dtype=np.float32)
    rank = data.draw(some.integers(0, len(array) - 1))
    assert order_statistic(ArrayValues(array), rank) == np.sort(array)[rank]


@given(some.lists(some.floats(0, 2, width=32), min_size=1, max_size=300), some.floats(0, 0.5))
def test_at_most_the_share_of_stable_places_is_marked_and_no_lower_threshold_does(values: list, rate: float) -> None:
    array = np.array(values, dtype=np.float32)
    found = np.float32(stable_threshold(ArrayValues(array), rate, "STABLE", Watcher()))
    allowed = int(np.floor(rate * len(array) + 1e-9))
    assert (array >= found).sum() <= allowed
    lower = np.nextafter(found, np.float32(-np.inf))
    assert (array >= lower).sum() > allowed


def test_too_few_stable_places_are_told() -> None:
    watcher = Watcher()
    stable_threshold(ArrayValues(np.linspace(0, 1, 50, dtype=np.float32)), 0.01, "STABLE", watcher)
    assert "STABLE covers 50 places, too few to tell a false-alarm rate of 1.00%" in watcher.warnings[0]


@pytest.mark.parametrize("text, meaning", [("otsu", "otsu"), (" Triangle ", "triangle"), ("STABLE", "stable"),
                                           ("0.3", 0.3), ("-1e2", -100.0)])
def test_words_and_numbers(text: str, meaning: object) -> None:
    assert parse_threshold(text) == meaning


@pytest.mark.parametrize("text", ["", "best", "nan", "inf", "1,5"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="neither otsu, triangle, stable nor a number"):
        parse_threshold(text)

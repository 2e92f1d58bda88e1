"""Differences with intervals, and what they allow to say."""

from __future__ import annotations

from typing import Sequence

import numpy as np
import pytest

from earthprint.engine.benchmarking.scores import Judged, Setting, difference
from earthprint.engine.benchmarking.verdicts import BETTER, SAME, UNKNOWN, WORSE, verdict

SETTING = Setting("linear", "blocks")


def judged(name: str, folds: "Sequence[float]") -> Judged:
    scores = np.asarray(folds, dtype=float)
    # Each fold is one block, and all are of one size.
    return Judged(name, "raster", SETTING, float(scores.mean()), scores, (scores - scores.mean()) / len(scores),
                  np.zeros((1, 1, 1)))


def test_the_interval_is_that_of_nadeau_and_bengio() -> None:
    stats = pytest.importorskip("scipy.stats")
    first, second = judged("a", (0.6, 0.7, 0.65, 0.8, 0.7)), judged("b", (0.5, 0.66, 0.6, 0.7, 0.71))
    apart = first.fold_scores - second.fold_scores
    reach = stats.t.ppf(0.975, 4) * apart.std(ddof=1) * np.sqrt(1 / 5 + 1 / 4)
    found = difference(first, second)
    assert (found.value, found.low, found.high) == pytest.approx(
        (apart.mean(), apart.mean() - reach, apart.mean() + reach))
    strict = difference(first, second, 12)
    assert strict.reach == pytest.approx(reach * stats.t.ppf(1 - 0.025 / 12, 4) / stats.t.ppf(0.975, 4))
    own = first.estimate
    half = stats.t.ppf(0.975, 4) * first.fold_scores.std(ddof=1) / np.sqrt(5)
    assert (own.value, own.low, own.high) == pytest.approx((0.69, 0.69 - half, min(0.69 + half, 1.0)))


def test_the_interval_covers_the_true_difference_at_least_as_often_as_it_says() -> None:
    chance = np.random.default_rng(0)
    covered = 0
    for _ in range(1000):
        ground = chance.normal(0.5, 0.2, 5)
        first = judged("a", ground + 0.03 + chance.normal(0, 0.05, 5))
        second = judged("b", ground + chance.normal(0, 0.05, 5))
        found = difference(first, second)
        covered += found.low <= 0.03 <= found.high
    # Folds that share no rows need no widening, so this covers more than 95 %.
    assert 0.95 <= covered / 1000 < 1.0


def test_what_is_said() -> None:
    base = judged("raw bands", (0.50, 0.52, 0.48, 0.50, 0.50))
    better = verdict(judged("new", (0.60, 0.63, 0.57, 0.60, 0.60)), base, 97, 1)
    assert better.kind == BETTER and better.sure
    assert better.sentence == "beats raw bands (linear) by 0.100 (0.087 to 0.113)"
    same = verdict(judged("new", (0.55, 0.40, 0.62, 0.45, 0.52)), base, 97, 3)
    assert same.kind == SAME and not same.sure
    assert same.sentence == ("no difference from raw bands (linear) that these 97 points can show (−0.18 to +0.19)")
    few = judged("new", (0.54, 0.53, 0.56, 0.50, 0.56))
    assert verdict(few, base, 97, 1).sentence.endswith("that these 97 points can show (−0.02 to +0.10)")
    worse = verdict(judged("new", (0.42, 0.45, 0.44, 0.41, 0.38)), base, 97, 1)
    assert worse.kind == WORSE and worse.sentence.startswith("falls behind raw bands (linear) by 0.08 (")
    careful = verdict(judged("new", (0.42, 0.45, 0.44, 0.41, 0.38)), base, 97, 40)
    assert careful.kind == WORSE and not careful.sure
    assert careful.sentence.endswith("but one of 40 comparisons may look so by chance")
    few = verdict(judged("new", (0.5, 0.6)), judged("raw bands", (0.4, 0.3)), 97, 1)
    assert few.kind == UNKNOWN and few.sentence == "too few blocks to compare with raw bands (linear)"

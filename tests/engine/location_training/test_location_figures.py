"""Differences between ways are those of pooled scores, with intervals over blocks, for one target and for several."""

from __future__ import annotations

import numpy as np
import pytest

from earthprint.engine.location_training.figures import (
    ACCURACY,
    COSINE,
    R2,
    balanced,
    mean_of,
    squared,
    together,
    verdict_of,
)
from earthprint.engine.location_training.judged import COORDINATES, ENCODER
from earthprint.engine.training.folds import Folds
from earthprint.engine.training.student import t_quantile

BLOCKS = np.arange(240) // 12
FOLDS = Folds(BLOCKS % 5, "blocks", 5, 1.0, "", BLOCKS)


def test_an_interval_is_that_of_a_loop_over_blocks_with_known_rows():
    """Rows without a value, and a block of nothing else, have no say."""
    chance = np.random.default_rng(0)
    truth = chance.normal(0, 1, 240)
    good, poor = truth + chance.normal(0, 0.4, 240), truth + chance.normal(0, 0.9, 240)
    truth[:12], truth[30:33] = np.nan, np.nan
    verdict = verdict_of("t", R2, {ENCODER: squared(truth, good, FOLDS), COORDINATES: squared(truth, poor, FOLDS)}, 225)
    known = np.isfinite(truth)
    spread = np.where(known, (truth - truth[known].mean()) ** 2, 0.0)
    errors = [np.where(known, (truth - one) ** 2, 0.0) for one in (good, poor)]
    value = (errors[1].sum() - errors[0].sum()) / spread.sum()
    pulls = []
    for number in range(1, 20):
        rows = BLOCKS == number
        pulls.append((errors[1][rows].sum() - errors[0][rows].sum() - value * spread[rows].sum()) / spread.sum())
    reach = t_quantile(0.975, 18) * np.sqrt(19 / 18 * np.square(pulls).sum() * (1 + 5 / 4))
    found = verdict.difference(COORDINATES)
    assert found.blocks == 19
    assert (found.interval.mean, found.interval.low, found.interval.high) == pytest.approx(
        (value, value - reach, value + reach))
    assert value == pytest.approx(verdict.value(ENCODER) - verdict.value(COORDINATES))


def test_several_targets_are_told_by_the_mean_of_their_pulls():
    """Two targets, each known in other blocks, are more surely told together than each alone."""
    chance = np.random.default_rng(1)
    numbers, codes = chance.normal(0, 1, 240), chance.integers(0, 3, 240)
    numbers[:60], codes[-60:] = np.nan, -1
    parts = [verdict_of("number", R2, {ENCODER: squared(numbers, 0.7 * numbers, FOLDS),
                                       COORDINATES: squared(numbers, chance.normal(0, 1, 240), FOLDS)}, 180),
             verdict_of("class", ACCURACY, {
                 key: balanced(codes, np.where(chance.random(240) < share, codes, (codes + 1) % 3), FOLDS)
                 for key, share in ((ENCODER, 0.8), (COORDINATES, 0.5))}, 180)]
    whole = together(parts, "both", "mean")
    alone, found = [part.difference(COORDINATES) for part in parts], whole.difference(COORDINATES)
    assert [one.blocks for one in alone] == [15, 15] and found.blocks == 20
    assert found.interval.mean == pytest.approx(np.mean([one.interval.mean for one in alone]))
    pulls = sum(np.nan_to_num(np.subtract(part.figure(ENCODER).pulls, part.figure(COORDINATES).pulls))
                for part in parts) / 2
    reach = t_quantile(0.975, 19) * np.sqrt(20 / 19 * np.square(pulls).sum() * (1 + 5 / 4))
    assert found.interval.high - found.interval.mean == pytest.approx(reach)


def test_without_blocks_each_row_is_one_and_two_are_too_few():
    """Rows that were dealt at random are held out one by one; two blocks tell no interval."""
    chance = np.random.default_rng(2)
    first, second = chance.normal(0.8, 0.1, 240), chance.normal(0.6, 0.1, 240)

    def difference(folds):
        scores = {ENCODER: mean_of(first, folds), COORDINATES: mean_of(second, folds)}
        return verdict_of("v", COSINE, scores, 240).difference(COORDINATES)

    found = difference(Folds(np.arange(240) % 5, "random", 5))
    apart = first - second
    reach = t_quantile(0.975, 239) * apart.std(ddof=1) / np.sqrt(240) * 1.5
    assert found.blocks == 240
    assert (found.interval.low, found.interval.high) == pytest.approx((apart.mean() - reach, apart.mean() + reach))
    few = difference(Folds(np.arange(240) % 2, "blocks", 2, 1.0, "", np.arange(240) % 2))
    assert few.blocks == 2 and few.interval.mean == pytest.approx(apart.mean()) and np.isnan(few.interval.low)

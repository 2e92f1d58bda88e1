"""Intervals of differences over blocks: against loops and a jackknife, and how often they hold the truth."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Callable, Optional

import numpy as np
import pytest

from earthprint.engine.training.figures import (
    balanced_pulls,
    block_difference,
    block_sums,
    classification_scored,
    mean_pulls,
    paired_difference,
    regression_scored,
    squared_pulls,
)
from earthprint.engine.training.judging import Judge
from earthprint.engine.training.student import t_quantile

NONE = np.zeros(0)


def regression(rows: int = 4000) -> "tuple[np.ndarray, np.ndarray, np.ndarray]":
    chance = np.random.default_rng(4)
    truth = chance.normal(3, 2, rows)
    return truth, truth + chance.normal(0.2, 1, rows), chance.uniform(0.2, 2, rows)


def classes(rows: int = 4000) -> "tuple[np.ndarray, np.ndarray, np.ndarray]":
    chance = np.random.default_rng(5)
    truth = chance.choice(4, rows, p=(0.5, 0.3, 0.15, 0.05))
    return truth, np.where(chance.random(rows) < 0.6, truth, chance.integers(0, 4, rows)), chance.uniform(0.2, 2, rows)


def r2(truth: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> float:
    return regression_scored(truth, predicted, np.zeros(len(truth)), weights).pooled.r2


def accuracy(truth: np.ndarray, chosen: np.ndarray, weights: np.ndarray) -> float:
    return classification_scored(truth, chosen, np.zeros(len(truth)), weights, 4).pooled.balanced_accuracy


@pytest.mark.parametrize("made, pulls, score", [(regression, squared_pulls, r2), (classes, balanced_pulls, accuracy)])
def test_a_pull_is_what_the_score_loses_without_the_row(made: Callable, pulls: Callable, score: Callable) -> None:
    truth, predicted, weights = made()
    found = pulls(truth, predicted, weights)
    assert found.sum() == pytest.approx(0, abs=1e-12) and np.abs(found).max() > 1e-4
    whole = score(truth, predicted, weights)
    for row in np.flatnonzero(np.abs(found) > 1e-5)[:60]:
        less = weights.copy()
        less[row] *= 0.99
        assert whole - score(truth, predicted, less) == pytest.approx(0.01 * found[row], rel=0.02, abs=1e-9)


def test_pulls_are_those_of_loops() -> None:
    truth, said = np.array([1.0, 2.0, 4.0, 5.0]), np.array([1.5, 2.0, 3.0, 5.0])
    spread, error = [4.0, 1.0, 1.0, 4.0], [0.25, 0.0, 1.0, 0.0]
    assert squared_pulls(truth, said).tolist() == pytest.approx(
        [(0.125 * one - two) / 10 for one, two in zip(spread, error)])
    codes, chosen = np.array([0, 0, 0, 0, 2, 2]), np.array([0, 0, 0, 1, 2, 0])
    # Three of four and one of two are found; two classes occur.
    assert balanced_pulls(codes, chosen).tolist() == pytest.approx(
        [0.25 / 8] * 3 + [-0.75 / 8, 0.5 / 4, -0.5 / 4])
    assert mean_pulls(np.array([1.0, 2.0, 6.0])).tolist() == pytest.approx([-2 / 3, -1 / 3, 1.0])
    assert np.isnan(squared_pulls(np.ones(3), np.zeros(3))).all() and not len(balanced_pulls(NONE, NONE))
    assert block_sums(np.array([1.0, 2.0, 4.0]), np.array([7, 3, 7])).tolist() == [2.0, 5.0]
    assert block_sums(np.array([1.0, 2.0]), None).tolist() == [1.0, 2.0]


@pytest.mark.parametrize("weighted", [None, 1])
def test_a_judge_pulls_by_its_own_weights_targets_and_classes(weighted: Optional[int]) -> None:
    truth, predicted, weights = regression(300)
    weights = weights if weighted else np.ones(300)
    samples = SimpleNamespace(classes=0, targets=np.stack([truth, truth[::-1]], axis=1), weights=weights,
                              target=SimpleNamespace(inverse=lambda values: values))
    both = np.stack([predicted, predicted], axis=1)
    expected = (squared_pulls(truth, predicted, weights) + squared_pulls(truth[::-1], predicted, weights)) / 2
    np.testing.assert_allclose(Judge(samples).pulls(both), expected)
    codes, chosen, weights = classes(300)
    samples = SimpleNamespace(classes=4, targets=codes, weights=weights)
    np.testing.assert_allclose(Judge(samples).pulls(np.eye(4)[chosen]), balanced_pulls(codes, chosen, weights))


def test_folds_that_are_one_block_each_say_what_pairs_of_folds_say() -> None:
    one, two = np.array([0.7, 0.6, 0.8, 0.5, 0.9]), np.array([0.65, 0.6, 0.7, 0.5, 0.75])
    expected = paired_difference(one, two)
    found = block_difference(0.06, (one - one.mean()) / 5, (two - two.mean()) / 5, 5)
    assert (found.mean, found.low, found.high) == pytest.approx((expected.mean, expected.low, expected.high))
    strict = block_difference(0.06, one / 5, two / 5, 5, comparisons=10)
    assert strict.high - 0.06 == pytest.approx((found.high - 0.06) * t_quantile(0.9975, 4) / t_quantile(0.975, 4))
    for first in (NONE, one[:2]):
        few = block_difference(0.06, first, np.zeros(len(first)), 5)
        assert few.mean == 0.06 and np.isnan(few.low) and np.isnan(few.high)
    assert np.isnan(block_difference(0.1, np.full(5, np.nan), two, 5).low)


@pytest.mark.parametrize("blocks, rough", [(4, 0.8), (10, 0.3), (10, 0.8), (40, 0.8)])
def test_the_true_difference_lies_within_at_least_as_often_as_said(blocks: int, rough: float) -> None:
    """Blocks differ in size, level and spread; the truth is that of very many of them."""
    def made(count: int) -> "tuple[float, np.ndarray, np.ndarray]":
        block = np.repeat(np.arange(count), chance.poisson(10, count) + 1)
        spread = np.exp(rough * chance.normal(size=count))[block]
        truth = (chance.normal(size=count)[block] + 0.7 * chance.normal(size=len(block))) * spread
        good = truth + 0.4 * spread * (chance.normal(size=count)[block] + chance.normal(size=len(block)))
        poor = 0.05 * chance.normal(size=len(block))
        weights = np.ones(len(block))
        return (r2(truth, good, weights) - r2(truth, poor, weights), block_sums(squared_pulls(truth, good), block),
                block_sums(squared_pulls(truth, poor), block))

    chance = np.random.default_rng(0)
    truth = made(100_000)[0]
    within = 0
    for _ in range(400):
        found = block_difference(*made(blocks), folds=5)
        within += found.low <= truth <= found.high
    assert 0.94 <= within / 400


def test_noise_beside_coordinates_is_told_apart_more_sharply_than_by_folds() -> None:
    """A smooth map of 240 points in 25 blocks whose spreads differ a lot: noise has to fall behind."""
    chance = np.random.default_rng(0)
    places = chance.uniform(0, 5, (240, 2))
    block = places.astype(int) @ np.array([1, 5])
    fold = chance.permutation(25)[block] % 5
    truth = np.exp(places[:, 0] - 2.5) * np.sin(places[:, 1]) + chance.normal(0, 0.3, 240)
    near = np.array([truth[others][np.argsort(((places[others] - place) ** 2).sum(axis=1))[:4]].mean()
                     for place, others in ((place, fold != own) for place, own in zip(places, fold))])
    noise = np.array([truth[fold != own].mean() for own in fold]) + chance.normal(0, 0.6, 240)
    scored = [regression_scored(truth, one, fold) for one in (noise, near)]
    value = scored[0].pooled.r2 - scored[1].pooled.r2
    found = block_difference(value, *(block_sums(squared_pulls(truth, one), block) for one in (noise, near)), folds=5)
    folds = paired_difference(*([1 - part.rmse ** 2 / truth.var() for part in one.folds] for one in scored))
    assert value < -0.5 and found.high < -0.2
    assert found.high - found.low < 0.7 * (folds.high - folds.low)

"""Figures against scikit-learn, SciPy and sums written out."""

from __future__ import annotations

import json

import numpy as np
import pytest

from earthprint.engine.training.figures import (
    classification_scored,
    log_loss,
    paired_difference,
    regression_scored,
    reliability,
)
from earthprint.engine.training.student import interval_of, t_quantile, two_sided_normal

metrics = pytest.importorskip("sklearn.metrics")
stats = pytest.importorskip("scipy.stats")


def rows(seed: int, count: int = 240) -> "tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]":
    """Return truth, predictions, folds and weights."""
    chance = np.random.default_rng(seed)
    truth = chance.normal(10, 3, count)
    return truth, truth + chance.normal(0.5, 2, count), chance.integers(0, 4, count), chance.uniform(0.2, 3, count)


def test_regression_figures_are_scikit_learns():
    truth, predicted, fold, weights = rows(0)
    found = regression_scored(truth, predicted, fold, weights)
    parts = [(found.pooled, np.ones(240, dtype=bool))] + [(part, fold == n) for n, part in enumerate(found.folds)]
    assert len(parts) == 5
    for figures, some in parts:
        given = (truth[some], predicted[some])
        assert figures.r2 == pytest.approx(metrics.r2_score(*given, sample_weight=weights[some]))
        assert figures.rmse ** 2 == pytest.approx(metrics.mean_squared_error(*given, sample_weight=weights[some]))
        assert figures.mae == pytest.approx(metrics.mean_absolute_error(*given, sample_weight=weights[some]))
        assert figures.bias == pytest.approx(np.average(predicted[some] - truth[some], weights=weights[some]))
        assert figures.rows == some.sum()


def test_intervals_are_students_over_folds():
    truth, predicted, fold, weights = rows(1)
    found = regression_scored(truth, predicted, fold, weights)
    for name in ("r2", "rmse", "mae", "bias"):
        values = np.array([getattr(part, name) for part in found.folds])
        low, high = stats.t.interval(0.95, 3, values.mean(), stats.sem(values))
        one = found.intervals[name]
        assert (one.mean, one.low, one.high) == pytest.approx((values.mean(), low, high))


def test_classification_figures_are_scikit_learns():
    chance = np.random.default_rng(2)
    truth = chance.choice(4, 400, p=[0.5, 0.3, 0.15, 0.05])
    probabilities = chance.dirichlet(np.ones(4), 400) + 0.6 * np.eye(4)[truth]
    weights, fold = chance.uniform(0.5, 2, 400), chance.integers(0, 3, 400)
    said = probabilities.argmax(axis=1)
    found = classification_scored(truth, probabilities, fold, weights, 4)
    parts = [(found.pooled, np.ones(400, dtype=bool))] + [(part, fold == n) for n, part in enumerate(found.folds)]
    for figures, some in parts:
        given, with_weights = (truth[some], said[some]), {"sample_weight": weights[some]}
        assert figures.balanced_accuracy == pytest.approx(metrics.balanced_accuracy_score(*given, **with_weights))
        assert figures.accuracy == pytest.approx(metrics.accuracy_score(*given, **with_weights))
        assert figures.kappa == pytest.approx(metrics.cohen_kappa_score(*given, **with_weights))
        assert figures.f1 == pytest.approx(metrics.f1_score(*given, average=None, labels=range(4), **with_weights))
        assert figures.confusion == pytest.approx(metrics.confusion_matrix(*given, labels=range(4), **with_weights))
        assert figures.recall == pytest.approx(metrics.recall_score(*given, average=None, labels=range(4),
                                                                    **with_weights))
    assert classification_scored(truth, said, fold, weights, 4).pooled.kappa == found.pooled.kappa


def test_a_class_missing_from_a_fold_does_not_count_there():
    found = classification_scored(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 0]), np.array([0, 0, 1, 1]), None, 3)
    assert found.folds[0].balanced_accuracy == 1.0 and found.folds[1].balanced_accuracy == 0.5
    assert found.pooled.balanced_accuracy == 0.75 and np.isnan(found.pooled.f1[2])
    assert found.pooled.mean_f1 == pytest.approx((0.8 + 2 / 3) / 2)
    assert np.isnan(found.folds[0].kappa)


def test_what_cannot_be_told_stays_out_of_intervals_and_json():
    found = regression_scored(np.array([0.1, 0.1, 0.1, 1, 2, 3, 4.0]), np.array([0, 1, 2, 1, 2, 3, 5.0]),
                              np.array([0, 0, 0, 1, 1, 2, 2]))
    assert np.isnan(found.folds[0].r2) and found.folds[1].r2 == 1.0 and found.folds[2].r2 == -1.0
    assert found.intervals["r2"].mean == 0.0
    told = json.loads(json.dumps(found.as_json(), allow_nan=False))
    assert told["folds"][0]["r2"] is None and told["folds"][1]["rows"] == 2


@pytest.mark.parametrize("degrees", [1, 2, 3, 4, 5, 9, 10, 29, 120])
@pytest.mark.parametrize("share", [0.5, 0.6, 0.95, 0.975, 0.999, 0.025])
def test_t_quantiles_are_scipys(share, degrees):
    assert t_quantile(share, degrees) == pytest.approx(stats.t.ppf(share, degrees), rel=1e-7, abs=1e-12)


def test_two_sided_normal_is_scipys():
    assert [two_sided_normal(z) for z in (0, -1.3, 2.5)] == pytest.approx([2 * stats.norm.sf(z) for z in (0, 1.3, 2.5)])


def test_paired_difference_counts_shared_training_rows():
    one, two = np.array([0.7, 0.6, 0.8, 0.5, 0.9]), np.array([0.65, 0.6, 0.7, 0.5, 0.75])
    found = paired_difference(one, two)
    spread = (one - two).std(ddof=1) * np.sqrt(1 / 5 + 1 / 4) * stats.t.ppf(0.975, 4)
    assert (found.mean, found.low, found.high) == pytest.approx((0.06, 0.06 - spread, 0.06 + spread))
    alone = interval_of(np.array([0.3]))
    assert alone.mean == 0.3 and np.isnan(alone.low)
    assert np.isnan(interval_of(np.array([np.nan])).mean)


def test_reliability_is_the_gap_between_sure_and_right():
    chance = np.random.default_rng(3)
    probabilities = chance.dirichlet(np.ones(3), 500)
    truth, weights = chance.integers(0, 3, 500), chance.uniform(0, 2, 500)
    found = reliability(truth, probabilities, weights)
    sure, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == truth
    error = 0.0
    for number in range(10):
        some = (sure > number / 10) & (sure <= (number + 1) / 10)
        if some.any():
            error += abs((weights * (sure - right))[some].sum()) / weights.sum()
    assert found.error == pytest.approx(error)
    assert sum(one.share for one in found.bins) == pytest.approx(1.0)
    assert all(one.low < one.confidence <= one.high for one in found.bins)


def test_log_loss_is_scikit_learns():
    chance = np.random.default_rng(4)
    probabilities, truth = chance.dirichlet(np.ones(3), 200), chance.integers(0, 3, 200)
    weights = chance.uniform(0, 2, 200)
    assert log_loss(truth, probabilities, weights) == pytest.approx(
        metrics.log_loss(truth, probabilities, sample_weight=weights, labels=range(3)), rel=1e-6)
    assert log_loss(np.array([0]), np.array([[0.0, 1.0]])) == pytest.approx(np.log(1e6))

"""Permutation importance and its intervals, against loops that shuffle row by row."""

from __future__ import annotations

import numpy as np
import pytest
from made_explanations import FormulaPredictor, made_rows, softmax
from sklearn.metrics import balanced_accuracy_score, log_loss, mean_squared_error, r2_score

from earthprint.engine.errors import Cancelled
from earthprint.engine.explaining.feature_groups import COLUMN, PART, WHOLE, FeatureGroup
from earthprint.engine.explaining.importance import importances
from earthprint.engine.explaining.judgement import DRAWS, Judgement
from earthprint.engine.progress import Silent

GROUPS = [FeatureGroup("first", PART, np.array([0, 2])), FeatureGroup("second", PART, np.array([1, 3])),
          FeatureGroup("column", COLUMN, np.array([4]))]
WEIGHTS = np.array([[1.0, 0.5, -2.0, 0.25, 1.5], [0.0, 1.0, 0.0, -1.0, 0.2]])


def features_of(rows: int = 60, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(5, rows)).astype(np.float32)


def dealt_out(features: np.ndarray, group: FeatureGroup, seed: int, number: int) -> np.ndarray:
    """Shuffle the features of a group between rows, cell by cell."""
    order = np.random.default_rng((seed, number)).permutation(features.shape[1])
    mixed = features.copy()
    for row in range(features.shape[1]):
        for feature in group.features:
            mixed[feature, row] = features[feature, order[row]]
    return mixed


def test_losses_of_a_regression_with_two_targets_are_those_of_a_loop() -> None:
    features, chance = features_of(), np.random.default_rng(5)
    truth = (WEIGHTS @ features).T + chance.normal(0, 0.7, (60, 2))
    predictor = FormulaPredictor(lambda x: WEIGHTS @ x, 4, 2)
    found = importances(predictor, features, Judgement(truth, 0, np.arange(60), 3), GROUPS, 4, 3, Silent())
    own = (WEIGHTS @ features).T
    assert found.score == pytest.approx(r2_score(truth, own))
    for group, told in zip(GROUPS, found.groups):
        scores, errors = [], []
        for number in range(4):
            shuffled = (WEIGHTS @ dealt_out(features, group, 3, number)).T
            scores.append(r2_score(truth, shuffled))
            errors.append(np.sqrt(mean_squared_error(truth, shuffled, multioutput="raw_values")))
        assert told.group is group
        assert told.loss.value == pytest.approx(r2_score(truth, own) - np.mean(scores), abs=1e-6)
        base = np.sqrt(mean_squared_error(truth, own, multioutput="raw_values"))
        np.testing.assert_allclose(told.errors, np.mean(errors, axis=0) - base, atol=1e-6)


def test_losses_of_a_classification_are_those_of_a_loop() -> None:
    features, chance = features_of(90, 2), np.random.default_rng(6)
    weights = chance.normal(size=(3, 5))

    def formula(x: np.ndarray) -> np.ndarray:
        return softmax(weights @ x)

    truth = (weights @ features + chance.normal(0, 1, (3, 90))).argmax(axis=0)
    predictor = FormulaPredictor(formula, 4, classes=3)
    found = importances(predictor, features, Judgement(truth, 3, np.arange(90), 0), GROUPS, 3, 0, Silent())
    own = formula(features.astype(np.float64))
    assert found.score == pytest.approx(balanced_accuracy_score(truth, own.argmax(axis=0)))
    for group, told in zip(GROUPS, found.groups):
        shuffled = [formula(dealt_out(features, group, 0, number).astype(np.float64)) for number in range(3)]
        lost = found.score - np.mean([balanced_accuracy_score(truth, one.argmax(axis=0)) for one in shuffled])
        assert told.loss.value == pytest.approx(lost, abs=1e-6)
        grown = np.mean([log_loss(truth, one.T, labels=[0, 1, 2]) for one in shuffled]) - log_loss(
            truth, own.T, labels=[0, 1, 2])
        assert told.errors[0] == pytest.approx(grown, abs=1e-5)


def test_only_the_group_that_the_formula_reads_matters() -> None:
    features = features_of(200)
    predictor = FormulaPredictor(lambda x: x[1:2] * 3 - x[3:4], 4)
    truth = (3 * features[1] - features[3])[:, np.newaxis].astype(np.float64)
    groups = [FeatureGroup("embedding", WHOLE, np.arange(4)), *GROUPS]
    found = importances(predictor, features, Judgement(truth, 0, np.arange(200), 0), groups, 5, 0, Silent())
    whole, first, second, column = found.groups
    assert found.score == pytest.approx(1.0)
    # A prediction that has nothing to do with the truth, and is as spread, has an R² of −1.
    assert 1.7 < second.loss.value < 2.3 and whole.loss.value == pytest.approx(second.loss.value)
    assert second.loss.low < second.loss.value < second.loss.high and second.loss.low > 1.3
    for none in (first, column):
        assert none.loss.value == pytest.approx(0, abs=1e-12) and none.errors[0] == pytest.approx(0, abs=1e-12)
        assert none.loss.low == pytest.approx(0, abs=1e-12) and none.loss.high == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("classes", [0, 3])
def test_intervals_resample_features_and_shufflings(classes: int) -> None:
    chance = np.random.default_rng(1)
    units = np.repeat(np.arange(20), 3)
    truth = chance.integers(0, 3, 60) if classes else chance.normal(size=(60, 1))
    shape = (60, 3) if classes else (60, 1)
    if classes:
        own, shuffled = chance.dirichlet([1, 1, 1], 60), [chance.dirichlet([1, 1, 1], 60) for _ in range(4)]
        own[np.arange(60), truth] += 0.5
    else:
        own, shuffled = truth + chance.normal(0, 0.3, shape), [truth + chance.normal(0, 1, shape) for _ in range(4)]
    judgement = Judgement(truth, classes, units, 9)
    told = judgement.loss(judgement.judged(own), [judgement.judged(one) for one in shuffled])
    times = np.random.default_rng((9, DRAWS)).multinomial(20, np.full(20, 1 / 20), size=DRAWS)
    which = np.random.default_rng((9, 4)).multinomial(4, np.full(4, 1 / 4), size=DRAWS)
    losses = []
    for draw in range(DRAWS):
        rows = np.concatenate([np.repeat(np.flatnonzero(units == unit), count)
                               for unit, count in enumerate(times[draw]) if count])
        if classes:
            scores = [balanced_accuracy_score(truth[rows], one[rows].argmax(axis=1)) for one in (own, *shuffled)]
        else:
            scores = [r2_score(truth[rows], one[rows]) for one in (own, *shuffled)]
        losses.append(scores[0] - np.dot(which[draw], scores[1:]) / 4)
    assert told.low == pytest.approx(np.percentile(losses, 2.5), abs=1e-9)
    assert told.high == pytest.approx(np.percentile(losses, 97.5), abs=1e-9)
    assert told.low < told.value < told.high


def test_the_seed_decides_and_cancel_is_heard() -> None:
    features = features_of(40)
    truth = (WEIGHTS @ features).T
    predictor = FormulaPredictor(lambda x: WEIGHTS @ x, 4, 2)

    def losses(seed: int) -> "list[float]":
        judgement = Judgement(truth, 0, np.arange(40), seed)
        return [one.loss.value for one in importances(predictor, features, judgement, GROUPS, 2, seed,
                                                      Silent()).groups]

    assert losses(1) == losses(1) != losses(2)

    class Stopping(Silent):
        def cancelled(self) -> bool:
            return True

    with pytest.raises(Cancelled):
        importances(predictor, features, Judgement(truth, 0, np.arange(40), 0), GROUPS, 2, 0, Stopping())


def test_rows_stay_as_they_were() -> None:
    features = features_of(40)
    before = features.copy()
    rows = made_rows(features, (WEIGHTS @ features).T, 4)
    importances(FormulaPredictor(lambda x: WEIGHTS @ x, 4, 2), rows.features,
                Judgement(rows.truth, 0, rows.units, 0), GROUPS, 2, 0, Silent())
    assert np.array_equal(rows.features, before)

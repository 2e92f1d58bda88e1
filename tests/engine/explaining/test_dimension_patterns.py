"""Moran's I of each dimension against the double sum, and what a dimension alone is worth."""

from __future__ import annotations

import numpy as np
import pytest
from made_explanations import FormulaPredictor, made_rows

from earthprint.engine.explaining.dimension_patterns import REPEATS, dimension_morans, dimension_worth
from earthprint.engine.progress import Silent


def test_morans_i_is_that_of_all_pairs() -> None:
    chance = np.random.default_rng(3)
    points = chance.uniform(0, 1000, (70, 2)) + (500_000, 5_700_000)
    features = np.stack([np.sin(points[:, 0] / 200), chance.normal(size=70), points[:, 1], np.ones(70)])
    features[2] -= features[2].mean()
    found = dimension_morans(made_rows(features, np.zeros((70, 1)), 4, points), 0, Silent())
    apart = np.hypot(points[:, None, 0] - points[None, :, 0], points[:, None, 1] - points[None, :, 1])
    np.fill_diagonal(apart, np.inf)
    near = np.argsort(apart, axis=1)[:, :8]
    for number in range(3):
        values = features[number].astype(np.float32).astype(np.float64)
        values = values - values.mean()
        crossed = sum(values[i] * values[j] / 8 for i in range(70) for j in near[i])
        assert found[number].value == pytest.approx(crossed / (values ** 2).sum(), rel=1e-9)
    assert found[0].alike and not found[1].alike and found[2].p < 1e-6
    assert not np.isfinite(found[3].value)


def test_without_places_there_is_none() -> None:
    assert dimension_morans(made_rows(np.ones((2, 20)), np.zeros((20, 1)), 2), 0, Silent()) == ()


def test_a_dimension_is_worth_what_shuffling_it_alone_costs() -> None:
    chance = np.random.default_rng(0)
    features = chance.normal(size=(4, 120)).astype(np.float32)
    weights = np.array([[3.0, 0.0, 1.0, 2.0]])
    rows = made_rows(features, (weights @ features).T, 3)
    found = dimension_worth(FormulaPredictor(lambda x: weights @ x, 3), rows, 5, Silent())
    truth = (weights @ features)[0].astype(np.float64)
    for number in range(3):
        losses = []
        for repeat in range(REPEATS):
            mixed = features.copy()
            mixed[number] = features[number, np.random.default_rng((5, repeat)).permutation(120)]
            error = ((weights @ mixed)[0] - truth) ** 2
            losses.append(error.sum() / ((truth - truth.mean()) ** 2).sum())
        assert found[number] == pytest.approx(np.mean(losses), abs=1e-6)
    assert found[1] == pytest.approx(0, abs=1e-9) and found[0] > found[2] > 0
    assert np.array_equal(rows.features, features)

"""Partial dependence of formulas whose curve is known."""

from __future__ import annotations

import numpy as np
from made_explanations import FormulaPredictor, made_rows, softmax

from earthprint.engine.explaining.dependence import dependences, quantile_grid
from earthprint.engine.progress import Silent
from earthprint.engine.training.columns import CategoryColumn, ColumnPlan, NumericColumn

PLAN = ColumnPlan((NumericColumn("age", 3.0), CategoryColumn("wall", ("brick", "wood"), other=True, absent=True)))


def features_of(rows: int = 400) -> np.ndarray:
    """Return two dimensions, an age and four encoded columns of walls."""
    chance = np.random.default_rng(0)
    walls = np.eye(4)[chance.choice([0, 0, 0, 1, 2], rows)].T
    return np.concatenate([chance.normal(size=(2, rows)), chance.uniform(0, 50, (1, rows)), walls]).astype(np.float32)


def test_a_linear_formula_gives_its_line_and_its_steps() -> None:
    weights = np.array([[2.0, -1.0, 0.3, 5.0, 7.0, 9.0, 0.0]])
    features = features_of()
    rows = made_rows(features, (weights @ features).T, 2)
    age, wall = dependences(FormulaPredictor(lambda x: weights @ x, 2, columns=PLAN), rows, 0, Silent())
    assert age.column == "age" and age.numeric and len(age.values) == 21
    x = np.array(age.values, dtype=np.float64)
    np.testing.assert_allclose(np.diff(age.mean[:, 0]) / np.diff(x), 0.3, atol=1e-4)
    rest = (weights[:, [0, 1, 3, 4, 5, 6]] @ features[[0, 1, 3, 4, 5, 6]])[0]
    np.testing.assert_allclose(age.mean[:, 0], rest.mean() + 0.3 * x, atol=1e-4)
    np.testing.assert_allclose(age.low[:, 0], np.quantile(rest, 0.1) + 0.3 * x, atol=1e-4)
    np.testing.assert_allclose(age.high[:, 0], np.quantile(rest, 0.9) + 0.3 * x, atol=1e-4)
    assert wall.values == ("brick", "wood", "(other)", "(missing)") and not wall.numeric
    assert wall.rows == tuple(features[3:].sum(axis=1).astype(int)) and wall.rows[3] == 0
    np.testing.assert_allclose(wall.mean[:, 0] - wall.mean[3, 0], [5, 7, 9, 0], atol=1e-4)


def test_classes_give_mean_probabilities() -> None:
    weights = np.random.default_rng(1).normal(size=(3, 7)) * np.array([1, 1, 0.05, 1, 1, 1, 1])
    features = features_of(50)
    rows = made_rows(features, np.arange(50) % 3, 2)
    age, wall = dependences(FormulaPredictor(lambda x: softmax(weights @ x), 2, classes=3, columns=PLAN), rows, 0,
                            Silent())
    for index in (0, 7, 20):
        naive = np.zeros(3)
        for row in range(50):
            one = features[:, row].astype(np.float64)
            one[2] = np.float32(age.values[index])
            naive += softmax(weights @ one[:, np.newaxis])[:, 0] / 50
        np.testing.assert_allclose(age.mean[index], naive, atol=1e-6)
    np.testing.assert_allclose(wall.mean.sum(axis=1), 1, atol=1e-6)


def test_many_rows_are_thinned_and_none_without_columns() -> None:
    features = features_of(1500)
    seen = []

    def formula(x: np.ndarray) -> np.ndarray:
        seen.append(x.shape[1])
        return x[2:3]

    rows = made_rows(features, np.zeros((1500, 1)), 2)
    dependences(FormulaPredictor(formula, 2, columns=PLAN), rows, 0, Silent())
    assert set(seen) == {1000}
    assert dependences(FormulaPredictor(formula, 2), rows, 0, Silent()) == ()


def test_the_grid_is_of_values_that_occur_or_lie_between_as_many_rows() -> None:
    assert quantile_grid(np.array([3, 1, 1, 2], dtype=np.float32)).tolist() == [1, 2, 3]
    years = np.random.default_rng(0).integers(1900, 2000, 5000).astype(np.float32)
    grid = quantile_grid(years)
    assert (grid == np.round(grid)).all() and 15 <= len(grid) <= 21
    skewed = np.random.default_rng(0).lognormal(0, 2, 4000).astype(np.float32)
    grid = quantile_grid(skewed)
    shares = [(skewed < value).mean() for value in grid]
    np.testing.assert_allclose(shares, np.linspace(0.02, 0.98, 21), atol=0.002)

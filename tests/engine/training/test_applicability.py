"""The area of applicability against Meyer and Pebesma's definition written out."""

from __future__ import annotations

import json

import numpy as np
import pytest

from earthprint.engine.errors import CardError, InputError
from earthprint.engine.training.applicability import applicability_from_json, fit_applicability, upper_whisker


def naive(features: np.ndarray, fold: np.ndarray) -> "tuple[float, float, np.ndarray]":
    """Return mean distance, threshold, and each row's dissimilarity to the other folds, with all rows as reference."""
    rows = (features - features.mean(axis=0)) / features.std(axis=0)
    apart = np.sqrt(((rows[:, np.newaxis] - rows) ** 2).sum(axis=2))
    mean = apart[np.triu_indices(len(rows), 1)].mean()
    held = np.array([apart[row, fold != fold[row]].min() for row in range(len(rows))]) / mean
    low, high = np.percentile(held, [25, 75])
    return mean, max(value for value in held if value <= high + 1.5 * (high - low)), held


def blobs(rows: int, seed: int, dims: int = 12) -> np.ndarray:
    """Return features in a few groups of different sizes, with scales that differ by hundreds."""
    chance = np.random.default_rng(seed)
    middles = np.random.default_rng(77).normal(0, 3, (5, dims))
    group = chance.choice(5, rows, p=[0.5, 0.3, 0.15, 0.04, 0.01])
    return ((middles[group] + chance.normal(0, 1, (rows, dims))) * np.geomspace(0.1, 30, dims) + 5).astype(np.float32)


def test_equal_to_the_definition():
    features, fold = blobs(180, 0), np.random.default_rng(1).integers(0, 4, 180)
    mean, threshold, _ = naive(features.astype(float), fold)
    found = fit_applicability(features, fold, 0)
    assert found.mean_distance == pytest.approx(mean, rel=1e-5) and len(found.reference) == 180
    assert found.threshold == pytest.approx(threshold, rel=1e-5)
    new = blobs(60, 2) + 1
    rows = (features - features.mean(axis=0, dtype=float)) / features.std(axis=0, dtype=float)
    asked = (new - features.mean(axis=0, dtype=float)) / features.std(axis=0, dtype=float)
    expected = np.sqrt(((asked[:, np.newaxis] - rows) ** 2).sum(axis=2)).min(axis=1) / mean
    assert found.dissimilarity(new) == pytest.approx(expected, rel=1e-5)
    assert np.array_equal(found.applicable(new), expected <= threshold)
    assert (found.dissimilarity(features) == 0).all()


def test_whisker_is_that_of_a_box_plot():
    values = np.array([1, 2, 3, 4, 5, 6, 7, 8, 9, 13.5, 60.0])
    assert upper_whisker(values) == 13.5 and upper_whisker(np.append(values, 16.0)) == 16.0
    assert upper_whisker(np.ones(5)) == 1.0


@pytest.mark.parametrize("rows", [800, 8000])
def test_rows_of_the_same_kind_are_hardly_ever_marked_and_shifted_ones_always(rows):
    features, fold = blobs(rows, 3), np.random.default_rng(4).integers(0, 5, rows)
    found = fit_applicability(features, fold, 0)
    assert len(found.reference) <= 2000
    assert (~found.applicable(blobs(3000, 5))).mean() < 0.08
    assert (~found.applicable(blobs(500, 6) + 4 * features.std(axis=0))).mean() > 0.99


def test_rare_rows_stay_known_when_few_stand_for_many():
    chance = np.random.default_rng(0)
    features = np.concatenate([chance.normal(0, 1, (6000, 8)), chance.normal(25, 1, (12, 8))])
    fold = np.tile(np.arange(4), 1503)
    found = fit_applicability(features, fold, 0, most=300)
    assert len(found.reference) == 300
    # By chance alone, fewer than one of the twelve would be among three hundred.
    assert (found.reference.mean(axis=1) > 10).sum() >= 3 and found.applicable(features[6000:]).sum() >= 3
    assert not found.applicable(chance.normal(12, 1, (50, 8))).any()
    assert fit_applicability(features, fold, 0, most=300).threshold == found.threshold


def test_columns_without_spread_and_equal_rows():
    chance = np.random.default_rng(0)
    features = np.hstack([chance.normal(0, 1, (100, 3)), np.full((100, 1), 7.0), np.full((100, 1), 0.1)])
    found = fit_applicability(features, np.arange(100) % 4, 0)
    assert found.scale[3] == 1.0 and found.scale[4] == 1.0 and np.isfinite(found.dissimilarity(features)).all()
    strange = features[:1] + np.array([0, 0, 0, 50.0, 0])
    assert not found.applicable(strange)[0]
    same = fit_applicability(np.ones((20, 2)), np.arange(20) % 2, 0)
    assert same.applicable(np.ones((3, 2))).all() and not same.applicable(np.full((1, 2), 1.5)).any()


def test_one_fold_is_refused():
    with pytest.raises(InputError, match="at least 2 folds"):
        fit_applicability(np.ones((5, 2)), np.zeros(5), 0)


def test_card_and_back():
    features = blobs(120, 0)
    found = fit_applicability(features, np.arange(120) % 3, 0)
    told = json.loads(json.dumps(found.as_json(), allow_nan=False))
    again = applicability_from_json(told, found.reference)
    assert np.array_equal(again.dissimilarity(features + 1), found.dissimilarity(features + 1))
    assert again.threshold == found.threshold
    for name, wrong in (("scale", [0.0] * 12), ("mean", [1.0]), ("threshold", -1), ("mean_distance", 0)):
        with pytest.raises(CardError):
            applicability_from_json(dict(told, **{name: wrong}), found.reference)
    with pytest.raises(CardError):
        applicability_from_json({}, found.reference)

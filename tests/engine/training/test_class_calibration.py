"""Temperatures that make probabilities true, and never worse than they were."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earthprint.engine.errors import CardError
from earthprint.engine.training.class_calibration import calibration_from_json, fit_calibration
from earthprint.engine.training.figures import log_loss, reliability


def drawn(seed: int, rows: int, classes: int) -> "tuple[np.ndarray, np.ndarray]":
    """Return labels that are drawn from probabilities, and those probabilities."""
    chance = np.random.default_rng(seed)
    probabilities = chance.dirichlet(np.full(classes, 0.7), rows)
    return (probabilities.cumsum(axis=1) < chance.random((rows, 1))).sum(axis=1).clip(max=classes - 1), probabilities


def sharpened(probabilities: np.ndarray, power: float) -> np.ndarray:
    """Return probabilities to a power, rows summing to 1."""
    found = probabilities ** power
    return found / found.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("power", [0.4, 1.0, 3.0])
def test_the_temperature_undoes_what_was_done(power):
    truth, probabilities = drawn(0, 20_000, 3)
    bent = sharpened(np.clip(probabilities, 1e-2, 1), power)
    found = fit_calibration(truth, bent)
    assert found.temperature == pytest.approx(power, rel=0.08)
    new, other = drawn(1, 20_000, 3)
    after = found.apply(sharpened(np.clip(other, 1e-2, 1), power))
    assert reliability(new, after).error < 0.02
    if power > 1:
        assert reliability(new, sharpened(other, power)).error > 0.08


def test_the_temperature_is_the_best_of_a_fine_grid():
    truth, probabilities = drawn(2, 300, 4)
    weights = np.random.default_rng(0).uniform(0, 2, 300)
    bent = np.clip(sharpened(probabilities, 2.5), 1e-6, 1)
    grid = np.geomspace(0.1, 15, 4000)
    losses = [log_loss(truth, sharpened(bent, 1 / heat), weights) for heat in grid]
    found = fit_calibration(truth, bent, weights)
    assert found.temperature == pytest.approx(grid[int(np.argmin(losses))], rel=2e-3)


@given(st.integers(0, 10_000), st.integers(2, 6), st.integers(1, 60))
def test_never_worse_and_never_another_order(seed, classes, rows):
    chance = np.random.default_rng(seed)
    probabilities = chance.dirichlet(np.full(classes, 0.3), rows)
    probabilities[chance.random(rows) < 0.2] = np.eye(classes)[0]
    truth = chance.integers(0, classes, rows)
    found = fit_calibration(truth, probabilities)
    after = found.apply(probabilities)
    clipped = np.clip(probabilities, 1e-6, 1)
    before = clipped / clipped.sum(axis=1, keepdims=True)
    assert log_loss(truth, after) <= log_loss(truth, before) + 1e-9
    assert np.allclose(after.sum(axis=1), 1)
    order = np.argsort(clipped, axis=1, kind="stable")
    assert (np.diff(np.take_along_axis(after, order, axis=1), axis=1) >= -1e-15).all()


def test_card_and_back():
    found = fit_calibration(*drawn(3, 100, 3))
    assert calibration_from_json(found.as_json()) == found
    for wrong in ({}, {"temperature": 0}, {"temperature": "1"}, {"temperature": float("nan")}, {"temperature": True}):
        with pytest.raises(CardError, match="train the predictor again"):
            calibration_from_json(wrong)

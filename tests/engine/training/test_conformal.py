"""Intervals that hold what they promise, at new places too."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from coverage_of_blocks import measured

from earthprint.engine.errors import CardError, InputError
from earthprint.engine.training.conformal import (
    LEVELS,
    checked_coverage,
    conformal_from_json,
    coverage,
    fit_conformal,
    independent_observations,
)


def test_half_widths_are_the_corrected_order_statistics():
    residuals = np.random.default_rng(0).normal(0, 1, (199, 2)) * [1, 5]
    found = fit_conformal(residuals)
    for level in LEVELS:
        rank = int(np.ceil(level * 200 - 1e-9))
        expected = np.sort(np.abs(residuals), axis=0)[min(rank, 199) - 1]
        assert found.half_width(level) == pytest.approx(expected)
    between = (found.half_width(0.9) + found.half_width(0.925)) / 2
    assert found.half_width(0.9125) == pytest.approx(between)


def test_weights_count_as_copies():
    chance = np.random.default_rng(1)
    residuals, copies = chance.normal(0, 1, 80), chance.integers(1, 5, 80)
    blocks = np.arange(80) // 4
    weighted = fit_conformal(residuals, copies, blocks)
    copied = fit_conformal(np.repeat(residuals, copies), None, np.repeat(blocks, copies))
    assert weighted.half_widths == pytest.approx(copied.half_widths)


def test_blocks_whose_errors_are_alike_count_as_one_observation_each():
    residuals = np.arange(1.0, 101.0)
    found = fit_conformal(residuals, None, np.arange(100) // 5)
    # 0.9 of 21 blocks, of which one is beyond all that was seen: 94.5 % of the rows.
    assert found.half_width(0.9)[0] == 95.0 and found.highest == pytest.approx(20 / 21, rel=1e-3)
    assert fit_conformal(residuals).half_width(0.9)[0] == 91.0
    assert fit_conformal(residuals, None, np.arange(100) // 25).half_width(0.9)[0] == 100.0


def test_rows_are_worth_what_their_blocks_leave_them():
    chance = np.random.default_rng(4)
    blocks = np.repeat(np.arange(50), 20)
    assert independent_observations(chance.random(1000), blocks) > 500
    assert independent_observations(np.repeat(chance.random(50), 20), blocks) == pytest.approx(50, rel=1e-2)
    assert independent_observations(chance.random(30), np.arange(30)) == 30
    # A share of a third of the variance between blocks: 1000 / (1 + 19 / 3) = 136.
    mixed = [independent_observations(np.repeat(draw.standard_normal(50), 20) + draw.normal(0, 2 ** 0.5, 1000), blocks)
             for draw in map(np.random.default_rng, range(40))]
    assert np.mean(mixed) == pytest.approx(136, rel=0.15)


def test_coverage_of_new_blocks_whose_errors_are_alike_inside():
    found = {}
    for blocks in (15, 40):
        hits = []
        for seed in range(400):
            chance = np.random.default_rng(seed)
            residuals = chance.normal(0, 1, (blocks + 1, 1)) + chance.normal(0, 0.5, (blocks + 1, 20))
            part = np.repeat(np.arange(blocks), 20)
            half = fit_conformal(residuals[:-1].ravel(), None, part).half_width(0.9)[0]
            hits.append((np.abs(residuals[-1]) <= half).mean())
        found[blocks] = np.mean(hits)
    assert 0.89 < found[40] < 0.95 and 0.89 < found[15] < 0.97


def test_checked_coverage_uses_other_folds_errors_only():
    chance = np.random.default_rng(2)
    residuals, fold = chance.normal(0, 1, 300), np.arange(300) % 5
    residuals[fold == 2] *= 10
    found = checked_coverage(residuals, fold, 0.8)
    inside = np.concatenate([np.abs(residuals[fold == n]) <= fit_conformal(residuals[fold != n]).half_width(0.8)[0]
                             for n in range(5)])
    assert found.observed[0] == pytest.approx(inside.mean()) and found.folds.shape == (5, 1)
    assert found.folds[2, 0] < 0.4 < found.folds[1, 0]


def test_coverage_counts_weights_and_ends():
    truth = np.array([1.0, 2.0, 3.0, 4.0])
    assert coverage(truth, truth, truth + 1) == 1.0
    assert coverage(truth, np.full(4, 2.0), np.full(4, 3.0), np.array([1.0, 2.0, 1.0, 4.0])) == pytest.approx(3 / 8)


def test_card_and_back_and_what_is_refused():
    found = fit_conformal(np.random.default_rng(3).normal(0, 1, (60, 2)), None, np.arange(60) // 3)
    again = conformal_from_json(json.loads(json.dumps(found.as_json(), allow_nan=False)))
    assert again.half_width(0.77) == pytest.approx(found.half_width(0.77)) and again.independent == found.independent
    for level in (0.3, 0.999, float("nan")):
        with pytest.raises(InputError, match="INTERVAL is"):
            found.half_width(level)
    told = found.as_json()
    wrong = [{}, dict(told, levels=[0.5]), dict(told, half_widths=[[-1.0, 1.0]] * len(LEVELS)),
             dict(told, half_widths=told["half_widths"][::-1]), dict(told, independent=0), dict(told, levels=None)]
    for values in wrong:
        with pytest.raises(CardError, match="train the predictor again"):
            conformal_from_json(values)


@pytest.mark.parametrize("table", ["us_counties_1980", "lucas_houses"])
def test_coverage_on_held_out_blocks_of_real_data(sample_data: Path, table: str):
    found = measured(sample_data, table, repeats=20, level=0.9)
    print("{}: coverage {:.3f}, mean width {:.3f}".format(table, found.coverage, found.width))
    assert abs(found.coverage - 0.9) <= 0.05

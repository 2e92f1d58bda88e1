"""Transforms of targets against scipy's, and their way back."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import stats

from earthprint.engine.errors import InputError
from earthprint.engine.training.target import TargetClass, TargetPlan
from earthprint.engine.training.transforms import (
    AUTOMATIC,
    BOXCOX,
    LOG,
    NONE,
    TargetTransform,
    fit_power,
    fit_transform,
    skewness,
)

CHANCE = np.random.default_rng(5)
POSITIVE = {
    "lognormal": CHANCE.lognormal(3.0, 1.2, 700), "gamma": CHANCE.gamma(2.0, 30.0, 500),
    "uniform": CHANCE.random(300) + 1.0, "left": 10.0 - CHANCE.lognormal(0.0, 0.5, 400).clip(0, 9),
    "large": CHANCE.normal(2.5e6, 3e5, 400), "tiny": CHANCE.gamma(1.5, 1e-6, 400), "two": np.array([1.0, 2.0, 7.0])}


@pytest.mark.parametrize("name", POSITIVE)
def test_the_power_is_the_likeliest(name: str) -> None:
    values = POSITIVE[name]
    expected = stats.boxcox_normmax(values, method="mle")
    if abs(expected) < 5:
        assert fit_power(values) == pytest.approx(expected, abs=2e-4)
        assert stats.boxcox_llf(fit_power(values), values) >= stats.boxcox_llf(expected, values) - 1e-6
    else:
        assert abs(fit_power(values)) == pytest.approx(5.0, abs=1e-3)


@pytest.mark.parametrize("name", POSITIVE)
@pytest.mark.parametrize("kind", [LOG, BOXCOX, NONE, AUTOMATIC])
def test_values_come_back(name: str, kind: str) -> None:
    values = POSITIVE[name]
    transform = fit_transform(kind, values, name)
    np.testing.assert_allclose(transform.inverse(transform.forward(values)), values, rtol=1e-9)
    beyond = values.max() * np.array([2.0, 20.0])
    np.testing.assert_allclose(transform.inverse(transform.forward(beyond)), beyond, rtol=1e-7)


def test_the_formulas() -> None:
    values = POSITIVE["gamma"]
    transform = fit_transform(BOXCOX, values, "y")
    np.testing.assert_allclose(transform.forward(values), stats.boxcox(values, transform.power), rtol=1e-10)
    np.testing.assert_allclose(fit_transform(LOG, values, "y").forward(values), np.log(values), rtol=1e-12)


@example(5e-324, 0.0, [1.0, math.e])
@example(1e-7, 0.0, [1.0, 1e4])
@given(st.floats(-4.5, 4.5), st.floats(0.0, 50.0), st.lists(st.floats(0.01, 1e4), min_size=2, max_size=20))
def test_any_power_is_undone(power: float, shift: float, values: "list[float]") -> None:
    given_values = np.array(values)
    transform = TargetTransform(BOXCOX, shift, power, 100.0 * (given_values.max() + shift))
    back = transform.inverse(transform.forward(given_values))
    scale = given_values + shift
    # What a power far from 0 presses together can't come back closer than its rounding.
    slack = 1e-12 * np.maximum(1.0, np.maximum(scale ** abs(power), scale ** -abs(power)))
    assert (np.abs(back - given_values) <= scale * np.maximum(slack, 1e-9)).all()


@pytest.mark.parametrize("kind", [LOG, BOXCOX])
@pytest.mark.parametrize("name", ["lognormal", "left", "gamma"])
def test_wild_predictions_stay_in_the_domain(kind: str, name: str) -> None:
    values = POSITIVE[name]
    transform = fit_transform(kind, values, "y")
    found = transform.inverse(np.array([-1e30, 1e30, np.nan]))
    assert 0.0 <= found[0] < values.min()
    assert found[1] == pytest.approx(100 * values.max(), rel=1e-6)
    assert math.isnan(found[2])
    low, high = transform.limits
    assert low < transform.forward(values).min() and high > transform.forward(values).max()


def test_a_negative_power_has_a_highest_value() -> None:
    transform = TargetTransform(BOXCOX, 0.0, -0.5, 400.0)
    assert transform.limits == (-math.inf, pytest.approx((400.0 ** -0.5 - 1) / -0.5))
    np.testing.assert_allclose(transform.inverse(np.array([2.0, 5.0, 1e9])), 400.0, rtol=1e-9)


def test_zeros_get_a_stated_shift() -> None:
    whole = fit_transform(LOG, np.array([0.0, 3.0, 9.0]), "count")
    assert whole.shift == 1.0 and whole.in_words() == "ln(value + 1)"
    np.testing.assert_allclose(whole.forward(np.array([0.0, 3.0])), [0.0, math.log(4.0)])
    assert fit_transform(LOG, np.array([0.0, 0.4, 9.5]), "share").shift == pytest.approx(0.2)
    speck = fit_transform(LOG, np.array([0.0, 1e-12, 9.5, 10.5]), "speck")
    assert speck.shift == pytest.approx(1e-3 * 9.5)
    boxcox = fit_transform(BOXCOX, np.array([0.0, 0.4, 3.0, 9.5]), "share")
    np.testing.assert_allclose(boxcox.inverse(boxcox.forward(np.array([0.0, 0.4, 9.5]))), [0.0, 0.4, 9.5], atol=1e-12)


def test_negative_targets_are_refused() -> None:
    for kind in (LOG, BOXCOX):
        with pytest.raises(InputError, match="“y” goes down to -2.5.*choose the transform none"):
            fit_transform(kind, np.array([-2.5, 4.0]), "y")
    with pytest.raises(InputError, match="“root” is no transform"):
        fit_transform("root", np.array([1.0, 4.0]), "y")


def test_automatic_changes_only_what_is_skewed() -> None:
    assert fit_transform(AUTOMATIC, CHANCE.normal(50, 5, 500), "y").kind == NONE
    assert fit_transform(AUTOMATIC, POSITIVE["lognormal"], "y").kind == LOG
    assert fit_transform(AUTOMATIC, -POSITIVE["lognormal"], "y").kind == NONE
    steep = CHANCE.gamma(0.5, 10.0, 2000)
    assert skewness(steep) == pytest.approx(stats.skew(steep)) and skewness(steep) > 2
    assert abs(stats.skew(np.log(steep))) > skewness(steep) / 2
    assert fit_transform(AUTOMATIC, steep, "y").kind == BOXCOX


def test_several_targets_each_have_their_own() -> None:
    values = np.column_stack([POSITIVE["gamma"][:300], POSITIVE["uniform"], CHANCE.normal(size=300)])
    plan = TargetPlan(("a", "b", "c"), (fit_transform(LOG, values[:, 0], "a"), fit_transform(BOXCOX, values[:, 1], "b"),
                                        TargetTransform()), ("m", "", "%"))
    scaled = plan.forward(values)
    np.testing.assert_allclose(scaled[:, 0], np.log(values[:, 0]))
    np.testing.assert_array_equal(scaled[:, 2], values[:, 2])
    np.testing.assert_allclose(plan.inverse(scaled), values, rtol=1e-9)
    np.testing.assert_allclose(plan.inverse(scaled.reshape(3, 100, 3)), values.reshape(3, 100, 3), rtol=1e-9)
    again = TargetPlan.from_json(json.loads(json.dumps(plan.as_json(), allow_nan=False)))
    assert again == plan
    with pytest.raises(ValueError, match="3 columns"):
        plan.forward(values[:, :2])


def test_classes_travel_as_json() -> None:
    classes = (TargetClass("3", "3", "#112233", 8), TargetClass("11", "11", "#445566", 2))
    plan = TargetPlan(("code",), classes=classes, merged={"4": "3"})
    assert TargetPlan.from_json(json.loads(json.dumps(plan.as_json()))) == plan
    assert plan.codes == (3, 11)
    assert TargetPlan(("code",), classes=(TargetClass("a", "a", "#112233", 8),)).codes is None


@pytest.mark.parametrize("change", [
    {"names": []}, {"transforms": []}, {"transforms": [{"kind": "none"}] * 2}, {"units": ["m", "m"]},
    {"transforms": [{"kind": "root"}]}, {"transforms": [{"kind": "log", "shift": 0, "largest": -1}]},
    {"transforms": [{"kind": "log", "shift": float("nan"), "largest": 4}]}, {"transforms": [{"kind": "boxcox"}]},
    {"classes": [{"value": "1", "name": "1", "colour": "red", "count": 3}], "transforms": []},
    {"classes": [{"value": "1", "name": "1", "colour": "#112233", "count": 3}]}])
def test_a_damaged_target_is_not_read(change: "dict[str, Any]") -> None:
    whole = {"names": ["y"], "units": [], "transforms": [{"kind": "none"}], "classes": [], "merged": {}}
    assert TargetPlan.from_json(whole).names == ("y",)
    with pytest.raises((ValueError, KeyError, TypeError)):
        TargetPlan.from_json({**whole, **change})

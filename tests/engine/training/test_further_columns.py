"""Further columns against encodings written by hand."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from earthprint.engine.errors import InputError
from earthprint.engine.table import ColumnSpec
from earthprint.engine.training.columns import MISSING, OTHER, CategoryColumn, ColumnPlan, NumericColumn, fit_columns

SPECS = [ColumnSpec("rooms", "integer"), ColumnSpec("wall", "text"), ColumnSpec("sold", "boolean")]
VALUES = {"rooms": [3, None, 5, 10], "wall": ["stone", "wood", " ", "wood"], "sold": [True, False, True, False]}


def test_encoding_by_hand() -> None:
    plan = fit_columns(SPECS, VALUES)
    assert plan.names == ("rooms", "wall=wood", "wall=stone", "wall=(missing)", "sold=false", "sold=true")
    assert plan.width == 6
    assert plan.groups == {"rooms": slice(0, 1), "wall": slice(1, 4), "sold": slice(4, 6)}
    found = plan.encode(VALUES)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, [
        [3, 0, 1, 0, 0, 1],
        [5, 1, 0, 0, 1, 0],
        [5, 0, 0, 1, 0, 1],
        [10, 1, 0, 0, 1, 0]])
    np.testing.assert_array_equal(plan.missing(VALUES), [
        [False, False, False], [True, False, False], [False, True, False], [False, False, False]])


def test_other_rows_are_encoded_the_same_way() -> None:
    plan = ColumnPlan.from_json(json.loads(json.dumps(fit_columns(SPECS, VALUES).as_json())))
    assert plan == fit_columns(SPECS, VALUES)
    found = plan.encode({"rooms": ["7", "", None], "wall": ["straw", None, "stone"], "sold": [None, "true", 0]})
    np.testing.assert_array_equal(found, [
        [7, 0, 0, 0, 0, 0],
        [5, 0, 0, 1, 0, 1],
        [5, 0, 1, 0, 0, 0]])


def test_rare_levels_share_a_column() -> None:
    cells = [f"level {number:02}" for number in range(40) for _ in range(40 - number)]
    plan = fit_columns([ColumnSpec("kind", "text")], {"kind": cells})
    assert len(plan.names) == 31 and plan.names[0] == "kind=level 00" and plan.names[-1] == f"kind={OTHER}"
    found = plan.encode({"kind": ["level 29", "level 30", "never seen", None]})
    assert found[0].argmax() == 29
    assert [row.argmax() for row in found[1:]] == [30, 30, 30]
    assert (found.sum(axis=1) == 1).all()


def test_levels_called_like_ours_stay_apart() -> None:
    plan = fit_columns([ColumnSpec("kind", "text")], {"kind": ["other", "missing", None]})
    assert sorted(plan.names) == sorted(["kind=missing", "kind=other", f"kind={MISSING}"])
    np.testing.assert_array_equal(plan.encode({"kind": ["other", None]}).sum(axis=1), [1, 1])
    assert (plan.encode({"kind": ["other"]}) != plan.encode({"kind": [None]})).any()


def test_numbers_that_a_float_can_t_hold_count_as_missing() -> None:
    plan = fit_columns([ColumnSpec("size", "real")], {"size": [1.0, 2.0, 1e300, float("inf"), float("nan"), 6.0]})
    assert plan.columns == (NumericColumn("size", 2.0),)
    np.testing.assert_array_equal(plan.encode({"size": [4.0, 1e300, float("-inf"), float("nan")]})[:, 0],
                                  [4, 2, 2, 2])


def test_no_columns_are_a_plan_too() -> None:
    plan = fit_columns([], {})
    assert plan.width == 0 and plan.groups == {} and ColumnPlan.from_json(plan.as_json()) == plan


@pytest.mark.parametrize("spec, cells, words", [
    (ColumnSpec("size", "real"), [None, float("nan")], "“size” has no value in any row"),
    (ColumnSpec("wall", "text"), [None, ""], "“wall” has no value in any row"),
    (ColumnSpec("day", "date"), ["2020-01-01"], "“day” holds date values"),
    (ColumnSpec("size", "real"), [1.0, "big"], "“size” holds “big”, which is no number")])
def test_columns_that_can_t_be_used(spec: ColumnSpec, cells: "list[Any]", words: str) -> None:
    with pytest.raises(InputError, match=words):
        fit_columns([spec], {spec.name: cells})


def test_a_layer_that_lacks_a_column() -> None:
    plan = ColumnPlan((NumericColumn("Rooms", 1.0), CategoryColumn("wall", ("a",))))
    assert plan.spelled([ColumnSpec("rooms", "real"), ColumnSpec("wall", "text")], "“x”") == {
        "Rooms": "rooms", "wall": "wall"}
    with pytest.raises(InputError, match="“x” has no column “wall”, which the predictor needs"):
        plan.spelled([ColumnSpec("rooms", "real")], "“x”")


@pytest.mark.parametrize("raw", [
    [{"kind": "numeric", "name": "a", "median": float("nan")}], [{"kind": "date", "name": "a"}], [{"name": "a"}],
    [{"kind": "category", "name": "a"}], ["a"]])
def test_a_damaged_plan_is_not_read(raw: "list[Any]") -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        ColumnPlan.from_json(raw)

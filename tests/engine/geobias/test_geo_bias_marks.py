"""Which rows count as failures, and in which columns they are looked for."""

from __future__ import annotations

import math
from typing import Any, List, Sequence

import numpy as np
import pytest

from earthprint.engine.errors import InputError
from earthprint.engine.geobias.judged_columns import JudgedColumns, judged_columns
from earthprint.engine.geobias.marking import marks_from, marks_of
from earthprint.engine.geobias.threshold import parse_threshold

NAN = math.nan


def failures(truth: Sequence[Any], predicted: Sequence[Any], kind: str = "automatic", threshold: str = "75%") -> list:
    found = marks_of(truth, predicted, kind, parse_threshold(threshold)).failures
    return [None if math.isnan(value) else int(value) for value in found.tolist()]


def test_classes_fail_where_they_differ() -> None:
    assert failures(["a", "b", " c", None, "a"], ["a", "c", "c", "a", None]) == [0, 1, 0, None, None]
    assert failures([True, False, True], [True, True, False]) == [0, 1, 1]
    # Few whole numbers, none predicted that is never true, are codes of classes.
    assert failures([1, 2, 3, 2], [1, 2, 2, 3]) == [0, 0, 1, 1]
    assert failures(["1", "2"], [1, 3.0], kind="classes") == [0, 1]


def test_numbers_fail_by_the_size_of_their_error() -> None:
    truth, predicted = [0.0] * 8, [1.0, -2.0, 3.0, -4.0, 5.0, -6.0, 7.0, -8.0]
    assert failures(truth, predicted) == [0, 0, 0, 0, 0, 0, 1, 1]
    assert failures(truth, predicted, threshold="median") == [0, 0, 0, 0, 1, 1, 1, 1]
    assert failures(truth, predicted, threshold="50 %") == [0, 0, 0, 0, 1, 1, 1, 1]
    assert failures(truth, predicted, threshold="6.5") == [0, 0, 0, 0, 0, 0, 1, 1]
    assert failures(truth, predicted, threshold="Sign") == [1, 0, 1, 0, 1, 0, 1, 0]
    assert failures([1, 5, NAN, 9], [1.5, 5.0, 1.0, None], threshold="0.4") == [1, 0, None, None]
    # A prediction of 2 or 4 is never true among the counts 1, 3 and 9: these are numbers.
    assert failures([1, 3, 9], [2, 4, 9], threshold="0") == [1, 1, 0]
    assert failures([1, 2, 3], [1, 2, 1], kind="numbers", threshold="1") == [0, 0, 1]
    told = marks_of(truth, predicted, "automatic", parse_threshold("75%")).told
    assert told == "its prediction is off by more than 6.25, which 75 % of all errors don't exceed"


def test_a_mark_says_which_are_right() -> None:
    found = marks_from([1, 0, None, True, False, "1", "wrong", 0.0, NAN], "right").failures
    np.testing.assert_array_equal(found, [0, 1, NAN, 0, 1, 0, 1, 1, NAN])


@pytest.mark.parametrize(("truth", "predicted", "kind", "words"), [
    (["a", "b"], [1.5, 2.5], "automatic", "TRUTH holds texts and PREDICTED numbers.*one kind"),
    ([1.0, 2.0], ["a", "b"], "automatic", "TRUTH holds numbers and PREDICTED texts"),
    (["1", "b"], [1.0, 2.0], "numbers", "TRUTH holds “b”, which is no number"),
    (["a", "b"], ["forest", "lake"], "classes", r"TRUTH \(a, b\) and PREDICTED \(forest, lake\) have no class"),
])
def test_values_that_do_not_compare_are_told(truth: List[Any], predicted: List[Any], kind: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        failures(truth, predicted, kind)


@pytest.mark.parametrize("text", ["100%", "0%", "-3", "large", "nan", "inf", "%"])
def test_thresholds_that_are_none_are_told(text: str) -> None:
    with pytest.raises(InputError, match="THRESHOLD: .* is no threshold: give a share of all errors such as 75%"):
        parse_threshold(text)


def test_marks_that_are_none_are_told() -> None:
    with pytest.raises(InputError, match="MARK: the column “m” holds “2”: it must say 1 or true"):
        marks_from([1, 2], "m")


REGRESSION = ("fid", "source_id", "price", "fold", "predicted", "lower", "upper", "residual")
SEVERAL = ("source_id", "height", "fold_1", "fold", "predicted_height", "predicted_fold", "residual_height")
CLASSIFICATION = ("source_id", "land_cover", "fold", "predicted", "probability", "right")


@pytest.mark.parametrize(("columns", "given", "expected"), [
    (REGRESSION, ("", "", ""), ("price", "predicted", "")),
    (CLASSIFICATION, ("", "", ""), ("land_cover", "predicted", "")),
    (SEVERAL, ("", "", ""), ("height", "predicted_height", "")),
    (SEVERAL, ("", "predicted_fold", ""), ("fold_1", "predicted_fold", "")),
    (SEVERAL, ("height", "", ""), ("height", "predicted_height", "")),
    (REGRESSION, ("PRICE", "Lower", ""), ("price", "lower", "")),
    (CLASSIFICATION, ("", "", "right"), ("", "", "right")),
    (("a", "right"), ("", "", ""), ("", "", "right")),
    (("id", "Truth", "Prediction"), ("", "", ""), ("Truth", "Prediction", "")),
    (("true", "predicted"), ("", "", ""), ("true", "predicted", "")),
    (("truth", "true", "prediction", "predicted_x"), ("", "", ""), ("truth", "predicted_x", "")),
    (("a", "prediction"), ("a", "", ""), ("a", "prediction", "")),
    (("true", "said"), ("", "said", ""), ("true", "said", "")),
    # What a training wrote tells more than a name.
    ((*CLASSIFICATION, "truth"), ("", "", ""), ("land_cover", "predicted", "")),
])
def test_columns_are_found_by_their_names(columns: Sequence[str], given: Sequence[str],
                                          expected: Sequence[str]) -> None:
    found = judged_columns("“x”", columns, *given)
    assert (found.truth, found.predicted, found.mark) == tuple(expected)
    assert bool(found.chosen) == (sum(map(bool, given)) < sum(map(bool, expected)))


@pytest.mark.parametrize(("columns", "given", "words"), [
    (("a", "b"), ("", "", ""), "TRUTH and PREDICTED can't be told from the columns of “x”: name them"),
    (("a", "predicted"), ("", "", ""), "TRUTH can't be told.*name it"),
    (("a", "b"), ("a", "", ""), "PREDICTED can't be told"),
    (("prediction", "b"), ("prediction", "", ""), "PREDICTED can't be told"),
    (("true", "b"), ("", "true", ""), "TRUTH can't be told"),
    (("a", "b"), ("c", "b", ""), "TRUTH: “x” has no column “c”: it has a, b"),
    (("a", "b"), ("a", "a", ""), "the same column “a”"),
    (("a", "b"), ("a", "", "b"), "MARK says which predictions are right.*leave them empty"),
])
def test_columns_that_are_missing_are_told(columns: Sequence[str], given: Sequence[str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        judged_columns("“x”", columns, *given)


def test_nothing_chosen_is_nothing_told() -> None:
    assert judged_columns("“x”", REGRESSION, "price", "predicted", "") == JudgedColumns("price", "predicted")

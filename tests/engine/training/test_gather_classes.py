"""Classes, weights, groups and further columns of gathered samples, and input that can't be learnt from."""

from __future__ import annotations

import math
from typing import Any, Dict, List

import numpy as np
import pytest
from made_rows import MadeRows, with_vectors

from earthprint.engine.errors import InputError
from earthprint.engine.progress import Silent
from earthprint.engine.training.gathering import GatherRequest, gather
from earthprint.engine.training.samples import Samples

COUNT = 12
VECTORS = np.random.default_rng(4).normal(size=(200, 3)).astype(np.float32)


class Told(Silent):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.infos: List[str] = []
        self.warnings: List[str] = []

    def info(self, text: str) -> None:
        self.infos.append(text)

    def warn(self, text: str) -> None:
        self.warnings.append(text)


def rows_of(**columns: Any) -> MadeRows:
    count = len(next(iter(columns.values())))
    return with_vectors([f"POINT({500000 + 10 * number} 5700000)" for number in range(count)], columns,
                        list(np.resize(VECTORS, (count, 3))))


def classified(values: "List[Any]", told: Any = None, **options: Any) -> Samples:
    return gather(GatherRequest(rows_of(y=values), ("y",), "classification", **options), told or Silent())


def regressed(told: Any = None, request: "Dict[str, Any] | None" = None, **columns: Any) -> Samples:
    return gather(GatherRequest(rows_of(**columns), ("y",), **(request or {})), told or Silent())


def test_classes_in_order_with_counts() -> None:
    values = ["wood", "Grass", "wood", "grass", None, "Grass", "grass", "wood", " "]
    found = classified(values)
    assert [(entry.value, entry.name, entry.count) for entry in found.target.classes] == [
        ("Grass", "Grass", 2), ("grass", "grass", 2), ("wood", "wood", 3)]
    assert found.targets.dtype == np.int64 and found.targets.tolist() == [2, 0, 2, 1, 0, 1, 2]
    assert found.classes == 3 and found.target.codes is None and found.counts.without_target == 2
    colours = [entry.colour for entry in found.target.classes]
    assert len(set(colours)) == 3 and all(len(colour) == 7 and colour[0] == "#" for colour in colours)


@pytest.mark.parametrize("values, names", [
    ([10, 9, 10, 9, 100, 100], ["9", "10", "100"]), ([2.0, 1.0, 2.0, 1.0], ["1", "2"]),
    ([-1, 0, -1, 0], ["-1", "0"]), (["10", "9", "9", "10"], ["9", "10"]), ([True, False, True, False],
                                                                         ["false", "true"])])
def test_codes_keep_their_value_and_their_order(values: "List[Any]", names: "List[str]") -> None:
    found = classified(values)
    assert [entry.value for entry in found.target.classes] == names
    assert found.target.codes == (tuple(map(int, names)) if names[0] != "false" else None)
    texts = [str(value).lower() if isinstance(value, bool) else str(int(value)) for value in values]
    assert [names[index] for index in found.targets] == texts


def test_classes_are_merged_and_small_ones_left_out() -> None:
    values = ["a"] * 3 + ["b"] * 2 + ["c"] * 4 + ["rare"] * 2 + ["d"] * 3
    told = Told()
    found = classified(values, told, merge=" a = ab ; b=ab;", smallest_class=3)
    assert [(entry.value, entry.count) for entry in found.target.classes] == [("ab", 5), ("c", 4), ("d", 3)]
    assert dict(found.target.merged) == {"a": "ab", "b": "ab"}
    assert found.targets.tolist() == [0] * 5 + [1] * 4 + [2] * 3
    assert found.units.tolist() == [number for number in range(14) if number not in (9, 10)]
    assert found.counts.too_small == 2 and found.counts.used == 12
    assert "a, b became the class ab." in told.infos
    assert "Classes of “y” with fewer than 3 labels are left out: rare 2." in told.warnings


def test_codes_are_merged_into_codes() -> None:
    found = classified([1, 2, 3, 12, 12, 1], merge="2=1;3=12")
    assert found.target.codes == (1, 12) and found.targets.tolist() == [0, 0, 1, 1, 1, 0]


@pytest.mark.parametrize("merge, words", [
    ("a", "“a” can't be read as a merging"), ("a=", "“a=” can't be read"), ("x=a", "has no class “x” to merge"),
    ("a=b;a=c", "“a” is merged twice, into “b” and “c”")])
def test_mergings_that_mean_nothing(merge: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        classified(["a", "b", "c"] * 3, merge=merge)


def test_colours_of_the_layer_come_first() -> None:
    values = ["a", "b", "c", "d"] * 2
    found = classified(values, colours={"a": "#FFBB33", "c": "#123456", "d": "#123456", "b": "blue"})
    colours = {entry.value: entry.colour for entry in found.target.classes}
    assert colours["a"] == "#ffbb33" and colours["c"] == "#123456"
    assert len(set(colours.values())) == 4 and colours["b"] != "#ffbb33"
    many = classified([f"class {number:02}" for number in range(45)] * 2)
    assert len({entry.colour for entry in many.target.classes}) == 45


def test_weights_have_a_mean_of_one() -> None:
    told = Told()
    found = regressed(told, {"weight": "w"}, y=[1.0, 2.0, 3.0, 4.0, 5.0], w=[2.0, 0.0, None, 4.0, 6.0])
    np.testing.assert_allclose(found.weights, [0.5, 1.0, 1.5])
    assert found.counts.without_weight == 2 and "2 with no weight or a weight of 0" in told.warnings[0]


def test_groups_and_ids() -> None:
    found = regressed(None, {"group": "walk", "id_field": "name"}, y=[1.0, 2.0, None, 4.0], name=list("pqrs"),
                      walk=[7, None, 7, 12])
    assert found.groups is not None and found.group_names == ("(none)", "12", "7")
    assert [found.group_names[group] for group in found.groups] == ["7", "(none)", "12"]
    assert found.ids == ["p", "q", "s"]
    assert regressed(y=[1.0, 2.0]).groups is None


def test_further_columns_are_filled_or_their_rows_dropped() -> None:
    columns: Dict[str, List[Any]] = {"y": [1.0, 2.0, 3.0, None, 5.0], "rooms": [4, None, 8, 100, 6],
                                     "wall": ["s", "w", None, "x", "s"]}
    told = Told()
    found = regressed(told, {"columns": ("rooms", "wall")}, **columns)
    # The row without a target has no say in median or levels.
    assert found.column_plan.names == ("rooms", "wall=s", "wall=w", "wall=(missing)")
    np.testing.assert_array_equal(found.columns, [[4, 1, 0, 0], [6, 0, 1, 0], [8, 0, 0, 1], [6, 1, 0, 0]])
    np.testing.assert_array_equal(found.features, np.hstack([VECTORS[[0, 1, 2, 4]], found.columns]))
    assert found.counts.columns_filled == 2 and found.counts.columns_dropped == 0
    assert "1 missing values of “rooms” were given their median, 6." in told.infos
    dropped = regressed(told, {"columns": ("rooms", "wall"), "missing": "drop"}, **columns)
    np.testing.assert_array_equal(dropped.columns, [[4, 1], [6, 1]])
    assert dropped.units.tolist() == [0, 4] and dropped.counts.columns_dropped == 2
    assert "The column “wall” has one value in all rows, so it says nothing: leave it out." in told.warnings


def test_several_targets_and_their_transforms() -> None:
    told = Told()
    chance = np.random.default_rng(3)
    income, share = chance.lognormal(8, 1, 60), chance.normal(50, 4, 60)
    rows = rows_of(income=income.tolist(), share=share.tolist())
    found = gather(GatherRequest(rows, ("income", "share"), transform="automatic", units=("USD", "%")), told)
    np.testing.assert_allclose(found.targets, np.column_stack([np.log(income), share]))
    np.testing.assert_allclose(found.target.inverse(found.targets), np.column_stack([income, share]))
    assert found.target.names == ("income", "share") and found.target.units == ("USD", "%")
    assert "“income” is learnt as ln(value); predictions are in its own units." in told.infos
    assert "“share” needs no transform." in told.infos


def test_infinite_values_are_left_out_and_counted() -> None:
    told = Told()
    found = regressed(told, {"columns": ("x",)}, y=[1.0, math.inf, 3.0, 4.0, 5.0], x=[1.0, 2.0, -math.inf, 4.0, 7.0])
    assert found.units.tolist() == [0, 3, 4] and found.counts.infinite == 2
    assert told.warnings[:2] == ["1 rows of “made” have an infinite value in “y” and are left out.",
                                 "1 rows of “made” have an infinite value in “x” and are left out."]


def test_texts_that_are_numbers_are_taken_as_such() -> None:
    assert regressed(y=["1.5", " 2 ", "-3e2"]).targets[:, 0].tolist() == [1.5, 2.0, -300.0]
    assert regressed(y=[True, False, True]).targets[:, 0].tolist() == [1.0, 0.0, 1.0]


def test_counts_add_up() -> None:
    values = [None, "a", "a", "b", "b", "rare", "a", "b"]
    rows = with_vectors([None] * 8, {"y": values, "w": [1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0],
                                     "x": [1.0, 1.5, 1.0, math.inf, 1.0, 1.0, 1.0, 1.0]},
                        [VECTORS[0]] * 6 + [None] + [VECTORS[0]])
    counts = gather(GatherRequest(rows, ("y",), "classification", weight="w",
                                  columns=("x",), smallest_class=1, merge="rare=b"), Silent()).counts
    assert (counts.read, counts.without_target, counts.without_weight, counts.infinite, counts.without_vector) == (
        8, 1, 1, 1, 1)
    assert counts.used == 4 == counts.read - counts.left_out


FLOATS = np.random.default_rng(2).normal(size=60).tolist()


@pytest.mark.parametrize("columns, options, words", [
    ({"y": [5.0] * 4}, {}, "The target “y” of “made” is 5 in all 4 rows"),
    ({"y": ["a"] * 4}, {"task": "classification"}, "The target “y” of “made” is “a” in all 4 rows"),
    ({"y": ["7", "forest", "8"]}, {}, "holds “forest” .row 2., which is no number: .* “Train classification”"),
    ({"y": FLOATS}, {"task": "classification"}, "has 60 different numbers, too many for classes: use “Train regr"),
    ({"y": [number % 300 for number in range(3000)]}, {"task": "classification"}, "has 300 different numbers"),
    ({"y": list(range(60))}, {"task": "classification"}, "has 60 different numbers"),
    ({"y": [None] * 3}, {}, "“made” has no value of “y” in any of its 3 rows"),
    ({"y": [math.inf] * 3}, {}, "All 3 rows of “made” with a target have an infinite value"),
    ({"y": [1.0, 2.0], "w": [1.0, -2.0]}, {"weight": "w"}, "The weight “w” of “made” is negative .-2 in row 2."),
    ({"y": [1.0, 2.0], "w": [0.0, 0.0]}, {"weight": "w"}, "No row of “made” with a target has a weight over 0"),
    ({"y": [1.0, 2.0], "w": ["a", "b"]}, {"weight": "w"}, "The weight “w” of “made” holds text values"),
    ({"y": [1.0, 2.0]}, {"target": ("z",)}, "“made” has no column “z”, which TARGET names: choose among y"),
    ({"y": [1.0, 2.0]}, {"columns": ("z",)}, "no column “z”, which COLUMNS names"),
    ({"y": [1.0, 2.0]}, {"columns": ("embedding",)}, "no column “embedding”, which COLUMNS names"),
    ({"y": [1.0, 2.0]}, {"weight": "z"}, "no column “z”, which WEIGHT names"),
    ({"y": [1.0, 2.0]}, {"group": "z"}, "no column “z”, which GROUP names"),
    ({"y": [1.0, 2.0]}, {"id_field": "z"}, "no column “z”, which ID_FIELD names"),
    ({"y": [1.0, 2.0], "x": [1.0, 2.0]}, {"columns": ("x", "Y")}, "The column “y” is the target and a further column"),
    ({"y": [1.0, 2.0], "x": [1.0, 2.0]}, {"columns": ("x", "X")}, "COLUMNS names “x” twice"),
    ({"y": [1.0, 2.0]}, {"target": ("y", "y")}, "TARGET names “y” twice"),
    ({"y": [1.0, 2.0]}, {"target": ()}, "No target is chosen: name the column of “made”"),
    ({"y": [1.0, 2.0], "x": [1.0, 2.0]}, {"task": "classification", "target": ("y", "x")}, "learns one column, and 2"),
    ({"y": [1.0, -2.0]}, {"transform": "log"}, "“y” goes down to -2, and log takes no negative values"),
    ({"y": [1.0, 2.0]}, {"transform": "root"}, "“root” is no transform of the target"),
    ({"y": [1.0, 2.0]}, {"cells": "few"}, "“few” doesn't say which cells"),
    ({"y": [1.0, 2.0]}, {"cells": "0"}, "“0” doesn't say which cells"),
    ({"y": [1.0, 2.0]}, {"missing": "guess"}, "“guess” is no way with missing values"),
    ({"y": [1.0, 2.0], "x": [None, None]}, {"columns": ("x",)}, "“x” has no value in any row"),
    ({"y": ["a", "a"]}, {"task": "classification"}, "is “a” in all 2 rows that have one: choose a column with at"),
    ({"y": [3, 3]}, {"task": "classification"}, "“y” of “made” is 3 in all 2 rows that have one: choose a column that"),
    ({"y": ["a", "b", "b"]}, {"task": "classification"},
     "Fewer than two classes of “y” in “made” have at least 2 labels that can be used .a 1, b 2."),
    ({"y": []}, {}, "“made” has no rows")])
def test_bad_input_is_said_in_one_sentence(columns: "Dict[str, Any]", options: "Dict[str, Any]", words: str) -> None:
    request = {"rows": rows_of(**columns), "target": ("y",), **options}
    with pytest.raises(InputError, match=words) as error:
        gather(GatherRequest(**request), Silent())
    assert str(error.value).count(". ") == 0 and str(error.value).endswith(".")


def test_layers_without_vectors_are_told_the_step_before() -> None:
    wide = {f"A{number:02}": [0.1, 0.2] for number in range(64)}
    rows = MadeRows(["POINT(0 0)", "POINT(1 1)"], {"y": [1.0, 2.0], **wide})
    with pytest.raises(InputError, match="its columns A00 to A63 look like one: .*“Import embeddings”"):
        gather(GatherRequest(rows, ("y",)), Silent())
    rows = MadeRows(["POINT(0 0)", "POINT(1 1)"], {"y": [1.0, 2.0]})
    with pytest.raises(InputError, match="“made” has no vectors of its own: name an embedding raster or table"):
        gather(GatherRequest(rows, ("y",)), Silent())


def test_dates_are_no_targets() -> None:
    rows = with_vectors(["POINT(0 0)"] * 2, {"day": ["2020-01-01", "2020-01-02"]}, list(VECTORS[:2]))
    rows.columns = [type(column)(column.name, "date" if column.name == "day" else column.type)
                    for column in rows.columns]
    with pytest.raises(InputError, match="The target “day” of “made” holds date values"):
        gather(GatherRequest(rows, ("day",)), Silent())

"""Which groups there are, stated or known."""

from __future__ import annotations

import numpy as np
import pytest

from earthprint.engine.errors import InputError
from earthprint.engine.explaining.feature_groups import feature_groups, span_text
from earthprint.engine.predictors.card import PredictorCard
from earthprint.engine.space import Space, parse_key
from earthprint.engine.training.columns import CategoryColumn, ColumnPlan, NumericColumn
from earthprint.engine.training.target import TargetPlan
from earthprint.engine.training.transforms import TargetTransform

NONE = ColumnPlan()
PLAN = ColumnPlan((NumericColumn("age", 3.0), CategoryColumn("wall", ("brick", "wood"))))


def told(text: str, space: Space, plan: ColumnPlan = NONE, keyed: bool = False) -> "list[tuple[str, str, str]]":
    card = PredictorCard("p", "ridge", TargetPlan(("y",), (TargetTransform(),)), space.key(), space.dimensions, space,
                         plan)
    identity = parse_key(space.key()) if keyed else space
    return [(one.name, one.kind, span_text(one.features)) for one in feature_groups(text, identity, card)]


def test_stated_groups_come_beside_the_whole_and_the_columns() -> None:
    assert told("near = 0-2,7; far=3-6", Space("a", 9), PLAN) == [
        ("embedding", "embedding", "0-8"), ("near", "part", "0-2,7"), ("far", "part", "3-6"),
        ("age", "column", "9"), ("wall", "column", "10-11")]


def test_known_parts_are_those_of_a_fused_space_and_of_population_dynamics() -> None:
    fused = Space("fusion", 12, details={"parts": [{"name": "scene", "dimensions": 8},
                                                   {"name": "photos", "dimensions": 4}]})
    wanted = [("embedding", "embedding", "0-11"), ("scene", "part", "0-7"), ("photos", "part", "8-11")]
    # Where the layer knows only the key, the predictor's card knows the space.
    assert told("", fused) == told("", fused, keyed=True) == wanted
    assert [one[2] for one in told("", Space("pdfm-us", 330), PLAN)] == [
        "0-329", "0-127", "128-255", "256-329", "330", "331-332"]


def test_else_runs() -> None:
    assert told("", Space("a", 16)) == [("embedding", "embedding", "0-15")] + [
        (f"dimensions {start}-{start + 1}", "part", f"{start}-{start + 1}") for start in range(0, 16, 2)]
    assert told("", Space("a", 3)) == [("embedding", "embedding", "0-2")] + [
        (f"dimension {number}", "part", str(number)) for number in range(3)]
    assert told("", Space("a", 1)) == [("embedding", "embedding", "0")]


@pytest.mark.parametrize("text, words", [
    ("a=0-9", "from 0 to 8"), ("a=x", "can't be read"), ("a=3-2", "can't be read"), ("a=-1", "can't be read"),
    ("a=0-2; a=3", "names “a” twice"), ("age=0-2", "names “age” twice")])
def test_wrong_groups_are_told_in_one_sentence(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        told(text, Space("a", 9), PLAN)


def test_spans() -> None:
    assert span_text(np.array([0, 1, 2, 5, 7, 8])) == "0-2,5,7-8"

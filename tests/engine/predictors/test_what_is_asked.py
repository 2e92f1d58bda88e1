"""Intervals may be written as a percentage or a share; values of columns are read by name and refused by name."""

from __future__ import annotations

import numpy as np
import pytest

from earthprint.engine.errors import InputError
from earthprint.engine.predictors.request import PredictResult, interval_share
from earthprint.engine.predictors.stated_columns import stated_columns
from earthprint.engine.table import ColumnSpec
from earthprint.engine.training.columns import ColumnPlan, fit_columns

PLAN = fit_columns([ColumnSpec("year", "integer"), ColumnSpec("Soil", "text")],
                   {"year": [1990, 2000, 2010, None], "Soil": ["loam", "clay", "loam", "sand"]})


@pytest.mark.parametrize(("number", "share"), [(90, 0.9), (0.9, 0.9), (0, 0.0), (50, 0.5), (0.5, 0.5), (99, 0.99)])
def test_an_interval_is_a_percentage_or_a_share(number: float, share: float) -> None:
    assert interval_share(number) == pytest.approx(share)


@pytest.mark.parametrize("number", [1, 30, 49.9, 0.4, 99.5, 100, -90])
def test_other_intervals_are_refused(number: float) -> None:
    with pytest.raises(InputError, match="INTERVAL is .* give a percentage from 50 to 99"):
        interval_share(number)


def test_values_are_encoded_as_in_training() -> None:
    found = stated_columns(PLAN, " soil = clay ; YEAR=2005", "p.onnx")
    assert dict(zip(PLAN.names, found.tolist())) == {
        name: 2005.0 if name == "year" else float(name == "Soil=clay") for name in PLAN.names}
    assert found.dtype == np.float32 and len(found) == 4
    assert stated_columns(PLAN, "year=; soil=loam", "p")[0] == 2000.0, "an empty value is filled with the median"
    assert len(stated_columns(ColumnPlan(), "", "p")) == 0


@pytest.mark.parametrize(("text", "message"), [
    ("", "p.onnx also needs year, Soil .* VALUES, as in year=…; Soil=…"),
    ("year=2000", "also needs Soil"),
    ("year=2000; soil=loam; depth=3", "VALUES names depth, which p.onnx doesn't use: it needs year, Soil"),
    ("year=2000; soil=peat", "VALUES gives “peat” for Soil, which p.onnx never saw: give one of "),
    ("year 2000", "“year 2000” in VALUES is no statement"),
    ("year=often; soil=loam", "“often”, which is no number"),
])
def test_wrong_values_are_told(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        stated_columns(PLAN, text, "p.onnx")


def test_values_for_a_predictor_without_columns_are_refused() -> None:
    with pytest.raises(InputError, match="it needs the embedding alone"):
        stated_columns(ColumnPlan(), "year=3", "p.onnx")


def test_the_share_outside_is_told_where_it_is_known() -> None:
    assert PredictResult("o", 200, 50).share_outside == 0.25
    assert np.isnan(PredictResult("o", 200, -1).share_outside) and np.isnan(PredictResult("o", 0, 0).share_outside)

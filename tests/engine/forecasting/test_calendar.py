"""The step of dates, the dates that follow, and dates without a step."""

from __future__ import annotations

from typing import Any, List

import pytest

from earthprint.engine.errors import InputError
from earthprint.engine.forecasting.calendar import find_calendar, read_moments


def found_of(dates: "List[Any]") -> Any:
    return find_calendar(list(read_moments(dates, "when", "“t”").values()), "when", "“t”")


@pytest.mark.parametrize(("dates", "kind", "step", "period", "ahead"), [
    ([2015, 2016, 2017], "integer", "year", 0, [2018, 2019]),
    ([2000, 2005, 2010, 2020], "integer", "5 years", 0, [2025, 2030]),
    ([1, 2, 3, 5], "integer", "step", 0, [6, 7]),
    (["2019", "2020", "2021"], "text", "year", 0, ["2022", "2023"]),
    (["2021-10", "2021-11", "2021-12"], "text", "month", 12, ["2022-01", "2022-02"]),
    (["2021-01-31", "2021-02-28", "2021-03-31"], "date", "month", 12, ["2021-04-30", "2021-05-31"]),
    (["2020-03-31", "2020-06-30", "2020-09-30"], "date", "quarter", 4, ["2020-12-31", "2021-03-31"]),
    (["2019-07-01", "2020-07-01", "2021-07-01"], "date", "year", 0, ["2022-07-01", "2023-07-01"]),
    (["2024-02-19", "2024-02-26", "2024-03-11", "2024-03-18"], "date", "week", 52, ["2024-03-25", "2024-04-01"]),
    (["2024-02-27", "2024-02-28"] + ["2024-03-01"], "date", "day", 7, None),
    ([20240227, 20240228, 20240229, 20240301], "integer", "day", 7, [20240302, 20240303]),
    (["2021-05-01T12:00:00", "2021-06-01T12:00:00", "2021-07-01T12:00:00"], "datetime", "month", 12,
     ["2021-08-01T12:00:00", "2021-09-01T12:00:00"]),
    (["2021-01-01", "2021-01-17", "2021-02-02"], "date", "16 days", 0, ["2021-02-18", "2021-03-06"]),
])
def test_steps_are_found_and_followed(dates: Any, kind: str, step: str, period: int, ahead: Any) -> None:
    found = found_of(dates)
    assert (found.step, found.period) == (step, period)
    if ahead is not None:
        assert [found.date_of(found.count - 1 + number, dates[0], kind) for number in (1, 2)] == ahead
    # Known dates are found again by their own numbers.
    for date, moment in read_moments(dates, "when", "“t”").items():
        assert str(found.date_of(found.index_of(moment), dates[0], kind)) == str(date)


@pytest.mark.parametrize(("dates", "message"), [
    (["2021-01-03", "2021-01-05", "2021-02-11", "2021-04-30"], "no regular step"),
    (["2021-01-01", "2021-01-02"], "holds 2 different dates"),
    (["soon", "2021-01-02"], "“soon” in the column “when”"),
    (["2021-01-01T01:00:00", "2021-01-01T02:00:00", "2021-01-01T03:00:00"], "times of day"),
    ([2000.5, 2001.5, 2002.5], "fractions"),
])
def test_dates_without_a_step_are_refused_in_words(dates: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        found_of(dates)

"""The regular step of dates (days, weeks, months, quarters, years), found from them, and the dates that follow."""

from __future__ import annotations

import calendar
import datetime
import math
from dataclasses import dataclass
from typing import Any, Dict, List, Sequence, Tuple

from ..analyses.change.dates import moment_of
from ..errors import InputError

YEARS, MONTHS, DAYS = "years", "months", "days"
_FEWEST = 3
_REGULAR = 0.5
_LIKE_YEARS = (1000, 3000)
_WEEK, _YEAR = 7, 12
_SEASON_OF_DAYS = {1: 7, 7: 52}
Moment = Tuple[float, ...]


@dataclass(frozen=True)
class Calendar:
    """Dates as numbers 0, 1, …: `size` years, months or days apart from the first on; `count` up to the last known.

    `day` is the day of the month, 0 where dates are months only and 31 for the last day; `seconds` the time of day.
    """

    kind: str
    size: int
    first: int
    count: int
    day: int = 0
    seconds: float = 0.0

    def index_of(self, moment: Moment) -> int:
        """Return the number of a date that was known when the calendar was found."""
        return (_ordinal(moment, self.kind) - self.first) // self.size

    @property
    def step(self) -> str:
        """Return the step in words: month, quarter, 5 years, …."""
        if self.kind == YEARS:
            unit = "year" if _LIKE_YEARS[0] <= self.first <= _LIKE_YEARS[1] else "step"
            return unit if self.size == 1 else f"{self.size} {unit}s"
        if self.kind == MONTHS:
            if self.size == 3:
                return "quarter"
            unit, size = ("year", self.size // _YEAR) if self.size % _YEAR == 0 else ("month", self.size)
        else:
            unit, size = ("week", self.size // _WEEK) if self.size % _WEEK == 0 else ("day", self.size)
        return unit if size == 1 else f"{size} {unit}s"

    @property
    def spacing(self) -> str:
        """Return how far dates lie apart: a month, 2 weeks, …."""
        return f"a {self.step}" if self.step[0].isalpha() else self.step

    @property
    def period(self) -> int:
        """Return how many steps a season takes to come round: a year of months or weeks, a week of days; 0 for none."""
        if self.kind == MONTHS and self.size < _YEAR and _YEAR % self.size == 0:
            return _YEAR // self.size
        return _SEASON_OF_DAYS.get(self.size, 0) if self.kind == DAYS else 0

    def date_of(self, index: int, like: Any, column_type: str) -> Any:
        """Return a date as the column writes it; `like` is one of its values."""
        number = self.first + index * self.size
        if self.kind == YEARS:
            return _like_number(number, like)
        if self.kind == MONTHS:
            year, month = divmod(number, 12)
            if not self.day:
                return f"{year:04d}-{month + 1:02d}"
            last = calendar.monthrange(year, month + 1)[1]
            date = datetime.date(year, month + 1, min(self.day, last))
        else:
            date = datetime.date.fromordinal(number)
        text = str(like).strip()
        if text.isdigit() and len(text) == 8:
            return _like_number(int(date.strftime("%Y%m%d")), like)
        if column_type == "datetime" or (column_type == "text" and len(text) > 10):
            moment = datetime.datetime.combine(date, datetime.time()) + datetime.timedelta(seconds=self.seconds)
            return moment.isoformat()
        return date.isoformat()


def read_moments(cells: "Sequence[Any]", column: str, name: str) -> "Dict[Any, Moment]":
    """Return the moment of each different date; a text that is none is named."""
    found: "Dict[Any, Moment]" = {}
    for cell in cells:
        if cell in found:
            continue
        moment = moment_of(cell)
        if moment is None:
            raise InputError("forecast-date", "“{cell}” in the column “{column}” of {name} is no date: write dates "
                             "such as 2023-05-14, 2023-05 or 2023.", cell=cell, column=column, name=name)
        found[cell] = moment
    return found


def find_calendar(moments: "Sequence[Moment]", column: str, name: str) -> Calendar:
    """Return the step of different dates, or say that they have none."""
    ordered = sorted(set(moments))
    if len(ordered) < _FEWEST:
        raise InputError("forecast-dates-few", "The column “{column}” of {name} holds {count} different dates: a "
                         "forecast needs at least {least}.", column=column, name=name, count=len(ordered),
                         least=_FEWEST)
    if len({moment[3] for moment in ordered}) > 1:
        raise InputError("forecast-times", "The dates in “{column}” of {name} have different times of day: aggregate "
                         "them to days or longer steps first.", column=column, name=name)
    kind, day = _kind_of(ordered)
    numbers = [_ordinal(moment, kind) for moment in ordered]
    if any(float(part) != int(part) for moment in ordered for part in moment[:3]):
        raise InputError("forecast-date-fraction", "The dates in “{column}” of {name} are numbers with fractions: "
                         "write them as dates.", column=column, name=name)
    gaps = [after - before for before, after in zip(numbers, numbers[1:])]
    size = 0
    for gap in gaps:
        size = math.gcd(size, gap)
    count = (numbers[-1] - numbers[0]) // size + 1
    if gaps.count(size) < _REGULAR * len(gaps) or len(numbers) < _REGULAR * count:
        raise InputError(
            "forecast-irregular", "The {count} dates in “{column}” of {name} have no regular step (they lie {low} to "
            "{high} {kind} apart): make one row a unit and day, week, month, quarter or year of them first.",
            count=len(ordered), column=column, name=name, low=min(gaps), high=max(gaps), kind=kind)
    return Calendar(kind, size, numbers[0], count, day, ordered[0][3])


def missing_dates(found: Calendar, moments: "Sequence[Moment]") -> int:
    """Return how many dates between the first and the last no unit has."""
    return found.count - len({found.index_of(moment) for moment in moments})


def _kind_of(ordered: "List[Moment]") -> "Tuple[str, int]":
    """Return what dates are counted in, and their day of the month."""
    if all(moment[1] == 0 for moment in ordered):
        return YEARS, 0
    if all(moment[2] == 0 for moment in ordered):
        return MONTHS, 0
    days = {int(moment[2]) for moment in ordered}
    months = {(moment[0], moment[1]) for moment in ordered}
    if len(months) == len(ordered):
        if len(days) == 1:
            return MONTHS, days.pop()
        if all(moment[1] and moment[2] == calendar.monthrange(int(moment[0]), int(moment[1]))[1] for moment in ordered):
            return MONTHS, 31
    return DAYS, 0


def _ordinal(moment: Moment, kind: str) -> int:
    """Return a date as a number of years, months or days."""
    if kind == YEARS:
        return int(moment[0])
    if kind == MONTHS:
        return int(moment[0]) * 12 + int(moment[1]) - 1
    return datetime.date(int(moment[0]), max(1, int(moment[1])), max(1, int(moment[2]))).toordinal()


def _like_number(number: int, like: Any) -> Any:
    """Return a number as the column writes it."""
    if isinstance(like, str):
        return str(number)
    return float(number) if isinstance(like, float) else number

"""Dates as people write them, in an order: years, days, moments."""

from __future__ import annotations

import datetime
import re
from typing import Any, Optional, Sequence

from ...errors import InputError

_YEAR = re.compile(r"^[+-]?\d{1,6}$")
_PART = re.compile(r"^(\d{4})-(\d{1,2})(?:-(\d{1,2}))?$")
_COMPACT = re.compile(r"^(\d{4})(\d{2})(\d{2})$")


def moment_of(value: Any) -> "Optional[tuple[float, ...]]":
    """Return what sorts as the date does; None for a text that is no date.

    A whole number is a year (or the number of a step), eight digits are a day, texts are ISO dates and times.
    """
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, (int, float)) and value == value and abs(value) != float("inf"):
        text = str(int(value)) if float(value).is_integer() else ""
        if not text:
            return (float(value), 0.0, 0.0, 0.0)
    else:
        text = str(value).strip()
    compact = _COMPACT.match(text)
    if compact is not None:
        text = "-".join(compact.groups())
    elif _YEAR.match(text):
        return (float(text), 0.0, 0.0, 0.0)
    part = _PART.match(text)
    try:
        if part is not None:
            year, month, day = (int(piece or 0) for piece in part.groups())
            datetime.date(year, month, day or 1)
            return (float(year), float(month), float(day), 0.0)
        return _of_moment(datetime.datetime.fromisoformat(text.replace("/", "-").replace("Z", "+00:00")))
    except ValueError:
        return None


def _of_moment(moment: datetime.datetime) -> "tuple[float, ...]":
    """Return a moment in universal time where it says its zone."""
    if moment.tzinfo is not None:
        moment = moment.astimezone(datetime.timezone.utc).replace(tzinfo=None)
    seconds = moment.hour * 3600 + moment.minute * 60 + moment.second + moment.microsecond / 1e6
    return (float(moment.year), float(moment.month), float(moment.day), seconds)


def order_of(text: str, names: "Sequence[str]") -> "tuple[list[int], tuple[str, ...]]":
    """Return the places of rasters in the order of DATES, and these in order; none given: as the rasters come."""
    dates = [part.strip() for part in text.split(";") if part.strip()]
    if not dates:
        return list(range(len(names))), tuple(str(number) for number in range(1, len(names) + 1))
    if len(dates) != len(names):
        raise InputError("dates-count", "DATES names {dates} dates and INPUTS {names} rasters: give one date for each, "
                         "separated by semicolons.", dates=len(dates), names=len(names))
    moments = []
    for date in dates:
        moment = moment_of(date)
        if moment is None:
            raise InputError("date", "DATES: “{date}” is no date: write years or days such as 2023 or 2023-05-14.",
                             date=date)
        moments.append(moment)
    order = sorted(range(len(names)), key=lambda place: moments[place])
    for one, two in zip(order, order[1:]):
        if moments[one] == moments[two]:
            raise InputError("date-twice", "DATES: {first} and {second} have the same date, {date}: give each raster "
                             "its own.", first=names[one], second=names[two], date=dates[one])
    return order, tuple(dates[place] for place in order)

"""The date that a name or a file's metadata tells, such as “fields_2023-05-14.tif”."""

from __future__ import annotations

import re
from typing import Mapping, Optional

from ..analyses.change.dates import moment_of

_DAY = re.compile(r"(?<!\d)((?:19|20)\d{2})([-_.]?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])(?!\d)")
_MONTH = re.compile(r"(?<!\d)((?:19|20)\d{2})[-_.](0[1-9]|1[0-2])(?![-_.]?\d)")
_YEAR = re.compile(r"(?<!\d)((?:19|20)\d{2})(?!\d)")
_STAMP = re.compile(r"^(\d{4})[:-](\d{2})[:-](\d{2})")
_ITEMS = ("ACQUISITIONDATETIME", "TIFFTAG_DATETIME", "DATE", "date", "datetime", "year")


def date_in(text: str) -> str:
    """Return the one date in a name as 2023, 2023-05 or 2023-05-14; empty where there is none, or several."""
    for pattern, parts in ((_DAY, (1, 3, 4)), (_MONTH, (1, 2)), (_YEAR, (1,))):
        found = {"-".join(match.group(*parts)) if len(parts) > 1 else match.group(1) for match in
                 pattern.finditer(text)}
        found = {date for date in found if moment_of(date) is not None}
        if len(found) == 1:
            return found.pop()
        if found:
            return ""
    return ""


def date_of_metadata(metadata: Mapping[str, str]) -> str:
    """Return the day that a raster's metadata tells, empty where they tell none."""
    for item in _ITEMS:
        text = str(metadata.get(item, "")).strip()
        stamp = _STAMP.match(text)
        date = "-".join(stamp.groups()) if stamp is not None else text
        if date and moment_of(date) is not None:
            return date
    return ""


def as_year(date: str) -> Optional[float]:
    """Return a date as a number of years that grows with time, None for no date."""
    moment = moment_of(date)
    if moment is None:
        return None
    year, month, day, seconds = moment
    return year + (max(0.0, month - 1) + (max(0.0, day - 1) + seconds / 86400.0) / 31.0) / 12.0

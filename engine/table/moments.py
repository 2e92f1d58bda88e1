"""Dates and times as the texts that a GeoPackage holds."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, List, Optional

from osgeo import ogr

_DATE = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])")
_DATETIME = re.compile(_DATE.pattern + r"T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?P<part>\.\d{3})?Z?")
_KINDS = {"date": ogr.OFTDate, "datetime": ogr.OFTDateTime, "time": ogr.OFTTime}


def stored_moment(text: str, kind: str) -> Optional[str]:
    """Return the text of a date, date and time or time of day in GeoPackage's form, None where it can't be read."""
    if kind == "date" and _DATE.fullmatch(text):
        return text
    match = _DATETIME.fullmatch(text) if kind == "datetime" else None
    if match and match["part"]:
        return text
    return _by_gdal(text, kind)


@lru_cache(maxsize=4096)
def _by_gdal(text: str, kind: str) -> Optional[str]:
    """Let GDAL read a text in any of the forms that it knows."""
    definition = ogr.FeatureDefn("moment")
    definition.AddFieldDefn(ogr.FieldDefn("moment", _KINDS[kind]))
    feature = ogr.Feature(definition)
    feature.SetField(0, text)
    if not feature.IsFieldSetAndNotNull(0):
        return None
    iso = iso_text(kind, feature.GetFieldAsDateTime(0))
    return iso[:-4] if kind == "time" and iso.endswith(".000") else iso


def iso_text(kind: str, parts: "List[Any]") -> str:
    """Return what GDAL tells of a date or time as ISO text, with the time zone where one is stated."""
    year, month, day, hour, minute, second, zone = parts
    date = f"{int(year):04d}-{int(month):02d}-{int(day):02d}"
    # Not rounded up to a sixtieth second, which no clock has.
    time = f"{int(hour):02d}:{int(minute):02d}:{min(second, 59.999) if second < 60 else second:06.3f}"
    if kind == "date":
        return date
    if kind == "time":
        return time
    if zone == 100:
        return f"{date}T{time}Z"
    if zone > 1:
        quarters = int(zone) - 100
        sign = "-" if quarters < 0 else "+"
        return f"{date}T{time}{sign}{abs(quarters) // 4:02d}:{abs(quarters) % 4 * 15:02d}"
    return f"{date}T{time}"

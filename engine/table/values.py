"""Attribute values as the plain Python that GDAL and SQLite take."""

from __future__ import annotations

import json
import math
from typing import Any, Callable, Dict, List, Sequence

import numpy as np

from .moments import stored_moment


def plain_values(values: "Sequence[Any]", kind: str) -> "List[Any]":
    """Return a column as plain values of its type, None for NULL and for numbers that are none."""
    convert = _CONVERT[kind]
    items = values.tolist() if isinstance(values, np.ndarray) else values
    return [None if value is None or value != value else convert(value) for value in items]


def stored_values(values: "Sequence[Any]", kind: str) -> "List[Any]":
    """Return a column as SQLite keeps it in a GeoPackage, None for NULL and for what can't be read."""
    plain = plain_values(values, kind)
    if kind in ("date", "datetime", "time"):
        return [None if value is None else stored_moment(value, kind) for value in plain]
    bits = _BITS.get(kind)
    if bits is None:
        return plain
    least, greatest = -(1 << bits), (1 << bits) - 1
    return [value if value is None or least <= value <= greatest else min(max(value, least), greatest)
            for value in plain]


def _whole(value: Any) -> Any:
    """Return a whole number; infinity is none."""
    return None if isinstance(value, float) and math.isinf(value) else int(value)


def _json(value: Any) -> str:
    """Return JSON, which texts are already."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _iso(value: Any) -> str:
    """Return a date or time as ISO text."""
    return value if isinstance(value, str) else str(value.isoformat())


_CONVERT: "Dict[str, Callable[[Any], Any]]" = {
    "integer": _whole, "integer64": _whole, "real": float, "text": str, "boolean": lambda value: int(bool(value)),
    "date": _iso, "datetime": _iso, "time": _iso, "binary": bytes, "json": _json,
}
_BITS = {"integer": 31, "integer64": 63}

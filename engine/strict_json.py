"""JSON of cards, decoded without the numbers that no card needs and that would make arithmetic fail later."""

from __future__ import annotations

import json
import math
from typing import Any


def decoded(text: str) -> Any:
    """Decode; raises ValueError for what is no JSON, and for NaN, infinity and numbers beyond any card's."""
    return json.loads(text, parse_constant=_refused, parse_float=_finite,
                      parse_int=lambda digits: int(digits) if len(digits) < 19 else _refused(digits))


def _finite(text: str) -> float:
    """Read a number with a point or exponent."""
    value = float(text)
    return value if math.isfinite(value) else _refused(text)


def _refused(text: str) -> Any:
    """Refuse NaN, infinity and what is as good as that."""
    raise ValueError(f"{text[:30]} is no number that a card could hold")

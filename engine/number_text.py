"""Numbers as people write them: four digits that matter, thousands apart, no exponents where none is needed."""

from __future__ import annotations

import math

DASH = "–"
_MINUS = "−"


def number_text(value: float, digits: int = 4) -> str:
    """Write a number shortly; a dash where there is none."""
    if not math.isfinite(value):
        return DASH
    size = abs(value)
    if size >= 10.0 ** digits and size < 1e12:
        text = f"{float(f'{value:.{digits}g}'):,.0f}"
    elif 1e-4 <= size or value == 0:
        text = f"{value:.{digits}g}"
    else:
        text = f"{value:.{min(digits, 2)}g}"
    return text.replace("-", _MINUS, 1) if value < 0 else text


def number_at(value: float, decimals: int) -> str:
    """Write a number rounded at a place: 2 for hundredths, −2 for hundreds."""
    if not math.isfinite(value):
        return DASH
    rounded = round(value, decimals)
    text = f"{abs(rounded):,.{max(decimals, 0)}f}" if abs(rounded) >= 10_000 else f"{abs(rounded):.{max(decimals, 0)}f}"
    return _MINUS + text if rounded < 0 else text


def metres_text(metres: float) -> str:
    """Write a length on the ground in metres or kilometres."""
    return f"{number_text(metres / 1000)} km" if metres >= 1000 else f"{number_text(metres)} m"


def counted(count: int, one: str, several: str) -> str:
    """Write how many there are of something: the words for one of it, or the number and the words for several."""
    return one if count == 1 else f"{count:,} {several}"


def score_text(value: float) -> str:
    """Write a score that lies near 0..1 with two decimals."""
    if not math.isfinite(value):
        return DASH
    text = f"{value:.2f}"
    if text == "-0.00":
        text = "0.00"
    return text.replace("-", _MINUS, 1)

"""What the numbers allow to say, in a sentence."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..number_text import number_at
from .scores import Estimate, Judged, difference

_NARROW = 0.02
BETTER, WORSE, SAME, UNKNOWN = "better", "worse", "same", "unknown"


@dataclass(frozen=True)
class Verdict:
    """What may be said of a candidate beside another; `sure` holds after as many comparisons as were made."""

    kind: str
    difference: Estimate
    sure: bool
    sentence: str


def verdict(first: Judged, second: Judged, rows: int, comparisons: int) -> Verdict:
    """Compare a candidate with another, such as the best baseline."""
    found = difference(first, second)
    other = called(second)
    if not math.isfinite(found.low):
        return Verdict(UNKNOWN, found, False, f"too few blocks to compare with {other}")
    decimals = _decimals(found)
    between = f"{number_at(abs(found.value), decimals)} ({_ends(found)})"
    kind = BETTER if found.low > 0 else WORSE if found.high < 0 else SAME
    strict = difference(first, second, comparisons)
    sure = kind != SAME and (strict.low > 0 or strict.high < 0)
    if kind == SAME:
        return Verdict(kind, found, False, f"no difference from {other} that these {rows} points can show "
                       f"({_signed(found.low, decimals)} to {_signed(found.high, decimals)})")
    says = f"beats {other} by {between}" if kind == BETTER else f"falls behind {other} by {between}"
    if not sure:
        says += f", but one of {comparisons} comparisons may look so by chance"
    return Verdict(kind, found, sure, says)


def called(found: Judged) -> str:
    """Return what a candidate with its probe is called."""
    return found.name if not found.setting.probe else f"{found.name} ({found.setting.probe})"


def _ends(found: Estimate) -> str:
    """Return the ends of an interval by size, the nearer to zero first."""
    near, far = sorted((abs(found.low), abs(found.high)))
    decimals = _decimals(found)
    return f"{number_at(near, decimals)} to {number_at(far, decimals)}"


def _signed(value: float, decimals: int) -> str:
    """Return a difference with its sign."""
    text = number_at(value, decimals)
    return "+" + text if value > 0 and text.strip("0.") else text.replace("−", "") if not text.strip("−0.") else text


def _decimals(found: Estimate) -> int:
    """Return how many decimals tell the ends of an interval from zero: two, or three where it is narrow."""
    return 2 if found.reach > _NARROW else 3

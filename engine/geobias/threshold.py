"""What counts as a failure among numbers: an error beyond a share of all errors, beyond a number, or of one sign."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..number_text import number_text

DEFAULT_THRESHOLD = "75%"
SIGN = "sign"
MEDIAN = "median"
SUGGESTED = (DEFAULT_THRESHOLD, "90%", MEDIAN, SIGN)


@dataclass(frozen=True)
class Threshold:
    """A rule: `percentile` of |error|, or `limit` in the target's units, or neither, which looks at the sign."""

    percentile: float = math.nan
    limit: float = math.nan

    def failures(self, truth: np.ndarray, predicted: np.ndarray) -> "tuple[np.ndarray, str]":
        """Return which rows fail (NaN where a number is missing), and what that means."""
        error = predicted - truth
        known = np.isfinite(error)
        if math.isnan(self.percentile) and math.isnan(self.limit):
            failing, told = error > 0, "its prediction is too high (residuals by their sign)"
        else:
            limit = self.limit
            share = ""
            if not math.isnan(self.percentile):
                limit = float(np.percentile(np.abs(error[known]), self.percentile)) if known.any() else 0.0
                share = f", which {self.percentile:g} % of all errors don't exceed"
            failing = np.abs(error) > limit
            told = f"its prediction is off by more than {number_text(limit)}{share}"
        return np.where(known, failing.astype(np.float64), np.nan), told

    @property
    def by_sign(self) -> bool:
        """Tell whether failures are predictions that are too high."""
        return math.isnan(self.percentile) and math.isnan(self.limit)


def parse_threshold(text: str) -> Threshold:
    """Read "75%", "median", "sign" or a number."""
    word = text.strip().lower().replace("−", "-")
    if word == SIGN:
        return Threshold()
    if word in (MEDIAN, ""):
        return Threshold(percentile=50.0 if word else 75.0)
    try:
        number = float(word.rstrip("%").strip())
    except ValueError:
        number = math.nan
    if word.endswith("%") and 0 < number < 100:
        return Threshold(percentile=number)
    if not word.endswith("%") and number >= 0 and math.isfinite(number):
        return Threshold(limit=number)
    raise InputError("bias-threshold", "THRESHOLD: “{text}” is no threshold: give a share of all errors such as 75% "
                     "(more than 0, less than 100), median, sign, or a number of the target's unit from 0 on.",
                     text=text)

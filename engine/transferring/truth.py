"""Judges fine predictions by known fine values, beside spreading the coarse value evenly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..training.cautions import SLIGHT
from ..training.figures.regression import RegressionFigures, regression_figures
from ..training.student import interval_of

_LEAST_ROWS = 3
_FEW_UNITS = 5
_PLAIN = 0.1


@dataclass(frozen=True)
class Judged:
    """Figures of the fine units whose value is known: as the model said, with the coarse value kept, evenly spread.

    `gain` is the share of the even spread's squared error that the result does without, `clear` whether that is
    noticeable and more than differs by chance between coarse units.
    """

    model: RegressionFigures
    kept: RegressionFigures
    even: RegressionFigures
    gain: float
    clear: bool
    rows: int
    units: int


@dataclass(frozen=True)
class Rivals:
    """What is judged, `(n,)` each: the plain model, the model with the coarse value kept, the even spread."""

    model: np.ndarray
    kept: np.ndarray
    even: np.ndarray


def judge(truth: np.ndarray, rivals: Rivals, result: np.ndarray, parents: np.ndarray) -> "Judged | None":
    """Compare on the rows that have a truth and all three; None where these are too few. `result` is what was asked."""
    known = np.isfinite(truth) & np.isfinite(rivals.model) & np.isfinite(rivals.kept) & np.isfinite(rivals.even)
    if known.sum() < _LEAST_ROWS:
        return None
    truth, parents, result = truth[known], parents[known], result[known]
    weights = np.ones(len(truth))
    found = [regression_figures(truth, values[known], weights) for values in (rivals.model, rivals.kept, rivals.even)]
    gain = (truth - rivals.even[known]) ** 2 - (truth - result) ** 2
    units, owner = np.unique(parents, return_inverse=True)
    error = float(((truth - rivals.even[known]) ** 2).sum())
    share = float(gain.sum()) / error if error > 0 else 0.0
    return Judged(found[0], found[1], found[2], share, _clear(gain, owner, share), len(truth), len(units))


def _clear(gain: np.ndarray, owner: np.ndarray, share: float) -> bool:
    """Tell whether errors shrink noticeably, and more than differs by chance between coarse units."""
    if share < SLIGHT:
        return False
    each = np.bincount(owner, gain)
    if len(each) < _FEW_UNITS:
        return share > _PLAIN
    return interval_of(each).low > 0

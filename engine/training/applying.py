"""Predicts with what a training learnt, without storing it: for rows beside those that it learnt from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

import numpy as np

from .account import Account
from .models import Fitted


@dataclass(frozen=True)
class Applied:
    """Predictions in units of the targets `(n, T)` with their intervals, or calibrated probabilities `(n, K)`.

    Rows without features are NaN, and not applicable.
    """

    values: np.ndarray
    lower: Optional[np.ndarray]
    upper: Optional[np.ndarray]
    applicable: np.ndarray


def apply_to(account: Account, fitted: Fitted, x: np.ndarray, level: float) -> Applied:
    """Predict rows of raw features `(n, F)`; `level` is the share that intervals shall hold, 0 for none."""
    there = np.isfinite(x).all(axis=1)
    width = account.samples.classes or len(account.samples.target.names)
    scores = np.full((len(x), width), np.nan)
    applicable = np.zeros(len(x), dtype=bool)
    if there.any():
        scores[there] = fitted.predict(x[there])
        applicable[there] = account.applicability.applicable(x[there])
    if account.samples.classes:
        if account.calibration is not None and there.any():
            scores[there] = account.calibration.apply(scores[there])
        return Applied(scores, None, None, applicable)
    plan = account.samples.target
    lower, upper = interval_around(account, scores, level)
    return Applied(plan.inverse(scores), lower, upper, applicable)


def interval_around(account: Account, scores: np.ndarray,
                    level: float) -> "tuple[Optional[np.ndarray], Optional[np.ndarray]]":
    """Return the ends of the intervals of predictions on the scale of the fit, in units."""
    if not level or account.conformal is None:
        return None, None
    half = account.conformal.half_width(level)
    plan = account.samples.target
    return plan.inverse(scores - half), plan.inverse(scores + half)

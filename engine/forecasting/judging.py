"""Judges forecasts of past moments beside the last value, the unit's mean, the season before, and the past alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence

import numpy as np

from ..training.cautions import SLIGHT
from ..training.conformal import Conformal, checked_coverage, fit_conformal
from ..training.figures.regression import RegressionFigures, regression_figures
from ..training.student import interval_of
from ..training.transforms import TargetTransform
from .origins import ALONE, LAST, MEAN, MODEL, SEASONAL, Tried

NAMES = {MODEL: "forecast", LAST: "last value", MEAN: "mean of the unit so far", SEASONAL: "same season before",
         ALONE: "no embedding"}
_FEW_CLUSTERS = 5
_PLAIN = 0.1
_OFF = 0.05
_TWICE = 2.0


@dataclass(frozen=True)
class Judged:
    """A step: figures in units by who said it, intervals on the scale of the fit, and how often they held the truth.

    `beaten` tells of each rival whether the forecast clearly does better; `coverage` is NaN where it can't be checked.
    """

    tried: Tried
    figures: "Dict[str, RegressionFigures]"
    beaten: "Dict[str, bool]"
    conformal: Conformal
    coverage: float

    @property
    def step(self) -> int:
        """Return how many steps ahead this is."""
        return self.tried.step

    def square(self, name: str) -> float:
        """Return a sum of squared errors."""
        figures = self.figures[name]
        return figures.rmse ** 2 * figures.rows


def judge(tried: Tried, transform: TargetTransform, level: float) -> Judged:
    """Judge a step."""
    truth = transform.inverse(tried.truth)
    said = {name: transform.inverse(values) for name, values in tried.said.items()}
    weights = np.ones(len(truth))
    figures = {name: regression_figures(truth, values, weights) for name, values in said.items()}
    clusters = _clusters(tried)
    errors = {name: (values - truth) ** 2 for name, values in said.items()}
    beaten = {name: _clear(errors[name], errors[MODEL], clusters) for name in said if name != MODEL}
    residuals = tried.truth - tried.said[MODEL]
    # Errors of one unit are alike, or those of one moment: what leaves the fewer observations is what counts.
    fits = [(fit_conformal(residuals, blocks=blocks), blocks) for blocks in (tried.unit, tried.origin)
            if len(np.unique(blocks)) > 1] or [(fit_conformal(residuals), None)]
    conformal, blocks = min(fits, key=lambda pair: pair[0].independent)
    coverage = float("nan")
    if level and tried.origins > 1:
        coverage = float(checked_coverage(residuals, tried.origin, level, blocks=blocks).observed[0])
    return Judged(tried, figures, beaten, conformal, coverage)


def skill(steps: "Sequence[Judged]", rival: str = LAST) -> float:
    """Return the share of a rival's squared error that is gone, over all steps."""
    total = sum(one.square(rival) for one in steps)
    return 1 - sum(one.square(MODEL) for one in steps) / total if total > 0 else float("nan")


def pooled_rmse(steps: "Sequence[Judged]", name: str = MODEL) -> float:
    """Return the RMSE over all steps."""
    return float(np.sqrt(sum(one.square(name) for one in steps) / sum(one.figures[name].rows for one in steps)))


def pooled_coverage(steps: "Sequence[Judged]") -> float:
    """Return how many truths intervals held over all steps."""
    checked = [one for one in steps if np.isfinite(one.coverage)]
    if not checked:
        return float("nan")
    return float(np.average([one.coverage for one in checked], weights=[one.figures[MODEL].rows for one in checked]))


def cautions(steps: "Sequence[Judged]", level: float) -> "List[str]":
    """Return what must be known before the forecast is trusted, the most important first."""
    found: "List[str]" = []
    for name in (LAST, SEASONAL, MEAN):
        sentence = _not_beaten(steps, name)
        if sentence is not None:
            found.append(sentence)
    if not any(one.beaten[ALONE] for one in steps):
        adds = "nothing" if skill(steps, ALONE) < SLIGHT else "no more than chance may do"
        found.append(f"The embedding adds {adds} to what the past of each unit tells (RMSE {pooled_rmse(steps):.4g} "
                     f"with it, {pooled_rmse(steps, ALONE):.4g} without).")
    fewest = min(one.tried.origins for one in steps)
    if fewest < 3:
        found.append(f"There are dates enough to try the forecast from {fewest} past moment{'s' * (fewest > 1)} only: "
                     "every figure is rough.")
    if level:
        covered = pooled_coverage(steps)
        # So far a share of few rows is off by chance.
        chance = _TWICE * float(np.sqrt(level * (1 - level) / sum(one.figures[MODEL].rows for one in steps)))
        if np.isfinite(covered) and abs(covered - level) > max(_OFF, chance):
            found.append(f"Intervals of {level:.0%} held {covered:.0%} of the truth at past moments kept out: take "
                         "them as a rough guide.")
        if any(level > one.conformal.highest for one in steps):
            fewest = max(1, int(min(one.conformal.independent for one in steps)))
            found.append(f"Past forecasts are worth {fewest} independent ones, too few to promise intervals of "
                         f"{level:.0%}: they are as wide as the largest error seen.")
    return found


def _not_beaten(steps: "Sequence[Judged]", name: str) -> Optional[str]:
    """Say at which steps a rival does as well."""
    if name not in steps[0].beaten:
        return None
    weak = [one for one in steps if not one.beaten[name]]
    if not weak:
        return None
    where = "" if len(weak) == len(steps) else f" at step{'s' * (len(weak) > 1)} {_listed([one.step for one in weak])}"
    figures = f"(RMSE {pooled_rmse(weak):.4g} against {pooled_rmse(weak, name):.4g} at past moments)"
    if skill(weak, name) < SLIGHT:
        return f"The forecast is no better than the {NAMES[name]}{where} {figures}: take that instead."
    return f"The forecast is better than the {NAMES[name]}{where} by no more than may be chance {figures}."


def _listed(numbers: "List[int]") -> str:
    """Write numbers as people do."""
    texts = [str(number) for number in numbers]
    return texts[0] if len(texts) == 1 else ", ".join(texts[:-1]) + " and " + texts[-1]


def _clusters(tried: Tried) -> np.ndarray:
    """Return what counts as one observation: units where there are more of them than moments, else moments."""
    return tried.unit if len(np.unique(tried.unit)) >= tried.origins else tried.origin


def _clear(rival: np.ndarray, own: np.ndarray, clusters: np.ndarray) -> bool:
    """Tell whether squared errors are noticeably smaller than a rival's, and by more than chance."""
    if not rival.sum() > 0 or (rival - own).sum() < SLIGHT * rival.sum():
        return False
    each = np.bincount(np.unique(clusters, return_inverse=True)[1], rival - own)
    if len(each) < _FEW_CLUSTERS:
        return bool((rival - own).sum() > _PLAIN * rival.sum())
    return interval_of(each).low > 0

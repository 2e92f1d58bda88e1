"""The report of a prediction at finer units: what is known of fine values first, then the coarse model's figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

import numpy as np

from ..map_charts import value_map
from ..map_paper import MapPlaces
from ..number_text import number_text, score_text
from ..report import Aligned, Report
from ..score_charts import agreement_chart
from ..training.account import Account
from ..training.figures.regression import RegressionFigures
from ..training.report import tell_training
from ..training.report.words import explained, headline_sentence
from ..training.telling import told as training_told
from .quantity import EQUAL
from .request import KEEP_NONE, TransferRequest
from .truth import Judged
from .units import Units
from .volume import Kept

_FIGURES = ("R²", "RMSE", "MAE", "bias")
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Told:
    """All that a report of this tells; `by` is what totals are spread by, or means are weighted with."""

    request: TransferRequest
    account: Account
    by: str
    total: bool
    kept: Kept
    judged: Optional[Judged]
    facts: "tuple[str, ...]"
    warnings: "tuple[str, ...]"


def write_report(path: str, told: Told, fine: Units, predicted: np.ndarray) -> None:
    """Write the page."""
    request, judged = told.request, told.judged
    report = Report(f"{request.target} at finer units")
    training = training_told(told.account)
    if judged is None:
        report.lead(f"Nothing is known of how good the fine values are. Of coarse units: "
                    f"{headline_sentence(training.headline)}")
    else:
        own = judged.model if request.preserve == KEEP_NONE else judged.kept
        report.lead(f"Against {judged.rows:,} known fine values: R² {score_text(own.r2)}; spreading each coarse value "
                    f"evenly has {score_text(judged.even.r2)}.")
    for warning in told.warnings:
        report.warning(warning)
    report.paragraph(rule_of(told))
    report.listing(told.facts)
    if judged is not None:
        _tell_truth(report, told, judged, fine, predicted)
    there = np.isfinite(predicted) & np.isfinite(fine.points).all(axis=1)
    if there.any():
        from ..training.telling import _unit as unit_of

        _, metres, degrees = unit_of(request.fine.wkt)
        report.figure(value_map(MapPlaces(fine.points[there], degrees, metres), predicted[there], request.target),
                      "The fine values as predicted; dark is high.")
    report.heading("The model of coarse units")
    report.paragraph("All that follows is about coarse units. It says what the model is worth between them, not within "
                     "them.")
    tell_training(report, training)
    report.write(path)


def rule_of(told: Told) -> str:
    """Say how coarse and fine values hang together."""
    request = told.request
    learnt = (f"The total was learnt per {'km²' if told.by == 'area' else told.by} and spread by it. " if told.total
              else "The rate was learnt as it is. ")
    if request.preserve == KEEP_NONE:
        return learnt + "Nothing was adjusted: fine values need not add up to the coarse ones."
    goal = "sum of fine values" if told.total else (
        "mean of fine values" if told.by == EQUAL else f"mean of fine values, weighted by {told.by},")
    if told.kept.multiplied:
        return (f"{learnt}In each coarse unit the {goal} equals the coarse value: no coarse value is negative, so "
                "negative predictions became 0 and all were multiplied by one factor; the column adjustment holds it.")
    return (f"{learnt}In each coarse unit the {goal} equals the coarse value: some coarse values are negative, so one "
            "number was added to all rates of a unit; the column adjustment holds what was added.")


def _tell_truth(report: Report, told: Told, judged: Judged, fine: Units, predicted: np.ndarray) -> None:
    """Show figures against known fine values."""
    report.heading("Against known fine values")
    adjusted = told.request.preserve != KEEP_NONE
    rows = [_row("model as it is", judged.model), _row("with the coarse values kept", judged.kept),
            _row("coarse values spread evenly", judged.even)]
    report.table(["", *_FIGURES], rows, f"{judged.rows:,} fine units in {judged.units:,} coarse ones.",
                 own=[1 if adjusted else 0])
    report.explanation(explained(_FIGURES))
    known = np.isfinite(fine.values) & np.isfinite(predicted)
    report.figure(agreement_chart(fine.values[known], predicted[known], ""),
                  "Fine values as predicted, against what they are. On the dashed line the two are equal.")


def _row(name: str, figures: RegressionFigures) -> "list[object]":
    """Return a line of the table; a bias that is but rounding is none."""
    bias = figures.bias if abs(figures.bias) > _ROUNDING * figures.rmse else 0.0
    return [name, Aligned(score_text(figures.r2)), Aligned(number_text(figures.rmse, 3)),
            Aligned(number_text(figures.mae, 3)), Aligned(number_text(bias, 3))]

"""The section on how sure it is: intervals, probabilities, and where the predictor may not be used."""

from __future__ import annotations

import math

from ...number_text import number_text, score_text
from ...report import Aligned, Report
from ...score_charts import reliability_chart
from .input import Applicability, Coverage, Reliability, ReportInput


def tell_trust(report: Report, told: ReportInput) -> None:
    """Show what is known of the predictions' certainty."""
    if not told.coverage and told.reliability is None and told.applicability is None:
        return
    report.heading("How sure it is")
    if told.coverage:
        _tell_coverage(report, told.coverage)
    if told.reliability is not None:
        _tell_reliability(report, told.reliability)
    if told.applicability is not None:
        _tell_applicability(report, told.applicability)


def _tell_coverage(report: Report, coverage: "tuple[Coverage, ...]") -> None:
    """List what intervals hold."""
    report.paragraph("A prediction comes with an interval, made from the errors in the folds that were kept out. "
                     "The table tells how often such intervals held the truth in folds that had no part in making "
                     "them: the two shares should be alike.")
    several = len({one.target for one in coverage}) > 1
    body = [[*([one.target] if several else []), Aligned(f"{100 * one.level:.0f} %"),
             Aligned(f"{100 * one.found:.0f} %" if math.isfinite(one.found) else "–"),
             Aligned(f"{number_text(one.width, 3)} {one.unit}".strip())] for one in coverage]
    report.table([*(["Target"] if several else []), "Meant to hold", "Did hold", "Mean width"], body)


def _tell_reliability(report: Report, reliability: Reliability) -> None:
    """Draw calibration."""
    error = ""
    if math.isfinite(reliability.error):
        error = f" On average the two differ by {score_text(reliability.error)} (expected calibration error)."
    report.figure(reliability_chart(reliability.stated, reliability.found, reliability.count),
                  "Of what was predicted with a probability, how much came true: on the dashed line probabilities "
                  f"are honest, below it they promise too much.{error} Below: how many cases there are.")


def _tell_applicability(report: Report, applicability: Applicability) -> None:
    """Say where to believe predictions."""
    outside = ""
    if math.isfinite(applicability.outside):
        outside = (f" Of the training rows themselves, {100 * applicability.outside:.1f} % lie beyond it when their "
                   "fold is kept out.")
    report.paragraph("The predictor knows only ground like that it was trained on. Where the inputs are less like any "
                     f"training row than {number_text(applicability.threshold, 3)} (in units of the mean distance "
                     "between training rows), a prediction is a guess: “applicable” is 0 there in predicted rasters "
                     f"and tables, and the figures above don't hold.{outside}")

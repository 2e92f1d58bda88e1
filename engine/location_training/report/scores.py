"""The section on how good it is: the encoder beside coordinates, neighbours and no knowledge at all, fold by fold."""

from __future__ import annotations

import math

from ...number_text import DASH, score_text
from ...report import Aligned, Report
from ...score_charts import Bar, whisker_chart
from ..judged import ENCODER, Judged, Verdict
from .words import comparison, meanings, signed

_MOST_PARTS = 12
# More columns than these don't fit on a page.
_MOST_FOLDS = 7


def tell_scores(report: Report, judged: Judged) -> None:
    """Show the verdict, and those of its parts where there are several."""
    report.heading("How good it is, and beside what")
    report.paragraph("Every number is from blocks on the ground that were kept out, a part at a time: the encoder and "
                     "what reads its vectors learnt from the others only. What is stored learnt from all places.")
    _tell_verdict(report, judged.verdict, judged.folds.count, chart=True)
    parts = [part for part in judged.parts if part.name != judged.verdict.name]
    for part in parts[:_MOST_PARTS]:
        report.subheading(part.name)
        _tell_verdict(report, part, judged.folds.count, chart=False)
    if len(parts) > _MOST_PARTS:
        report.explanation(f"{len(parts) - _MOST_PARTS} more are left out here.")
    names = tuple(dict.fromkeys(verdict.score_name for verdict in (judged.verdict, *judged.parts)))
    report.explanation(meanings(names) + " A difference is that of the bold row less the other, with the interval it "
                       "would lie in 19 times of 20 as far as these blocks tell: what is won or lost in each block "
                       "that was held out whole, widened for the places that folds learn from in common.")


def _tell_verdict(report: Report, verdict: Verdict, folds: int, chart: bool) -> None:
    """Draw and list the ways of one verdict."""
    if chart:
        bars = [Bar(figure.name, figure.value, figure.interval.low, figure.interval.high, figure.key == ENCODER)
                for figure in verdict.figures]
        report.figure(whisker_chart(bars, verdict.score_name),
                      "The dark bar is the encoder; whiskers are the interval over the folds. A pale bar as long as "
                      "the dark one means that the encoder adds little to what is had without it.")
    shown = range(folds if folds <= _MOST_FOLDS else 0)
    head = ["", verdict.score_name, *(f"Fold {number + 1}" for number in shown), "Difference", "In words"]
    body = []
    for figure in verdict.figures:
        difference = verdict.difference(figure.key)
        by_fold = [Aligned(score_text(figure.folds[number])) for number in shown]
        body.append([figure.name, Aligned(score_text(figure.value)), *by_fold,
                     _less(difference.interval) if difference else Aligned(""),
                     comparison(difference) if difference else ""])
    report.table(head, body, f"{verdict.rows:,} places.",
                 own=[index for index, figure in enumerate(verdict.figures) if figure.key == ENCODER])


def _less(interval: "object") -> Aligned:
    """Write a difference with its interval beneath."""
    mean, low, high = (getattr(interval, name) for name in ("mean", "low", "high"))
    if not math.isfinite(mean):
        return Aligned(DASH)
    if not (math.isfinite(low) and math.isfinite(high)):
        return Aligned(signed(mean))
    return Aligned(signed(mean), f"{signed(low)} to {signed(high)}")

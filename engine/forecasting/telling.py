"""The report of a forecast: how far off it was at past moments, beside what needs no model, and what comes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List

import numpy as np

from ..charts import Series as Line
from ..charts import line_chart
from ..number_text import DASH, number_text, score_text
from ..report import Aligned, Report
from ..training.telling import kind_name
from ..training.transforms import NONE, TargetTransform
from .features import Look
from .judging import NAMES, Judged, pooled_rmse, skill
from .origins import LAST, MODEL
from .request import ForecastRequest
from .series import Series

_SHOWN = 3
_HISTORY = 60


@dataclass(frozen=True)
class Told:
    """All that the report tells; the arrays are the forecast's rows, in units of the target."""

    request: ForecastRequest
    series: Series
    look: Look
    judged: "tuple[Judged, ...]"
    warnings: "tuple[str, ...]"
    transform: TargetTransform
    unit: np.ndarray
    step: np.ndarray
    value: np.ndarray
    lower: np.ndarray
    upper: np.ndarray


def write_report(path: str, told: Told) -> None:
    """Write the page."""
    request, judged = told.request, told.judged
    report = Report(f"Forecast of {request.target}")
    ahead = f"1 to {len(judged)} steps" if len(judged) > 1 else "one step"
    report.lead(f"Forecasts {ahead} ahead were off by {number_text(pooled_rmse(judged), 3)} (RMSE) at past moments; "
                f"the last value was off by {number_text(pooled_rmse(judged, LAST), 3)}.")
    for warning in told.warnings:
        report.warning(warning)
    share = skill(judged)
    if np.isfinite(share):
        report.paragraph(f"That is {score_text(share)} of the last value's squared error gone (1 = all, 0 = none, "
                         "below 0 = worse).")
    report.listing(_asked(told))
    report.heading("How good it was at past moments")
    report.paragraph("Each step was forecast from past moments by models that knew nothing after them; rivals that "
                     "need no model are judged on the same rows.")
    if len(judged) > 1:
        report.figure(line_chart([Line(NAMES[name], [one.step for one in judged],
                                       [one.figures[name].rmse for one in judged]) for name in judged[0].figures],
                                 f"steps ahead ({told.series.calendar.step})", "RMSE"),
                      "The typical error by how far ahead; the first line is the forecast.")
    _tell_steps(report, told)
    report.heading("What comes")
    _tell_ahead(report, told)
    report.write(path)


def _asked(told: Told) -> "List[str]":
    """Return what was asked for."""
    request, series = told.request, told.series
    season = f", a season of {told.look.period}" if told.look.period else ""
    found = [f"{request.rows.name}: {series.units:,} units at {series.dates:,} dates, {series.calendar.spacing} apart.",
             f"Model: {kind_name(request.model)}, one for each step, from {told.look.lags} past values, the mean so far"
             f"{season}, the latest embedding ({series.vectors.shape[1]} dimensions)"
             + (f" and {', '.join(request.columns)}." if request.columns else "."), f"Seed {request.seed}."]
    if told.transform.kind != NONE:
        found.append(f"{request.target} was learnt as {told.transform.in_words()}.")
    return found


def _tell_steps(report: Report, told: Told) -> None:
    """List the errors of all steps, and all figures of the first and the last."""
    judged = told.judged
    if len(judged) > 1:
        names = list(judged[0].figures)
        report.table(["Step", *(NAMES[name] for name in names), "held by intervals"],
                     [[one.step, *(Aligned(number_text(one.figures[name].rmse, 3)) for name in names),
                       Aligned(f"{one.coverage:.0%}" if np.isfinite(one.coverage) else DASH)] for one in judged],
                     "RMSE at past moments by steps ahead.")
    for one in judged[:1] + judged[1:][-1:]:
        rows = [[NAMES[name], Aligned(number_text(figures.rmse, 3)), Aligned(number_text(figures.mae, 3)),
                 Aligned(number_text(figures.bias, 3)), Aligned(score_text(figures.r2)),
                 "" if name == MODEL else "yes" if one.beaten[name] else "no"]
                for name, figures in one.figures.items()]
        covered = (f" Intervals of {told.request.interval:.0%} held {one.coverage:.0%} of truths at moments kept out."
                   if np.isfinite(one.coverage) else "")
        report.table(["", "RMSE", "MAE", "bias", "R²", "clearly beaten"], rows,
                     f"Step {one.step}: {one.figures[MODEL].rows:,} forecasts from {one.tried.origins} past moments."
                     f"{covered}", own=[0])
    report.explanation("“No embedding” is the same model of the past alone. A rival is clearly beaten where the "
                       "forecast's squared error is smaller by 2 % and more, and by more than may be chance.")


def _tell_ahead(report: Report, told: Told) -> None:
    """Draw the past and the forecast of some units."""
    series = told.series
    chosen = np.unique(told.unit)[:_SHOWN]
    for unit in chosen.tolist():
        first = max(0, series.dates - _HISTORY)
        rows = told.unit == unit
        dates = (series.dates - 1 + told.step[rows]).tolist()
        lines = [Line("known", list(range(first, series.dates)), series.values[unit, first:].tolist()),
                 Line("forecast", dates, told.value[rows].tolist())]
        if told.request.interval:
            lines += [Line("lower", dates, told.lower[rows].tolist()), Line("upper", dates, told.upper[rows].tolist())]
        report.figure(line_chart(lines, f"dates from the first on ({series.calendar.step})", told.request.target),
                      f"{series.ids[unit]}: what is known, and the forecast with its interval.")

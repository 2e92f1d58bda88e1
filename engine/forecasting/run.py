"""Takes a table some steps ahead: arrange, try each step at past moments, judge, take it from the last date, write."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional

import numpy as np
from osgeo import ogr

from ..errors import InputError
from ..plain_layer import LayerWriter
from ..progress import Part, Progress, check
from ..table import ColumnSpec
from ..table.kept_names import kept_names
from ..training.models import kinds
from ..training.request import BEST
from ..training.transforms import NONE, TargetTransform, fit_transform
from ..whole import require_writable
from .features import Look, past_of
from .judging import LAST, MODEL, Judged, cautions, judge, pooled_coverage, pooled_rmse, skill
from .origins import Ahead, Steps
from .request import ForecastRequest, ForecastResult
from .series import Series, read_series
from .telling import Told, write_report

_LAGS = {"year": 3, "quarter": 4, "month": 6, "week": 4, "day": 7}
_LAGS_ELSE = 3
_ADDED = ("step", "predicted", "lower", "upper")


@dataclass(frozen=True)
class Forecast:
    """All steps in units, rows by unit and then by step: `(n,)` each; the ends are NaN where no interval is asked."""

    unit: np.ndarray
    step: np.ndarray
    value: np.ndarray
    lower: np.ndarray
    upper: np.ndarray


def forecast(request: ForecastRequest, progress: Progress) -> ForecastResult:
    """Write a table of what comes."""
    _check(request)
    for path in filter(None, (request.output.split("|")[0], request.report)):
        require_writable(Path(path))
    series = read_series(request, Part(progress, 0.0, 0.15))
    transform = fit_transform(request.transform, series.values[np.isfinite(series.values)], request.target)
    if transform.kind != NONE:
        progress.info(f"“{request.target}” is learnt as {transform.in_words()}; forecasts are in its own units.")
    look = _look(request, series, progress)
    past = past_of(transform.forward(series.values), look.lags)
    steps = Steps(request, series, past, look)
    judged: "List[Judged]" = []
    ahead: "List[Ahead]" = []
    for step in range(1, request.steps + 1):
        check(progress)
        part = Part(progress, 0.15 + 0.75 * (step - 1) / request.steps, 0.15 + 0.75 * step / request.steps)
        tried, coming = steps.taken(step, part)
        judged.append(judge(tried, transform, request.interval))
        ahead.append(coming)
        _tell_step(judged[-1], progress)
    found = _together(request, ahead, judged, transform)
    warnings = (*_left_out(request, series, ahead), *cautions(judged, request.interval))
    for warning in warnings:
        progress.warn(warning)
    _write(request, series, found, Part(progress, 0.9, 1.0))
    if request.report:
        write_report(request.report, Told(request, series, look, tuple(judged), warnings, transform, found.unit,
                                          found.step, found.value, found.lower, found.upper))
    progress.report(1.0)
    return ForecastResult(request.output, len(found.unit), len(np.unique(found.unit)), series.calendar.step,
                          pooled_rmse(judged), pooled_rmse(judged, LAST), skill(judged), pooled_coverage(judged),
                          warnings)


def _check(request: ForecastRequest) -> None:
    """Refuse what can't be."""
    if request.model not in (*kinds(0), BEST):
        raise InputError("forecast-model", "MODEL is “{model}”: choose one of {known}.", model=request.model,
                         known=", ".join((*kinds(0), BEST)))
    for name, value, least in (("STEPS", request.steps, 1), ("LAGS", request.lags, 0), ("ORIGINS", request.origins, 1)):
        if value < least:
            raise InputError("forecast-number", "{name} is {value}: it must be at least {least}.", name=name,
                             value=value, least=least)


def _look(request: ForecastRequest, series: Series, progress: Progress) -> Look:
    """Return how far back to look, and say so."""
    calendar = series.calendar
    room = series.dates - request.steps
    lags = request.lags or max(1, min(_LAGS.get(calendar.step, _LAGS_ELSE), room // 3))
    period = calendar.period if calendar.period and room >= 2 * calendar.period else 0
    season = f" and a season of {period}" if period else ""
    progress.info(f"The step is {calendar.spacing}; each forecast sees {lags} past value{'s' * (lags > 1)}{season}.")
    if calendar.period and not period:
        needed = 2 * calendar.period + request.steps
        progress.info(f"Two seasons of {calendar.period} and the steps ahead take {needed} dates: no season is learnt.")
    return Look(lags, period)


def _tell_step(one: Judged, progress: Progress) -> None:
    """Say how good a step is."""
    own, last = one.figures[MODEL], one.figures[LAST]
    held = f", intervals held {one.coverage:.0%}" if np.isfinite(one.coverage) else ""
    progress.info(f"Step {one.step}: RMSE {own.rmse:.4g}, the last value has {last.rmse:.4g} ({own.rows:,} forecasts "
                  f"from {one.tried.origins} past moments{held}).")


def _left_out(request: ForecastRequest, series: Series, ahead: "List[Ahead]") -> "List[str]":
    """Say which units have no forecast."""
    every = np.arange(series.units)
    lost = every[~np.isin(every, ahead[0].unit)]
    if not len(lost):
        return []
    names = ", ".join(str(series.ids[number]) for number in lost[:3].tolist())
    return [f"{len(lost):,} of {series.units:,} units of {request.rows.name} have no forecast ({names}"
            f"{', …' if len(lost) > 3 else ''}): they lack a vector, or values at the last dates."]


def _together(request: ForecastRequest, ahead: "List[Ahead]", judged: "List[Judged]",
              transform: TargetTransform) -> Forecast:
    """Return all steps in units, by unit and then by step."""
    if not any(len(one.unit) for one in ahead):
        raise InputError("forecast-none", "No unit of {name} has a vector and enough values at the last dates to "
                         "forecast from: lower LAGS, or look whether the last dates are complete.",
                         name=request.rows.name)
    unit = np.concatenate([one.unit for one in ahead])
    step = np.concatenate([np.full(len(one.unit), number + 1) for number, one in enumerate(ahead)])
    value = np.concatenate([one.value for one in ahead])
    half = np.full(len(value), np.nan)
    if request.interval:
        widths = np.array([one.conformal.half_width(request.interval)[0] for one in judged])
        half = widths[step - 1]
    order = np.lexsort((step, unit))
    value, half = value[order], half[order]
    return Forecast(unit[order], step[order], transform.inverse(value), transform.inverse(value - half),
                    transform.inverse(value + half))


def _write(request: ForecastRequest, series: Series, found: Forecast, progress: Progress) -> None:
    """Write a row for each unit and step."""
    names = [name for name in _ADDED if request.interval or name not in ("lower", "upper")]
    own = [series.id_column, series.date_column]
    renamed = kept_names(request.rows.name, own, names, progress)
    labels = [renamed.get(column.name, column.name) for column in own]
    specs = [ColumnSpec(label, column.type) for label, column in zip(labels, own)]
    specs += [ColumnSpec(name, "integer" if name == "step" else "real") for name in names]
    units, steps = found.unit.tolist(), found.step.tolist()
    dates = {step: series.calendar.date_of(series.dates - 1 + step, series.like, series.date_column.type)
             for step in set(steps)}
    values: "Dict[str, List[Any]]" = {
        labels[0]: [series.ids[unit] for unit in units], labels[1]: [dates[step] for step in steps], "step": steps,
        "predicted": _cells(found.value), "lower": _cells(found.lower), "upper": _cells(found.upper)}
    shapes: "List[Optional[bytes]]" = [series.shapes[unit] for unit in units]
    kind = request.rows.geometry_type if any(shapes) else ogr.wkbNone
    with LayerWriter(request.output, request.rows.wkt, kind, specs, provenance=series.provenance) as writer:
        writer.write(shapes, {name: values[name] for name in (*labels, *names)})
    progress.report(1.0)


def _cells(values: np.ndarray) -> "List[Any]":
    """Return numbers as a layer has them."""
    return [value if np.isfinite(value) else None for value in values.tolist()]

"""Rolling origin: each step is forecast from past moments by models that saw nothing after them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List

import numpy as np

from ..errors import InputError
from ..progress import Part, Progress, check
from ..training.models import Design, Fitted, candidates, fit
from ..training.request import BEST
from .features import Look, Moments, Past, features_of, seasonal_of, usable_moments
from .request import ForecastRequest
from .series import Series

MODEL, LAST, MEAN, SEASONAL, ALONE = "model", "last", "mean", "seasonal", "alone"
_LEAST_ROWS = 10
_INNER = 5


@dataclass(frozen=True)
class Tried:
    """A step forecast from past moments: `origin` is the date of each row `(n,)`, `unit` whose it is.

    `truth` and each of `said`, by who said it, are on the scale of the fit.
    """

    step: int
    unit: np.ndarray
    origin: np.ndarray
    truth: np.ndarray
    said: "Dict[str, np.ndarray]"
    kinds: "tuple[str, ...]"

    @property
    def origins(self) -> int:
        """Return from how many moments was forecast."""
        return len(np.unique(self.origin))


@dataclass(frozen=True)
class Ahead:
    """A step taken from the last date: which units, and what they will be on the scale of the fit."""

    unit: np.ndarray
    value: np.ndarray


class Steps:
    """Takes steps of a series, each with a model of its own."""

    def __init__(self, request: ForecastRequest, series: Series, past: Past, look: Look) -> None:
        """Take what is known."""
        self._request = request
        self._series = series
        self._past = past
        self._look = look

    def taken(self, step: int, progress: Progress) -> "tuple[Tried, Ahead]":
        """Try a step at past moments, and take it from the last date."""
        progress.report(0.0, f"Step {step}")
        usable = usable_moments(self._series, self._past, self._look, step)
        last = self._series.dates - 1
        known = usable[:, :last + 1 - step] & np.isfinite(self._past.values[:, step:])
        at = Moments(*np.nonzero(known))
        order = np.lexsort((at.unit, at.date))
        at = at.part(order)
        origins = self._origins(at, step)
        x, own = features_of(self._series, self._past, self._look, step, at)
        truth = self._past.values[at.unit, at.date + step]
        change = truth - self._past.known[at.unit, at.date]
        tried = self._tried(step, at, x, own, change, origins, Part(progress, 0.0, 0.8))
        model = self._fitted(x, change, at, Part(progress, 0.8, 1.0))[0]
        now = Moments(np.flatnonzero(usable[:, last]), np.full(int(usable[:, last].sum()), last))
        if not len(now.unit):
            return tried, Ahead(now.unit, np.empty(0))
        coming, _ = features_of(self._series, self._past, self._look, step, now)
        return tried, Ahead(now.unit, self._past.known[now.unit, now.date] + model.predict(coming)[:, 0])

    def _origins(self, at: Moments, step: int) -> "List[int]":
        """Return the last moments from which there is something to check, and enough before them to learn from."""
        found: "List[int]" = []
        for origin in np.unique(at.date)[::-1].tolist():
            if len(found) == self._request.origins or int((at.date + step <= origin).sum()) < _LEAST_ROWS:
                break
            found.append(origin)
        if not found:
            raise InputError(
                "forecast-short", "{name} has {dates} dates, too few to learn a step of {step} from {lags} past values "
                "and to check it: take more dates, or lower STEPS or LAGS.", name=self._request.rows.name,
                dates=self._series.dates, step=step, lags=self._look.lags)
        return found[::-1]

    def _tried(self, step: int, at: Moments, x: np.ndarray, own: int, change: np.ndarray, origins: "List[int]",
               progress: Progress) -> Tried:
        """Forecast from each origin by models of what was known then: with the embedding, and of the past alone."""
        held = np.flatnonzero(np.isin(at.date, origins))
        tested = at.part(held)
        last = self._past.known[tested.unit, tested.date]
        said = {MODEL: np.empty(len(held)), LAST: last, MEAN: self._past.mean[tested.unit, tested.date]}
        if self._look.period:
            said[SEASONAL] = seasonal_of(self._past, self._look, step, tested)
        said[ALONE] = np.empty(len(held))
        kinds: "List[str]" = []
        for number, origin in enumerate(origins):
            check(progress)
            part = Part(progress, number / len(origins), (number + 1) / len(origins))
            before = np.flatnonzero(at.date + step <= origin)
            now = tested.date == origin
            model, kind = self._fitted(x[before], change[before], at.part(before), Part(part, 0.0, 0.6))
            said[MODEL][now] = last[now] + model.predict(x[held[now]])[:, 0]
            plain, _ = self._fitted(x[before][:, :own], change[before], at.part(before), Part(part, 0.6, 1.0), kind)
            said[ALONE][now] = last[now] + plain.predict(x[held[now]][:, :own])[:, 0]
            kinds.append(kind)
        truth = self._past.values[tested.unit, tested.date + step]
        return Tried(step, tested.unit, tested.date, truth, said, tuple(kinds))

    def _fitted(self, x: np.ndarray, change: np.ndarray, at: Moments, progress: Progress,
                kind: str = "") -> "tuple[Fitted, str]":
        """Fit a model, choosing settings (and for `best` the kind) by later moments than it learns from."""
        inner = _eras(at.date)
        design = Design(np.ascontiguousarray(x), change[:, np.newaxis], np.ones(len(x)), 0, inner, self._request.seed)
        kind = kind or self._request.model
        if kind == BEST:
            kind = _best(design, progress)
        return fit(kind, design, progress), kind


def _best(design: Design, progress: Progress) -> str:
    """Return the kind that forecasts the last of the known moments best."""
    late = design.inner == design.inner.max()
    if late.all():
        return "ridge"
    early = Design(design.x[~late], design.y[~late], design.weights[~late], 0, design.inner[~late], design.seed)
    losses = {}
    for kind in candidates(0, int((~late).sum())):
        check(progress)
        predicted = fit(kind, early, progress).predict(design.x[late])
        losses[kind] = float(((predicted - design.y[late]) ** 2).mean())
    return min(losses, key=lambda kind: losses[kind])


def _eras(dates: np.ndarray) -> np.ndarray:
    """Part dates into runs that follow each other."""
    distinct, index = np.unique(dates, return_inverse=True)
    return index * min(_INNER, len(distinct)) // len(distinct)

"""Fills missing values: a model for each column, honest figures of it, its word where there is none, and a mark."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional

import numpy as np

from ..progress import Part, Progress, check
from ..table import ColumnSpec, TableWriter
from ..table.kept_names import kept_names
from ..training.account import Account
from ..training.applying import apply_to, interval_around
from ..training.gathering import GatherRequest
from ..training.gathering.request import CLASSIFICATION, REGRESSION
from ..training.models import Fitted
from ..training.request import EQUAL, TrainRequest
from ..training.run import learn
from ..training.vector_rows import Unheard, VectorRows
from ..whole import require_writable
from .gaps import Gaps, find_gaps
from .request import ImputeRequest, ImputeResult
from .telling import ToldColumn, write_report

IMPUTED, PREDICTED, LOWER, UPPER, PROBABILITY, APPLICABLE = (
    "imputed", "predicted", "lower", "upper", "probability", "applicable")
_INTEGERS = ("integer", "integer64")
_MUCH = 0.1


@dataclass(frozen=True)
class Filling:
    """What a model says of every row of a column: values of the column, numbers `(n,)` (NaN: nothing), and trust.

    Rows that the model learnt from have what models said that had not seen their fold; `applicable` is theirs no more.
    """

    gaps: Gaps
    values: "List[Any]"
    predicted: "List[Any]"
    lower: Optional[np.ndarray]
    upper: Optional[np.ndarray]
    probability: Optional[np.ndarray]
    applicable: np.ndarray
    account: Account


def impute(request: ImputeRequest, progress: Progress) -> ImputeResult:
    """Write the layer with its gaps filled."""
    for path in filter(None, (request.output.split("|")[0], request.report)):
        require_writable(Path(path))
    gaps = find_gaps(request, Part(progress, 0.0, 0.05))
    # What there is to say of the vectors is said when they are learnt from.
    rows = VectorRows(request.rows, request.registry, Unheard(progress))
    told: "List[ToldColumn]" = []
    fillings: "Dict[str, Filling]" = {}
    for index, one in enumerate(gaps):
        part = Part(progress, 0.05 + 0.85 * index / len(gaps), 0.05 + 0.85 * (index + 1) / len(gaps))
        if not one.count:
            warning = f"“{one.column.name}” of {rows.name} lacks no value, so nothing is filled in it."
            told.append(ToldColumn(one.column.name, 0, 0, 0, None, (warning,)))
        else:
            filling = _fill(request, rows, one, part)
            fillings[one.column.name] = filling
            told.append(_told(rows.name, filling))
        _tell(told[-1], progress)
    _write(request, rows, gaps, fillings, Part(progress, 0.9, 1.0))
    if request.report:
        write_report(request.report, request.rows.name, told)
    scores = [filling.account.model.score for filling in fillings.values()]
    only = next(iter(fillings.values())) if len(gaps) == 1 and fillings else None
    return ImputeResult(
        request.output, sum(one.filled for one in told), sum(one.left for one in told),
        float(np.mean(scores)) if scores else math.nan, tuple(text for one in told for text in one.warnings),
        () if only is None else tuple((_typed(one.value, only.gaps.column), one.name, one.colour)
                                      for one in only.account.samples.target.classes))


def _fill(request: ImputeRequest, rows: VectorRows, gaps: Gaps, progress: Progress) -> Filling:
    """Learn a column where it is known, and predict it everywhere."""
    model = "logistic" if gaps.classes and request.model == "ridge" else request.model
    transform = {} if gaps.classes else {"transform": request.transform}
    gather = GatherRequest(
        request.rows, (gaps.column.name,), CLASSIFICATION if gaps.classes else REGRESSION, columns=request.columns,
        weight=request.weight, group=request.group, seed=request.seed, registry=request.registry, **transform)
    learnt = learn(TrainRequest(gather, request.output.split("|")[0], model, request.folds, EQUAL, resume=False,
                                seed=request.seed), Part(progress, 0.0, 0.9))
    return _filling(request, rows, gaps, learnt.account, learnt.fitted, Part(progress, 0.9, 1.0))


def _filling(request: ImputeRequest, rows: VectorRows, gaps: Gaps, account: Account, fitted: Fitted,
             progress: Progress) -> Filling:
    """Predict all rows; those learnt from keep their out-of-fold prediction."""
    samples = account.samples
    spelled = samples.column_plan.spelled(rows.columns, rows.name)
    width = samples.classes or 1
    values = np.full((rows.count, width), np.nan)
    lower, upper = np.full(rows.count, np.nan), np.full(rows.count, np.nan)
    applicable = np.zeros(rows.count, dtype=bool)
    done = 0
    for chunk in rows.chunks():
        check(progress)
        progress.report(done / max(rows.count, 1), f"Filling “{gaps.column.name}”")
        encoded = samples.column_plan.encode({name: chunk.columns[own] for name, own in spelled.items()})
        x = np.hstack([chunk.vectors, encoded]) if spelled else chunk.vectors
        found = apply_to(account, fitted, x, request.interval)
        part = slice(done, done + len(x))
        values[part], applicable[part] = found.values, found.applicable
        if found.lower is not None and found.upper is not None:
            lower[part], upper[part] = found.lower[:, 0], found.upper[:, 0]
        done += len(x)
    known = samples.units
    values[known] = account.model.predicted
    if samples.classes:
        return _classes(gaps, account, values, applicable)
    low, high = interval_around(account, samples.target.forward(account.model.predicted), request.interval)
    if low is None or high is None:
        return Filling(gaps, _numbers(values[:, 0], gaps), _cells(values[:, 0]), None, None, None, applicable, account)
    lower[known], upper[known] = low[:, 0], high[:, 0]
    return Filling(gaps, _numbers(values[:, 0], gaps), _cells(values[:, 0]), lower, upper, None, applicable, account)


def _classes(gaps: Gaps, account: Account, shares: np.ndarray, applicable: np.ndarray) -> Filling:
    """Return the most likely class of each row and its probability."""
    there = np.isfinite(shares).all(axis=1)
    best = np.argmax(np.where(there[:, np.newaxis], shares, 0.0), axis=1)
    names = [_typed(one.value, gaps.column) for one in account.samples.target.classes]
    values = [names[number] if known else None for number, known in zip(best.tolist(), there.tolist())]
    return Filling(gaps, values, values, None, None, np.where(there, shares[np.arange(len(best)), best], np.nan),
                   applicable, account)


def _numbers(values: np.ndarray, gaps: Gaps) -> "List[Any]":
    """Return numbers as the column's type takes them: whole ones where it holds such."""
    cells = _cells(values)
    if gaps.column.type in _INTEGERS:
        return [None if cell is None else int(round(cell)) for cell in cells]
    return [None if cell is None else str(cell) for cell in cells] if gaps.column.type == "text" else cells


def _typed(value: str, column: ColumnSpec) -> Any:
    """Return a class as the column's type takes it."""
    if column.type == "boolean":
        return value == "true"
    if column.type in _INTEGERS:
        return int(float(value))
    return float(value) if column.type == "real" else value


def _told(name: str, filling: Filling) -> ToldColumn:
    """Return what is to be told of a column."""
    gaps, account = filling.gaps, filling.account
    there = np.array([value is not None for value in filling.values], dtype=bool)
    filled = int((gaps.empty & there).sum())
    outside = int((gaps.empty & there & ~filling.applicable).sum())
    warnings = list(account.warnings)
    if outside > _MUCH * max(filled, 1):
        warnings.insert(0, f"{outside:,} of {filled:,} filled rows of “{gaps.column.name}” are unlike all that have a "
                        "value (applicable is false): the figures don't hold for them.")
    if gaps.count - filled:
        warnings.append(f"{gaps.count - filled:,} rows of {name} lack “{gaps.column.name}” and a vector, too, so they "
                        "stay empty.")
    below = sum(isinstance(value, (int, float)) and not isinstance(value, bool) and value < 0
                for value, empty in zip(filling.values, gaps.empty) if empty)
    if below and not gaps.negative and not gaps.classes:
        warnings.append(f"{below:,} filled values of “{gaps.column.name}” are below zero though no known one is: learn "
                        "it with TRANSFORM log or boxcox.")
    return ToldColumn(gaps.column.name, filled, gaps.count - filled, outside, account, tuple(warnings),
                      gaps.column.type in _INTEGERS and not gaps.classes)


def _tell(told: ToldColumn, progress: Progress) -> None:
    """Say in the log what became of a column."""
    if told.account is not None:
        progress.info(told.sentence())
    for warning in told.warnings:
        progress.warn(warning)


def _write(request: ImputeRequest, rows: VectorRows, gaps: "List[Gaps]", fillings: "Dict[str, Filling]",
           progress: Progress) -> None:
    """Write all rows with filled columns and what was predicted."""
    added: "Dict[str, List[Any]]" = {}
    types: "Dict[str, str]" = {}
    for one in gaps:
        end = f"_{one.column.name}" if len(gaps) > 1 else ""
        filling = fillings.get(one.column.name)
        for name, (cells, kind) in _added(rows.count, one, filling, bool(request.interval)).items():
            added[name + end], types[name + end] = cells, kind
    renamed = kept_names(rows.name, rows.columns, list(added), progress)
    specs = [ColumnSpec(renamed.get(column.name, column.name), column.type) for column in rows.columns]
    specs += [ColumnSpec(name, types[name]) for name in added]
    done = 0
    with TableWriter(request.output, rows.wkt, rows.geometry_type, specs, rows.identity,
                     registry=request.registry) as writer:
        for chunk in rows.chunks():
            check(progress)
            progress.report(done / max(rows.count, 1), "Writing")
            part = slice(done, done + len(chunk.wkb))
            for name, filling in fillings.items():
                chunk.columns[name] = [value if empty else cell for cell, value, empty in zip(
                    chunk.columns[name], filling.values[part], filling.gaps.empty[part].tolist())]
            values: "Dict[str, Any]" = {renamed.get(name, name): cells for name, cells in chunk.columns.items()}
            values.update({name: cells[part] for name, cells in added.items()})
            writer.write(chunk.wkb, values, chunk.vectors)
            done += len(chunk.wkb)
    progress.report(1.0)


def _added(count: int, gaps: Gaps, filling: Optional[Filling], interval: bool) -> "Dict[str, tuple[List[Any], str]]":
    """Return the columns that are added for one target, with their types."""
    nothing: "List[Any]" = [None] * count
    numbers = PROBABILITY if gaps.classes else ""
    if filling is None:
        found = {IMPUTED: ([False] * count, "boolean"), PREDICTED: (nothing, _predicted_type(gaps))}
    else:
        found = {IMPUTED: ([bool(empty and value is not None) for empty, value in zip(gaps.empty, filling.values)],
                           "boolean"), PREDICTED: (filling.predicted, _predicted_type(gaps))}
    if numbers:
        found[PROBABILITY] = (nothing if filling is None or filling.probability is None
                              else _cells(filling.probability), "real")
    elif interval:
        found[LOWER] = (nothing if filling is None or filling.lower is None else _cells(filling.lower), "real")
        found[UPPER] = (nothing if filling is None or filling.upper is None else _cells(filling.upper), "real")
    found[APPLICABLE] = (nothing if filling is None else [
        bool(value) if empty and known is not None else None for value, empty, known in
        zip(filling.applicable, gaps.empty, filling.predicted)], "boolean")
    return found


def _predicted_type(gaps: Gaps) -> str:
    """Return the type of the column `predicted`: of classes that of the target."""
    return gaps.column.type if gaps.classes else "real"


def _cells(values: np.ndarray) -> "List[Any]":
    """Return numbers as a layer has them."""
    return [value if math.isfinite(value) else None for value in values.tolist()]

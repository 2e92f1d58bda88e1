"""Trains a predictor: gather the labels, validate in space, compare with what needs no embedding, fit to all, store."""

from __future__ import annotations

import datetime
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Optional

import numpy as np

from ..packages import CATALOGUE, installed_version
from ..partial import PartialWork, digest_of, is_worth_keeping
from ..predictors.storing import PredictorParts, save_predictor
from ..progress import Part, Progress, check
from ..version import VERSION
from ..whole import require_writable
from . import baselines
from .account import Account, Coverage, Worth
from .applicability import Applicability, fit_applicability
from .card_parts import parts_of
from .cautions import Evidence, cautions
from .class_calibration import fit_calibration
from .conformal import Conformal, coverage, fit_conformal
from .figures import paired_difference
from .folding import Parted, part_rows, sites_of
from .folds import Folds
from .gathering import gather
from .groups import groups_of
from .judging import Judge, Outcome
from .models import Fitted
from .moran import Moran, morans_i, neighbour_graph
from .predictions import write_predictions
from .request import BEST, RANDOM, TrainRequest, TrainResult
from .samples import Samples
from .task import Task, task_of
from .telling import write_report
from .validating import Shuffling, Validated, Validation

LEVELS = (0.8, 0.9, 0.95)
_NAN = float("nan")
_FEW_PLACES = 20


def train(request: TrainRequest, progress: Progress) -> TrainResult:
    """Train, validate and store a predictor; what is asked for beside it is written too."""
    for path in filter(None, (request.output, request.report, request.predictions.split("|")[0])):
        require_writable(Path(path))
    learnt = learn(request, Part(progress, 0.0, 0.95))
    account = learnt.account
    for warning in account.warnings:
        progress.warn(warning)
    _write(account, learnt.fitted, Part(progress, 0.95, 1.0))
    if learnt.kept is not None:
        learnt.kept.remove()
    random = account.model if account.model.folds.kind == RANDOM else account.random
    return TrainResult(request.output, account.model.score, _score(random), _score(account.coordinates),
                       len(account.samples.vectors), account.kind, account.warnings)


@dataclass(frozen=True)
class Learnt:
    """A training before anything of it is written; `kept` holds its finished folds."""

    account: Account
    fitted: Fitted
    kept: Optional[PartialWork]


def learn(request: TrainRequest, progress: Progress) -> Learnt:
    """Gather, validate, compare and fit to all rows; nothing is written but finished folds, for a run that resumes."""
    samples = gather(request.gather, Part(progress, 0.0, 0.1))
    task = task_of(samples, request.class_weights, request.seed)
    parted = part_rows(samples, task, request, Part(progress, 0.1, 0.15))
    kept = _kept(request, task, parted)
    try:
        account, fitted = _learn(request, samples, task, parted, kept, Part(progress, 0.15, 1.0))
    except Exception as error:
        if kept is not None and not is_worth_keeping(error) and not progress.cancelled():
            kept.remove()
        raise
    return Learnt(account, fitted, kept)


@dataclass(frozen=True)
class _Compared:
    """What the model is compared with."""

    constant: Outcome
    random: Optional[Outcome]
    coordinates: Optional[Outcome]
    coordinates_random: Optional[Outcome]
    columns: Optional[Outcome]


def _kept(request: TrainRequest, task: Task, parted: Parted) -> Optional[PartialWork]:
    """Open the folder of finished folds, which only the same labels, folds and model may use."""
    if not request.resume:
        return None
    content = hashlib.sha256()
    for values in (task.x, task.y, task.weights, parted.folds.fold):
        content.update(np.ascontiguousarray(values).tobytes())
    return PartialWork(request.output, digest_of({
        "content": content.hexdigest(), "model": request.model, "weights": request.class_weights,
        "seed": request.seed, "version": VERSION}), resume=True)


def _learn(request: TrainRequest, samples: Samples, task: Task, parted: Parted, kept: Optional[PartialWork],
           progress: Progress) -> "tuple[Account, Fitted]":
    """Validate, compare, and fit to all rows."""
    judge = Judge(samples)
    validation = Validation(task, judge, kept)
    folds = parted.folds
    groups = groups_of(samples.identity, samples.column_plan, samples.vectors.shape[1])
    shuffling = Shuffling(groups, request.seed) if len(groups) > 1 else None
    found = validation.run(folds.kind, request.model, folds, Part(progress, 0.0, 0.4), shuffling)
    model = judge.outcome(request.model, folds, judge.in_units(found.predicted))
    progress.info(f"All folds together: {judge.score_name} {model.score:.2f}.")
    choice = validation.chosen(request.model, folds, Part(progress, 0.4, 0.5))
    if request.model == BEST:
        progress.info("Best of " + ", ".join(f"{kind} {score:.2f}" for kind, score in choice.scores.items())
                      + f" ({judge.score_name} in inner folds): {choice.kind}.")
    compared = _compared(samples, task, judge, parted, choice.kind, validation, Part(progress, 0.5, 0.8))
    progress.report(0.8, "Fitting to all rows")
    fitted = task.fitted(choice.kind, np.arange(len(task.x)), folds.fold, Part(progress, 0.8, 0.95))
    check(progress)
    progress.report(0.95, "Working out where the predictor applies")
    applicability = fit_applicability(task.x, folds.fold, request.seed)
    conformal, covered, lower, upper = _intervals(samples, judge, found, folds)
    calibration = None
    if task.classes:
        calibration = fit_calibration(task.y, found.predicted, task.weights)
        model = judge.outcome(request.model, folds, calibration.apply(found.predicted))
    moran = _moran(samples, judge, model)
    evidence = Evidence(
        judge.score_name, len(task.x), model, compared.constant, compared.random, compared.coordinates,
        compared.coordinates_random, compared.columns, _residuals_told(samples, moran),
        tuple((part.level, share) for part in covered for share in part.share), _lacking(task, folds),
        parted.clustered)
    account = Account(
        request, samples, judge.score_name, model, compared.constant, compared.random, compared.coordinates,
        compared.coordinates_random, compared.columns, choice.kind, dict(fitted.settings), tuple(found.kinds),
        choice.scores, conformal, covered, lower, upper, calibration, applicability,
        _outside(applicability, task.x, folds), moran, _worth(judge, model, found, folds),
        (*parted.warnings, *cautions(evidence)), datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        _versions())
    return account, fitted


def _compared(samples: Samples, task: Task, judge: Judge, parted: Parted, kind: str, validation: Validation,
              progress: Progress) -> _Compared:
    """Work out the same model under random folds, and the baselines."""
    folds, random = parted.folds, parted.random
    beside = None
    if random is not None:
        predicted = validation.run(RANDOM, kind, random, Part(progress, 0.0, 0.5)).predicted
        beside = judge.outcome(kind, random, judge.in_units(predicted))
    progress.report(0.5, "Comparing with what coordinates and other columns tell alone")
    place = baselines.coordinates(samples, task, judge, folds, Part(progress, 0.5, 0.7))
    place_random = None
    if random is not None and place is not None:
        place_random = baselines.coordinates(samples, task, judge, random, Part(progress, 0.7, 0.85))
    columns = None
    if samples.columns.shape[1]:
        columns = baselines.alone(baselines.COLUMNS, kind, samples.columns, task, judge, folds,
                                  Part(progress, 0.85, 1.0))
    found = _Compared(baselines.constant(task, judge, folds), beside, place, place_random, columns)
    for outcome in (found.constant, place, columns):
        if outcome is not None:
            progress.info(f"Beside it, {outcome.name}: {judge.score_name} {outcome.score:.2f}.")
    return found


def _intervals(samples: Samples, judge: Judge, found: Validated, folds: Folds) -> "tuple[Optional[Conformal], tuple[Coverage, ...], Optional[np.ndarray], Optional[np.ndarray]]":  # noqa: E501
    """Fit prediction intervals, and see how those made without a fold hold in it; also each row's 90 % interval."""
    if judge.classes:
        return None, (), None, None
    residuals = samples.targets - found.predicted
    # Errors of one block, group or feature are alike, so those are what counts as one observation.
    blocks = samples.units if folds.blocks is None else folds.blocks
    told: "List[Coverage]" = []
    kept: "Dict[float, tuple[np.ndarray, np.ndarray]]" = {}
    for level in LEVELS:
        half = np.empty_like(residuals)
        for number in range(folds.count):
            rest = folds.fold != number
            half[~rest] = fit_conformal(residuals[rest], samples.weights[rest], blocks[rest]).half_width(level)
        lower, upper = judge.in_units(found.predicted - half), judge.in_units(found.predicted + half)
        kept[level] = (lower, upper)
        told.append(Coverage(level, *(tuple(values) for values in zip(*(
            (coverage(judge.truth[:, target], lower[:, target], upper[:, target]),
             float(np.mean(upper[:, target] - lower[:, target]))) for target in range(residuals.shape[1]))))))
    return fit_conformal(residuals, samples.weights, blocks), tuple(told), *kept[0.9]


def _moran(samples: Samples, judge: Judge, model: Outcome) -> "tuple[Moran, ...]":
    """Tell whether errors are alike among neighbours; a classification's error is what the true class lacked."""
    if len(np.unique(samples.points[np.isfinite(samples.points).all(axis=1)], axis=0)) < _FEW_PLACES:
        return ()
    if judge.classes:
        residuals = 1.0 - model.predicted[np.arange(len(judge.truth)), judge.truth][:, np.newaxis]
    else:
        residuals = judge.truth - model.predicted
    graph = neighbour_graph(sites_of(samples))
    return tuple(morans_i(residuals[:, target], graph) for target in range(residuals.shape[1]))


def _residuals_told(samples: Samples, moran: "tuple[Moran, ...]") -> "tuple[tuple[str, float, float], ...]":
    """Return Moran's I of each target with the words that name it."""
    several = len(moran) > 1
    return tuple((f" of {name}" if several else "", part.value, part.p)
                 for name, part in zip(samples.target.names, moran))


def _worth(judge: Judge, model: Outcome, found: Validated, folds: Folds) -> "tuple[Worth, ...]":
    """Return what the groups of features are worth, the dearest first."""
    listed = []
    for name, shuffled in found.shuffled.items():
        without = judge.outcome(name, folds, judge.in_units(shuffled))
        listed.append(Worth(name, paired_difference(model.fold_scores, without.fold_scores)))
    return tuple(sorted(listed, key=lambda part: -part.loss.mean))


def _outside(applicability: Applicability, x: np.ndarray, folds: Folds) -> float:
    """Return the share of rows that a predictor of the other folds would call unlike its training data."""
    beyond = 0
    for number in range(folds.count):
        rest = folds.fold != number
        if len(np.unique(folds.fold[rest])) < 2:
            return _NAN
        beyond += int((~fit_applicability(x[rest], folds.fold[rest], 0).applicable(x[~rest])).sum())
    return beyond / len(x)


def _lacking(task: Task, folds: Folds) -> int:
    """Count folds that hold all labels of a class, so that the model which predicts them never saw it."""
    if not task.classes:
        return 0
    return sum(len(np.unique(task.y[folds.fold != number])) < task.classes for number in range(folds.count))


def _versions() -> "Dict[str, str]":
    """Return what took part."""
    found = {"earthprint": VERSION, "numpy": np.__version__}
    for package in CATALOGUE:
        if package.name in ("scikit-learn", "onnxruntime"):
            version = installed_version(package)
            if version:
                found[package.name] = version
    return found


def _score(outcome: Optional[Outcome]) -> float:
    """Return a score, NaN where there is none."""
    return _NAN if outcome is None else outcome.score


def _write(account: Account, fitted: Fitted, progress: Progress) -> None:
    """Write what was asked for; the predictor comes last, so that it is never there without its company."""
    request = account.request
    if request.predictions:
        write_predictions(account, progress)
    if request.report:
        write_report(request.report, account)
    parts: PredictorParts = parts_of(account)
    save_predictor(request.output, fitted, parts)
    progress.report(1.0)

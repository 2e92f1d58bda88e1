"""Turns the account of a training into what its report tells."""

from __future__ import annotations

import math
from typing import List, Optional

import numpy as np
from osgeo import osr

from .account import Account
from .baselines import MAJORITY, MEAN
from .figures import ClassificationFigures, Scored, reliability
from .judging import Outcome, bounded, fold_scores
from .moran import Moran
from .report import Applicability as ApplicabilityTold
from .report import (
    ClassesTold,
    Compared,
    Coverage,
    FoldScores,
    FoldsTold,
    Headline,
    Importance,
    Measure,
    PlacesTold,
    Reliability,
    ReportInput,
    ScoreRow,
    ScoreTable,
    TargetTold,
    write_training_report,
)
from .report.input import BASELINE, CLASSIFICATION, MODEL, REGRESSION
from .report.input import RANDOM as RANDOM_ROLE
from .request import BEST, BLOCKS, GROUP, KMEANS, RANDOM
from .samples import SampleCounts
from .student import interval_of
from .transforms import NONE

_FOLD_NAMES = {RANDOM: "random folds", BLOCKS: "spatial blocks", GROUP: "one group left out", KMEANS: "regions"}
_WHERE = {RANDOM: "at places beside the labels", BLOCKS: "at new places", KMEANS: "in new regions",
          GROUP: "in groups it has not seen"}
_KINDS = {"ridge": "ridge regression", "logistic": "logistic regression", "knn": "nearest neighbours",
          "forest": "random forest", "boosting": "gradient boosting", "mlp": "neural network", "gp": "Gaussian process",
          BEST: "best of several"}
_REGRESSION_FIGURES = (("R²", "r2"), ("RMSE", "rmse"), ("MAE", "mae"), ("bias", "bias"))
_IN_UNITS = ("rmse", "mae", "bias")
_CLASS_FIGURES = (("balanced accuracy", "balanced_accuracy"), ("accuracy", "accuracy"), ("kappa", "kappa"))


def write_report(path: str, account: Account) -> None:
    """Write the page."""
    write_training_report(path, told(account))


def told(account: Account) -> ReportInput:
    """Return what the page shows."""
    samples, model = account.samples, account.model
    classes = samples.classes
    target = ", ".join(samples.target.names)
    return ReportInput(
        title=f"{'Classes' if classes else 'Prediction'} of {target}",
        task=CLASSIFICATION if classes else REGRESSION,
        headline=Headline(account.score_name, _headline(account), _WHERE[model.folds.kind],
                          math.nan if account.random is None else account.random.score),
        asked=_asked(account), warnings=account.warnings,
        scores=tuple(_table(account, index) for index in range(len(model.scored))),
        folds=_folds(account), places=_places(account), fold_scores=_fold_scores(account),
        targets=() if classes else tuple(_target(account, index) for index in range(len(samples.target.names))),
        classes=_classes(account) if classes else None,
        reliability=_reliability(account) if classes else None, coverage=_coverage(account),
        applicability=ApplicabilityTold(account.applicability.threshold, account.outside),
        compared=_compared(account),
        importance=tuple(Importance(part.name, Measure(part.loss.mean, part.loss.low, part.loss.high))
                         for part in account.worth),
        importance_label=f"loss of {account.score_name} when shuffled",
        counts=counts_told(samples.counts), notes=_notes(account),
        provenance=tuple(item.sentence() for item in samples.identity.provenance),
        versions=tuple(account.versions.items()))


def kind_name(kind: str) -> str:
    """Return what a kind of model is called."""
    return _KINDS.get(kind, kind)


def _headline(account: Account) -> Measure:
    """Return the score with its interval over the folds."""
    found = account.model.interval
    return Measure(account.model.score, found.low, found.high)


def _measure(scored: Scored, name: str) -> Measure:
    """Return a pooled figure with its interval over folds."""
    found = interval_of(fold_scores(scored)) if name == "r2" else scored.intervals[name]
    if name not in _IN_UNITS:
        found = bounded(found)
    return Measure(scored.pooled.numbers()[name], found.low, found.high)


def _asked(account: Account) -> "tuple[tuple[str, str], ...]":
    """Return what was asked for."""
    request, samples = account.request, account.samples
    chosen = kind_name(account.kind)
    found = [
        ("Labels", samples.name), ("Target", ", ".join(samples.target.names)),
        ("Rows", f"{len(samples.vectors):,}"),
        ("Embedding", f"{samples.vectors.shape[1]} dimensions"),
        ("Model", f"best of several: {chosen}" if request.model == BEST else chosen),
        ("Seed", str(request.seed))]
    if samples.column_plan.groups:
        found.insert(4, ("Further columns", ", ".join(samples.column_plan.groups)))
    if account.settings:
        found.insert(-1, ("Settings", ", ".join(f"{name} {_plain(value)}" for name, value in
                                                account.settings.items())))
    return tuple(found)


def _plain(value: object) -> str:
    """Write a setting."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _table(account: Account, target: int) -> ScoreTable:
    """Return the pooled figures of the model and of everything beside it."""
    classes = account.samples.classes
    wanted = _CLASS_FIGURES if classes else _REGRESSION_FIGURES
    rows = [_row(f"{kind_name(account.kind)}, {_FOLD_NAMES[account.model.folds.kind]}", MODEL, account.model, target,
                 wanted)]
    if account.random is not None:
        rows.append(_row(f"{kind_name(account.kind)}, random folds", RANDOM_ROLE, account.random, target, wanted))
    for outcome in (account.coordinates, account.columns, account.constant):
        if outcome is not None:
            rows.append(_row(_baseline_name(outcome.name), BASELINE, outcome, target, wanted))
    name = account.samples.target.names[target] if not classes and len(account.model.scored) > 1 else ""
    unit = _unit_of(account, target)
    return ScoreTable(tuple(label for label, _ in wanted), tuple(rows), name, unit)


def _baseline_name(name: str) -> str:
    """Return what a baseline is called."""
    return {MEAN: "mean of the labels", MAJORITY: "commonest class"}.get(name, name)


def _row(name: str, role: str, outcome: Outcome, target: int, wanted: "tuple[tuple[str, str], ...]") -> ScoreRow:
    """Return a line of the table."""
    return ScoreRow(name, role, tuple(_measure(outcome.scored[target], figure) for _, figure in wanted))


def _folds(account: Account) -> FoldsTold:
    """Tell of the folds."""
    folds = account.model.folds
    return FoldsTold(_FOLD_NAMES[folds.kind], folds.count, folds.why, folds.block_size, _unit(account.samples.wkt)[0])


def _unit(wkt: str) -> "tuple[str, float, bool]":
    """Return the unit of a CRS, its length in metres, and whether it is an angle."""
    reference = osr.SpatialReference()
    if not wkt or reference.ImportFromWkt(wkt) != 0:
        return "units", math.nan, False
    if reference.IsGeographic():
        return "°", math.nan, True
    metres = reference.GetLinearUnits()
    return ("m" if metres == 1.0 else reference.GetLinearUnitsName() or "units"), metres, False


def _places(account: Account) -> Optional[PlacesTold]:
    """Tell where the labels lie."""
    samples = account.samples
    if not np.isfinite(samples.points).all():
        return None
    _, metres, degrees = _unit(samples.wkt)
    names = samples.group_names if account.model.folds.kind == GROUP and (
        len(samples.group_names) == account.model.folds.count) else ()
    return PlacesTold(samples.points, account.model.folds.fold, degrees, metres, tuple(names))


def _fold_scores(account: Account) -> FoldScores:
    """Tell how each fold did, of the first target where there are several."""
    wanted = _CLASS_FIGURES if account.samples.classes else _REGRESSION_FIGURES
    folds, scored = account.model.folds, account.model.scored[0]
    places = _places(account)
    names = places.fold_names if places is not None and places.fold_names else tuple(
        str(number + 1) for number in range(folds.count))
    if account.request.model == BEST:
        names = tuple(f"{name} ({kind})" for name, kind in zip(names, account.kinds))
    return FoldScores(tuple(label for label, _ in wanted), names,
                      tuple(np.bincount(folds.fold, minlength=folds.count).tolist()),
                      tuple(tuple(float(getattr(figures, name)) for _, name in wanted) for figures in scored.folds))


def _target(account: Account, index: int) -> TargetTold:
    """Tell what was observed and predicted."""
    plan = account.samples.target
    moran = moran_told(account.moran[index]) if account.moran else ""
    truth = plan.inverse(account.samples.targets)[:, index]
    return TargetTold(plan.names[index], truth, account.model.predicted[:, index], _unit_of(account, index),
                      "" if plan.transforms[index].kind == NONE else plan.transforms[index].in_words(), moran)


def _classes(account: Account) -> ClassesTold:
    """Tell of the classes."""
    plan, scored = account.samples.target, account.model.scored[0]
    figures = scored.pooled
    if not isinstance(figures, ClassificationFigures):
        raise TypeError("these are the figures of a regression")
    return ClassesTold(
        tuple(part.name for part in plan.classes), tuple(part.colour for part in plan.classes), figures.confusion,
        account.samples.targets, np.argmax(account.model.predicted, axis=1),
        tuple(Measure(float(value)) for value in figures.f1),
        moran_told(account.moran[0]) if account.moran else "",
        tuple(f"{old} counts as {new}." for old, new in plan.merged.items()))


def _reliability(account: Account) -> Reliability:
    """Tell how far probabilities can be believed."""
    found = reliability(account.samples.targets, account.model.predicted, account.samples.weights)
    rows = len(account.samples.vectors)
    return Reliability(np.array([part.confidence for part in found.bins]),
                       np.array([part.accuracy for part in found.bins]),
                       np.array([part.share * rows for part in found.bins]), found.error)


def moran_told(found: Moran) -> str:
    """Return what Moran's I of the errors says."""
    if not math.isfinite(found.z):
        return ""
    alike = "are alike among neighbours" if found.alike else "show no pattern in space"
    return (f"Moran's I of the errors is {found.value:.2f} (chance {found.expected:.2f}, p {found.p:.2g}): errors "
            f"{alike}.")


def counts_told(counts: SampleCounts) -> "tuple[str, ...]":
    """Return what became of the labelled features, leaving out what did not happen."""
    listed = (
        (counts.without_target, "have no value of the target"), (counts.infinite, "have an infinite value"),
        (counts.without_weight, "have no weight"), (counts.masked, "lie outside the mask"),
        (counts.without_place, "have no geometry"), (counts.outside, "lie outside the embeddings or match no row"),
        (counts.without_vector, "lie where there is no vector"),
        (counts.columns_dropped, "lack a value of a further column"),
        (counts.too_small, "are of a class that is too small"))
    found = [f"{counts.read:,} labelled features were read, {counts.used:,} are used."]
    found += [f"{number:,} {words}." for number, words in listed if number]
    if counts.columns_filled:
        found.append(f"{counts.columns_filled:,} missing values of further columns were filled in.")
    return tuple(found)


def _unit_of(account: Account, target: int) -> str:
    """Return the unit of a target, empty where nobody said."""
    units = account.samples.target.units
    return units[target] if units else ""


def _coverage(account: Account) -> "tuple[Coverage, ...]":
    """Tell how intervals held."""
    plan = account.samples.target
    several = len(account.model.scored) > 1
    listed: "List[Coverage]" = []
    for part in account.coverage:
        for index, (share, width) in enumerate(zip(part.share, part.width)):
            listed.append(Coverage(part.level, share, width, plan.names[index] if several else "",
                                   _unit_of(account, index)))
    return tuple(listed)


def _compared(account: Account) -> "tuple[Compared, ...]":
    """Tell what "best" looked at."""
    return tuple(Compared(kind_name(kind), Measure(score), chosen=kind == account.kind)
                 for kind, score in sorted(account.compared.items(), key=lambda item: -item[1]))


def _notes(account: Account) -> "tuple[str, ...]":
    """Tell what the figures are."""
    found = ["The predictor was fitted to all rows; every figure comes from rows that the model behind it had not "
             "seen. None is the figure of a lucky fold."]
    if account.request.model == BEST:
        found.append("Which model is best was decided anew within the other folds each time, so the figure includes "
                     "the price of choosing; random folds and baselines use the model chosen in the end.")
    return tuple(found)

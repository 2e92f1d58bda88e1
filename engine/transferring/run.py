"""Predicts finer units: learn from coarse ones, predict the fine ones, keep the coarse values, judge, write."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional

import numpy as np

from ..errors import InputError
from ..number_text import score_text
from ..progress import Part, Progress, check
from ..space import require_same
from ..table import ColumnSpec, TableWriter
from ..table.kept_names import kept_names
from ..table.parts import key_text
from ..training.account import Account
from ..training.applying import apply_to
from ..training.cautions import SLIGHT
from ..training.gathering import GatherRequest
from ..training.models import Fitted
from ..training.request import TrainRequest
from ..training.run import learn
from ..training.vector_rows import Unheard, VectorRows
from ..whole import require_writable
from .parents import NO_PARENT, key_columns, parents_by_key, parents_by_place
from .quantity import Quantity, quantity_of
from .request import KEEP_NONE, PRESERVES, QUANTITIES, TransferRequest, TransferResult
from .telling import Told, write_report
from .truth import Judged, Rivals, judge
from .units import UnitColumns, Units, number_column, read_units
from .volume import Kept, even_rates, keep_amounts

_ADDED = ("unit", "predicted", "lower", "upper", "applicable", "unadjusted", "adjustment")
_MANY = 0.1


@dataclass(frozen=True)
class Predicted:
    """What the model says of each fine unit, in rates: `(n,)` each, NaN where it has no vector."""

    rates: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    applicable: np.ndarray


@dataclass(frozen=True)
class Columns:
    """The result's columns that are numbers, `(n,)` each."""

    predicted: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    unadjusted: np.ndarray
    adjustment: np.ndarray


def transfer(request: TransferRequest, progress: Progress) -> TransferResult:
    """Write the fine units with what is predicted of them."""
    _check_words(request)
    for path in filter(None, (request.output.split("|")[0], request.report, request.predictor)):
        require_writable(Path(path))
    coarse, fine = _units(request, Part(progress, 0.0, 0.1))
    parents = (parents_by_key(coarse, fine, request) if request.parent
               else parents_by_place(coarse, fine, request, progress))
    quantity = quantity_of(coarse, fine, parents, request, progress)
    rows = VectorRows(request.fine, request.registry, progress)
    account, fitted = _learnt(request, quantity, rows, Part(progress, 0.1, 0.7))
    predicted = _predict(rows, account, fitted, request, Part(progress, 0.7, 0.85))
    kept = keep_amounts(predicted.rates, quantity.weights, parents, quantity.goals(predicted.rates, parents))
    columns = _columns(request, quantity, predicted, kept)
    judged = _judged(request, quantity, predicted, kept, columns, fine, parents)
    told = Told(request, account, quantity.by, quantity.total, kept, judged,
                tuple(_facts(coarse, fine, parents, predicted, kept, request)),
                (*_cautions(request, account, judged, columns, quantity),
                 *(f"Of the coarse units: {warning}" for warning in account.warnings)))
    for fact in told.facts:
        progress.info(fact)
    for warning in told.warnings:
        progress.warn(warning)
    _write(request, rows, coarse, parents, predicted, columns, Part(progress, 0.85, 1.0))
    if request.report:
        write_report(request.report, told, fine, columns.predicted)
    if request.predictor:
        _store(request.predictor, account, fitted)
    nan = float("nan")
    done = judged.model if judged and request.preserve == KEEP_NONE else judged.kept if judged else None
    return TransferResult(
        request.output, int(np.isfinite(columns.predicted).sum()),
        int(kept.kept.sum()) if request.preserve != KEEP_NONE else 0, account.model.score,
        nan if done is None else done.r2, nan if judged is None else judged.even.r2, told.warnings)


def _check_words(request: TransferRequest) -> None:
    """Refuse words that mean nothing."""
    for value, allowed, name in ((request.preserve, PRESERVES, "PRESERVE"), (request.quantity, QUANTITIES, "QUANTITY")):
        if value not in allowed:
            raise InputError("transfer-word", "{name} is “{value}”: choose one of {allowed}.", name=name, value=value,
                             allowed=", ".join(allowed))


def _units(request: TransferRequest, progress: Progress) -> "tuple[Units, Units]":
    """Read both layers."""
    key, parent = key_columns(request)
    target = number_column(request.coarse, request.target, "TARGET")
    weight = number_column(request.fine, request.weight, "WEIGHT") if request.weight else None
    own = next((column for column in request.coarse.columns if column.name.lower() == request.weight.lower()), None)
    truth = number_column(request.fine, request.truth, "TRUTH") if request.truth else None
    by_area = weight is None
    coarse = read_units(request.coarse, UnitColumns(target, own, key, by_area, not request.parent),
                        Part(progress, 0.0, 0.4))
    fine = read_units(request.fine, UnitColumns(truth, weight, parent, by_area), Part(progress, 0.4, 1.0))
    return coarse, fine


def _learnt(request: TransferRequest, quantity: Quantity, rows: VectorRows,
            progress: Progress) -> "tuple[Account, Fitted]":
    """Learn from the coarse units."""
    table = VectorRows(request.coarse, request.registry, Unheard(progress))
    require_same(key_text(table.identity, "f4"), request.coarse.name, key_text(rows.identity, "f4"), request.fine.name)
    gather = GatherRequest(rows=quantity.rows, target=(quantity.column,), transform=request.transform,
                           seed=request.seed, registry=request.registry)
    learnt = learn(TrainRequest(gather, request.predictor or request.output.split("|")[0], request.model, request.folds,
                                resume=False, seed=request.seed), progress)
    return learnt.account, learnt.fitted


def _predict(rows: VectorRows, account: Account, fitted: Fitted, request: TransferRequest,
             progress: Progress) -> Predicted:
    """Predict all fine units, chunk by chunk."""
    parts: "List[List[np.ndarray]]" = [[], [], [], []]
    done = 0
    for chunk in rows.chunks():
        check(progress)
        progress.report(done / max(rows.count, 1), "Predicting the fine units")
        found = apply_to(account, fitted, chunk.vectors, request.interval)
        empty = np.full(len(chunk.wkb), np.nan)
        for part, values in zip(parts, (found.values, found.lower, found.upper)):
            part.append(empty if values is None else values[:, 0])
        parts[3].append(found.applicable)
        done += len(chunk.wkb)
    return Predicted(*(np.concatenate(part) for part in parts))


def _columns(request: TransferRequest, quantity: Quantity, predicted: Predicted, kept: Kept) -> Columns:
    """Return the numbers of the result, in the quantity that was asked for."""
    plain = quantity.shown(predicted.rates)
    if request.preserve == KEEP_NONE:
        least = 0.0 if quantity.total and kept.multiplied else -np.inf
        rates, lower, upper = (np.maximum(values, least)
                               for values in (predicted.rates, predicted.lower, predicted.upper))
        change = np.full(len(plain), np.nan)
    else:
        rates, change = kept.rates, kept.change
        lower, upper = kept.moved(predicted.lower), kept.moved(predicted.upper)
        if quantity.total and not kept.multiplied:
            change = change * quantity.weights
    return Columns(quantity.shown(rates), quantity.shown(lower), quantity.shown(upper), plain, change)


def _judged(request: TransferRequest, quantity: Quantity, predicted: Predicted, kept: Kept, columns: Columns,
            fine: Units, parents: np.ndarray) -> Optional[Judged]:
    """Compare with the truth where it is known."""
    if not request.truth:
        return None
    goals = quantity.goals(predicted.rates, parents)
    even = quantity.shown(even_rates(predicted.rates, quantity.weights, parents, goals))
    found = judge(fine.values, Rivals(quantity.shown(predicted.rates), quantity.shown(kept.rates), even),
                  columns.predicted, parents)
    if found is None:
        raise InputError("transfer-truth", "Fewer than 3 units of {name} have both a value in “{column}” and a coarse "
                         "unit with a value: choose another TRUTH, or none.", name=request.fine.name,
                         column=request.truth)
    return found


def _facts(coarse: Units, fine: Units, parents: np.ndarray, predicted: Predicted, kept: Kept,
           request: TransferRequest) -> "List[str]":
    """Say what became of the units."""
    found = [f"{len(fine):,} fine units of {request.fine.name} lie in "
             f"{len(np.unique(parents[parents != NO_PARENT])):,} of {len(coarse):,} coarse units of "
             f"{request.coarse.name}."]
    listed = (
        (np.setdiff1d(np.arange(len(coarse)), parents).size, "coarse units without a fine unit"),
        (int((parents == NO_PARENT).sum()), "fine units in no coarse unit, so nothing is preserved for them"),
        (int((~np.isfinite(predicted.rates)).sum()), "fine units without a vector, so nothing is predicted for them"
         + ("; what is preserved goes to the others of their coarse unit" if request.preserve != KEEP_NONE else "")),
        (int(((parents != NO_PARENT) & ~np.isfinite(coarse.values)[np.maximum(parents, 0)]).sum()),
         "fine units in a coarse unit without a value"))
    found += [f"Counted: {count:,} {words}." for count, words in listed if count]
    if request.preserve != KEEP_NONE and kept.even.any():
        found.append(f"{int(kept.even.sum()):,} fine units got an even share, since the model says 0 for all of their "
                     "coarse unit.")
    return found


def _cautions(request: TransferRequest, account: Account, judged: Optional[Judged], columns: Columns,
              quantity: Quantity) -> "List[str]":
    """Return what must be known before the fine values are trusted."""
    found: "List[str]" = []
    if judged is None:
        found.append(
            f"The {account.score_name} {score_text(account.model.score)} is that of coarse units and says nothing "
            "certain about fine ones: what holds between large areas may not hold within them. Name known fine values "
            "in TRUTH to see how good these are.")
    else:
        found += _against_truth(request, judged)
    shares = quantity.values[np.isfinite(quantity.values)]
    over = int((columns.predicted > 1).sum())
    if not quantity.total and len(shares) and 0 <= shares.min() and shares.max() <= 1 and over:
        found.append(f"Fine values above 1, though no coarse one is: {over:,}. If “{request.target}” is a share, take "
                     "them as 1.")
    return found


def _against_truth(request: TransferRequest, judged: Judged) -> "List[str]":
    """Return what known fine values say against the result."""
    kept, even = score_text(judged.kept.r2), score_text(judged.even.r2)
    own = score_text(judged.model.r2) if request.preserve == KEEP_NONE else kept
    found: "List[str]" = []
    if judged.gain < SLIGHT:
        # As it is the model may be worse than an even spread, and yet tell how to spread.
        tells = 1 - (judged.kept.rmse / judged.even.rmse) ** 2 >= SLIGHT if judged.even.rmse > 0 else False
        found.append(f"Spreading each coarse value evenly does as well (R² {even}, this {own} against the known fine "
                     f"values){'.' if tells else ': the embedding adds nothing within coarse units.'}")
    elif not judged.clear:
        found.append(f"This is better than spreading each coarse value evenly (R² {own} against {even}), but by no "
                     "more than may be chance, since coarse units differ much in it.")
    if request.preserve == KEEP_NONE and judged.kept.r2 - judged.model.r2 > SLIGHT:
        found.append(f"With the coarse values kept (PRESERVE totals) the R² against the known fine values is {kept} in "
                     f"place of {own}.")
    return found


def _write(request: TransferRequest, rows: VectorRows, coarse: Units, parents: np.ndarray, predicted: Predicted,
           columns: Columns, progress: Progress) -> None:
    """Write the fine rows with the new columns."""
    names = [name for name in _ADDED if request.interval or name not in ("lower", "upper")]
    renamed = kept_names(rows.name, rows.columns, names, progress)
    labels = coarse.keys if any(key is not None for key in coarse.keys) else coarse.ids
    whole = all(label is None or (isinstance(label, int) and not isinstance(label, bool)) for label in labels)
    types = {"unit": "integer64" if whole else "text", "applicable": "boolean"}
    specs = [ColumnSpec(renamed.get(column.name, column.name), column.type) for column in rows.columns]
    specs += [ColumnSpec(name, types.get(name, "real")) for name in names]
    found: "Dict[str, List[Any]]" = {
        "unit": [None if parent == NO_PARENT else _label(labels[parent], whole) for parent in parents.tolist()],
        "predicted": _cells(columns.predicted), "lower": _cells(columns.lower), "upper": _cells(columns.upper),
        "applicable": [bool(value) if known else None for value, known in
                       zip(predicted.applicable, np.isfinite(predicted.rates))],
        "unadjusted": _cells(columns.unadjusted), "adjustment": _cells(columns.adjustment)}
    done = 0
    with TableWriter(request.output, rows.wkt, rows.geometry_type, specs, rows.identity,
                     registry=request.registry) as writer:
        for chunk in rows.chunks():
            check(progress)
            progress.report(done / max(rows.count, 1), "Writing")
            part = slice(done, done + len(chunk.wkb))
            values: "Dict[str, Any]" = {renamed.get(name, name): cells for name, cells in chunk.columns.items()}
            values.update({name: found[name][part] for name in names})
            writer.write(chunk.wkb, values, chunk.vectors)
            done += len(chunk.wkb)
    progress.report(1.0)


def _store(path: str, account: Account, fitted: Fitted) -> None:
    """Keep the coarse model as a predictor."""
    from ..predictors.storing import save_predictor
    from ..training.card_parts import parts_of

    save_predictor(path, fitted, parts_of(account))


def _label(value: Any, whole: bool) -> Any:
    """Return a coarse unit's name."""
    if value is None:
        return None
    return int(value) if whole else str(value)


def _cells(values: np.ndarray) -> "List[Any]":
    """Return numbers as a layer has them."""
    return [value if np.isfinite(value) else None for value in values.tolist()]

"""Which columns hold what is true and what was predicted, also where nobody said: tables of predictions show it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Sequence

from ..errors import InputError

_PREDICTED = "predicted"
_PREDICTION = "prediction"
_TRUTHS = ("truth", "true")
_FOLD = "fold"
_ID = "source_id"
_RIGHT = "right"
_RESERVED = (_PREDICTED, _FOLD, _ID, _RIGHT, "lower", "upper", "residual", "probability")


@dataclass(frozen=True)
class JudgedColumns:
    """Truth and prediction, or a mark in their place; `chosen` tells what was found without being named."""

    truth: str = ""
    predicted: str = ""
    mark: str = ""
    chosen: str = ""


def judged_columns(layer: str, columns: "Sequence[str]", truth: str, predicted: str, mark: str) -> JudgedColumns:
    """Find the columns by their names, which are those of the table of predictions that trainings write."""
    truth, predicted, mark = (_named(layer, columns, name, column) for name, column in
                              (("TRUTH", truth), ("PREDICTED", predicted), ("MARK", mark)))
    if mark:
        if truth or predicted:
            raise InputError("bias-both", "MARK says which predictions are right, so TRUTH and PREDICTED have nothing "
                             "to add: leave them empty, or leave MARK empty.")
        return JudgedColumns(mark=mark)
    if truth and predicted:
        if truth == predicted:
            raise InputError("bias-same", "TRUTH and PREDICTED are the same column “{column}”: choose two.",
                             column=truth)
        return JudgedColumns(truth, predicted)
    lower = {column.lower(): column for column in columns}
    if not predicted:
        predicted = lower.get(f"{_PREDICTED}_{truth.lower()}", "") if truth else ""
        predicted = predicted or lower.get(_PREDICTED, "") or next(
            (column for column in columns if column.lower().startswith(_PREDICTED + "_")), "")
        predicted = predicted or _other_than(truth, lower.get(_PREDICTION, ""))
    if predicted and not truth:
        truth = _truth_of(columns, predicted) or next(
            (lower[name] for name in _TRUTHS if _other_than(predicted, lower.get(name, ""))), "")
    if truth and predicted:
        return JudgedColumns(truth, predicted, chosen=f"TRUTH is “{truth}” and PREDICTED “{predicted}”, by the names "
                             f"of the columns of {layer}.")
    if not truth and _RIGHT in lower and not predicted:
        return JudgedColumns(mark=lower[_RIGHT], chosen=f"MARK is “{lower[_RIGHT]}”, by the names of the columns of "
                             f"{layer}.")
    missing = "TRUTH" if predicted else "PREDICTED" if truth else "TRUTH and PREDICTED"
    raise InputError("bias-missing", "{missing} can't be told from the columns of {layer}: name {them}, or name in "
                     "MARK a column that says which predictions are right.", missing=missing, layer=layer,
                     them="it" if missing != "TRUTH and PREDICTED" else "them")


def _truth_of(columns: "Sequence[str]", predicted: str) -> str:
    """Return the column that a prediction is of: the one it is named after, or the target of a table of predictions."""
    end = predicted[len(_PREDICTED) + 1:] if predicted.lower().startswith(_PREDICTED + "_") else ""
    if end:
        # A target that is called as a column of such tables stands there under another name.
        wanted = f"{end}_1" if end.lower() in _RESERVED else end
        return next((column for column in columns if column.lower() == wanted.lower()), "")
    names = [column.lower() for column in columns]
    if _ID in names and _FOLD in names and names.index(_FOLD) == names.index(_ID) + 2:
        return columns[names.index(_ID) + 1]
    return ""


def _other_than(taken: str, column: str) -> str:
    """Return a column that isn't taken already."""
    return "" if column == taken else column


def _named(layer: str, columns: "Sequence[str]", name: str, column: str) -> str:
    """Return a column as the layer spells it, or say that it has none of that name."""
    if not column:
        return ""
    found: Optional[str] = column if column in columns else next(
        (one for one in columns if one.lower() == column.lower()), None)
    if found is None:
        raise InputError("bias-column", "{name}: {layer} has no column “{column}”: it has {columns}.", name=name,
                         layer=layer, column=column, columns=", ".join(columns) or "none")
    return found

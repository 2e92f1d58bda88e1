"""Which rows a model got wrong, from what is true and what it predicted: classes that differ, or large errors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, List, Sequence

import numpy as np

from ..errors import InputError
from .threshold import Threshold

AUTOMATIC = "automatic"
CLASSES = "classes"
NUMBERS = "numbers"
KINDS = (AUTOMATIC, CLASSES, NUMBERS)
_MOST_CODES = 30
_RIGHT = {"1", "1.0", "true", "t", "yes", "right"}
_WRONG = {"0", "0.0", "false", "f", "no", "wrong"}


@dataclass(frozen=True, eq=False)
class Marks:
    """Failures `(n,)`: 1, 0 or NaN where a row has no mark; `told` ends "A point counts as a failure where …"."""

    failures: np.ndarray
    told: str
    by_sign: bool = False


def marks_of(truth: "Sequence[Any]", predicted: "Sequence[Any]", kind: str, threshold: Threshold) -> Marks:
    """Compare what is true with what was predicted; rows where either is missing have no mark."""
    text = [any(isinstance(value, str) for value in values) for values in (truth, predicted)]
    if kind == AUTOMATIC:
        if text[0] != text[1]:
            words = ("texts", "numbers") if text[0] else ("numbers", "texts")
            raise InputError("bias-mixed", "TRUTH holds {first} and PREDICTED {second}, which can't be compared: "
                             "choose columns of one kind, or KIND classes to compare them as texts.",
                             first=words[0], second=words[1])
        kind = CLASSES if text[0] or _codes(truth, predicted) else NUMBERS
    if kind == CLASSES:
        return _class_marks(truth, predicted)
    failures, told = threshold.failures(_numbers(truth, "TRUTH"), _numbers(predicted, "PREDICTED"))
    return Marks(failures, told, threshold.by_sign)


def marks_from(values: "Sequence[Any]", column: str) -> Marks:
    """Read a column that says itself which rows are right (1) and which wrong (0)."""
    failures = np.full(len(values), np.nan)
    for row, value in enumerate(values):
        if _missing(value):
            continue
        word = str(value).strip().lower()
        if word not in _RIGHT and word not in _WRONG:
            raise InputError("bias-mark", "MARK: the column “{column}” holds “{value}”: it must say 1 or true where "
                             "the model is right, 0 or false where it is wrong, and nothing else.", column=column,
                             value=value)
        failures[row] = float(word in _WRONG)
    return Marks(failures, f"the column “{column}” says 0")


def _class_marks(truth: "Sequence[Any]", predicted: "Sequence[Any]") -> Marks:
    """Mark what differs."""
    failures = np.full(len(truth), np.nan)
    true_names, named = set(), set()
    for row, (one, other) in enumerate(zip(truth, predicted)):
        if _missing(one) or _missing(other):
            continue
        a, b = _class_name(one), _class_name(other)
        true_names.add(a)
        named.add(b)
        failures[row] = float(a != b)
    if true_names and not true_names & named:
        raise InputError("bias-no-common-class", "TRUTH ({truth}) and PREDICTED ({predicted}) have no class in common: "
                         "choose columns that name classes alike.", truth=_some(sorted(true_names)),
                         predicted=_some(sorted(named)))
    return Marks(failures, "the predicted class is not the true one")


def _codes(truth: "Sequence[Any]", predicted: "Sequence[Any]") -> bool:
    """Tell whether numbers are codes of classes: whole, few, and none predicted that is never true."""
    found: "List[set]" = []
    for values in (truth, predicted):
        different = {value for value in values if not _missing(value)}
        if any(isinstance(value, float) and not value.is_integer() for value in different):
            return False
        if all(isinstance(value, float) for value in different) or len(different) > _MOST_CODES:
            return False
        found.append({int(value) for value in different})
    return found[1] <= found[0]


def _numbers(values: "Sequence[Any]", name: str) -> np.ndarray:
    """Return numbers, NaN where one is missing."""
    found = np.full(len(values), np.nan)
    for row, value in enumerate(values):
        if _missing(value):
            continue
        try:
            found[row] = float(value)
        except (TypeError, ValueError):
            raise InputError("bias-no-number", "{name} holds “{value}”, which is no number: choose a column of "
                             "numbers, or KIND classes.", name=name, value=value) from None
    return found


def _class_name(value: Any) -> str:
    """Return a class's name, the same for 3, 3.0 and "3"."""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, (int, float)) and float(value).is_integer():
        return str(int(value))
    return str(value).strip()


def _missing(value: Any) -> bool:
    """Tell whether there is no value."""
    return value is None or isinstance(value, float) and math.isnan(value)


def _some(names: "Sequence[str]") -> str:
    """Return the first few names."""
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")

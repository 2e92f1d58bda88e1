"""Turns the values of a target column into classes: merged, large enough, in order, with a colour each."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Sequence, Tuple

import numpy as np

from ...analyses.clusters.colours import class_colours
from ...errors import InputError
from ...progress import Progress
from ...table import ColumnSpec
from ..columns import NUMERIC_TYPES, level_of
from ..target import TargetClass, TargetPlan
from .request import GatherRequest

_WHOLE = re.compile(r"^-?\d+$")
_NUMBER = re.compile(r"^-?\d+(\.\d+)?$")
_MANY_FRACTIONS = 20
_MANY_NUMBERS, _MANY_CODES = 50, 255
_SHOWN = 12


@dataclass(frozen=True)
class Classes:
    """The class of each label as an index, −1 where it is too small, and the names of those that are."""

    index: np.ndarray
    values: "Tuple[str, ...]"
    small: "Dict[str, int]"
    merged: "Dict[str, str]"


def merging(text: str, values: "Sequence[str]", name: str) -> "Dict[str, str]":
    """Read “pasture=grass;meadow=grass”; every value on the left must be one of the target's."""
    found: "Dict[str, str]" = {}
    for part in filter(None, (part.strip() for part in text.split(";"))):
        old, sign, new = (side.strip() for side in part.partition("="))
        if not sign or not old or not new:
            raise InputError("merge-unreadable", "“{part}” can't be read as a merging of classes: write "
                             "value=class, several separated by “;”, such as pasture=grass;meadow=grass.", part=part)
        if old in found:
            raise InputError("merge-twice", "“{value}” is merged twice, into “{first}” and “{second}”: keep one.",
                             value=old, first=found[old], second=new)
        if old not in values:
            raise InputError("merge-unknown", "{name} has no class “{value}” to merge: choose among {values}.",
                             name=name, value=old, values=_told(values))
        found[old] = new
    return found


def require_classes(cells: "Sequence[Any]", target: ColumnSpec, name: str) -> "List[str]":
    """Return the texts of all values, or say why they make no classes."""
    texts = [str(level_of(cell)) for cell in cells]
    distinct = set(texts)
    if len(distinct) == 1:
        if target.type in NUMERIC_TYPES:
            raise InputError("target-constant", "The target “{target}” of {name} is {value} in all {count} rows that "
                             "have one: choose a column that varies.", target=target.name, name=name, value=texts[0],
                             count=len(texts))
        raise InputError("target-one-class", "The target “{target}” of {name} is “{value}” in all {count} rows that "
                         "have one: choose a column with at least two classes.", target=target.name, name=name,
                         value=texts[0], count=len(texts))
    if target.type in NUMERIC_TYPES:
        fractions = any(not _WHOLE.match(text) for text in distinct)
        if len(distinct) > (_MANY_FRACTIONS if fractions else max(_MANY_NUMBERS, min(_MANY_CODES, len(texts) // 5))):
            raise InputError("target-numbers", "The target “{target}” of {name} has {count} different numbers, too "
                             "many for classes: use “Train regression”, or choose a column of categories.",
                             target=target.name, name=name, count=len(distinct))
    return texts


def classes_of(texts: "Sequence[str]", request: GatherRequest) -> Classes:
    """Return the classes of labels whose vectors are known; each label counts once, however many cells it gave."""
    merged = merging(request.merge, sorted(set(texts), key=_order), request.rows.name)
    texts = [merged.get(text, text) for text in texts]
    counts = Counter(texts)
    small = {value: count for value, count in counts.items() if count < request.smallest_class}
    values = tuple(sorted((value for value in counts if value not in small), key=_order))
    if all(map(_WHOLE.match, values)):
        values = tuple(sorted(values, key=int))
    if len(values) < 2:
        raise InputError("classes-small", "Fewer than two classes of “{target}” in {name} have at least {least} labels "
                         "that can be used ({counts}): add labels, merge classes or lower the minimum size.",
                         target=request.target[0], name=request.rows.name, least=request.smallest_class,
                         counts=_told([f"{value} {counts[value]}" for value in sorted(counts, key=_order)]))
    place = {value: index for index, value in enumerate(values)}
    return Classes(np.array([place.get(text, -1) for text in texts], dtype=np.int64), values, small, merged)


def target_plan(classes: Classes, counts: np.ndarray, request: GatherRequest, target: ColumnSpec) -> TargetPlan:
    """Return the plan of a classification; `counts` are samples a class."""
    colours = _colours(classes.values, request.colours)
    return TargetPlan(
        (target.name,), classes=tuple(TargetClass(value, value, colour, int(count)) for value, colour, count in zip(
            classes.values, colours, counts)), merged=classes.merged)


def tell_small(classes: Classes, request: GatherRequest, progress: Progress) -> None:
    """Say which classes are left out."""
    if classes.small:
        told = _told([f"{value} {count}" for value, count in sorted(classes.small.items())])
        progress.warn(f"Classes of “{request.target[0]}” with fewer than {request.smallest_class} labels are left out: "
                      f"{told}.")
    for new in dict.fromkeys(classes.merged.values()):
        olds = [old for old, into in classes.merged.items() if into == new]
        progress.info(f"{_told(olds)} became the class {new}.")


def _colours(values: "Sequence[str]", styled: "Mapping[str, str]") -> "List[str]":
    """Return a colour for each class: that of the layer's style while no other class has it, else the next free one."""
    spare = iter("#{:02x}{:02x}{:02x}".format(*colour) for colour in class_colours(2 * len(values)))
    own = {value: styled[value].lower() for value in values if value in styled}
    taken = set(own.values())
    used: "set[str]" = set()
    found = []
    for value in values:
        colour = own.get(value, "")
        if not re.match(r"^#[0-9a-f]{6}$", colour) or colour in used:
            colour = next(colour for colour in spare if colour not in taken)
        used.add(colour)
        found.append(colour)
    return found


def _order(text: str) -> "Tuple[int, float, str]":
    """Return what sorts numbers by value, before texts."""
    return (0, float(text), text) if _NUMBER.match(text) else (1, 0.0, text)


def _told(values: "Sequence[str]") -> str:
    """Return values in a row, not too many of them."""
    return ", ".join(values[:_SHOWN]) + (", …" if len(values) > _SHOWN else "")

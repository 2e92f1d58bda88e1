"""Colours for points by what they hold: classes in the colours of their legend, or a ramp over numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Sequence

import numpy as np

from ..analyses.clusters.colours import class_colours
from ..colour_ramp import SEQUENTIAL, hexadecimal, ramp_colours, rgb

PLAIN = (75, 134, 180)
NONE = (140, 140, 140)
_MOST_CLASSES = 24
_ENDS = (0.02, 0.98)


@dataclass(frozen=True)
class KnownClass:
    """A class as the legend of a layer shows it."""

    name: str
    colour: str


@dataclass(frozen=True)
class ColouredClass:
    """A class with its colour `#rrggbb` and how many points it has; the name is empty for points without a value."""

    name: str
    colour: str
    count: int


@dataclass(frozen=True)
class Colouring:
    """Colours uint8 `(n, 3)`, and what they mean: classes, or a ramp from `low` to `high`; `texts` tells each value."""

    colours: np.ndarray
    classes: "tuple[ColouredClass, ...]" = ()
    stops: "tuple[str, ...]" = ()
    low: float = float("nan")
    high: float = float("nan")
    texts: "tuple[str, ...]" = ()


def plain(count: int) -> Colouring:
    """Return one colour for all."""
    return Colouring(np.tile(np.array(PLAIN, dtype=np.uint8), (count, 1)))


def coloured(values: Sequence[Any], legend: Optional[Mapping[str, KnownClass]] = None) -> Colouring:
    """Return colours for values: None and NaN are grey.

    `legend` holds the classes of a layer by the text of their value. Without one, texts and few whole numbers are
    classes, other numbers lie along a ramp that is spread over all but the outermost two hundredths.
    """
    texts = tuple(_text(value) for value in values)
    numbers = _numbers(values)
    known = {text for text in texts if text}
    if legend or numbers is None or _are_classes(numbers, known):
        return _by_class(texts, legend or {}, numbers is not None)
    found = np.tile(np.array(NONE, dtype=np.uint8), (len(numbers), 1))
    finite = np.isfinite(numbers)
    if not finite.any():
        return Colouring(found, texts=texts)
    low, high = (float(end) for end in np.quantile(numbers[finite], _ENDS))
    if not high > low:
        low, high = float(numbers[finite].min()), float(numbers[finite].max())
    span = high - low if high > low else 1.0
    found[finite] = ramp_colours((numbers[finite] - low) / span)
    return Colouring(found, stops=SEQUENTIAL, low=low, high=high, texts=texts)


def _by_class(texts: "tuple[str, ...]", legend: Mapping[str, KnownClass], numeric: bool) -> Colouring:
    """Return a colour for each different text, the most frequent first; numbers in their order."""
    names, places, counts = np.unique(np.array(texts, dtype=object).astype(str), return_inverse=True,
                                      return_counts=True)
    order = sorted(range(len(names)), key=lambda row: (
        not names[row], float(names[row]) if numeric and names[row] else -counts[row], names[row]))
    fresh = iter(class_colours(len(names)))
    table: Dict[int, "tuple[int, int, int]"] = {}
    classes: List[ColouredClass] = []
    for row in order:
        text = str(names[row])
        entry = legend.get(text)
        colour = NONE if not text else next(fresh) if entry is None else rgb(entry.colour)
        table[row] = colour
        classes.append(ColouredClass(entry.name if entry is not None and entry.name else text,
                                     hexadecimal(np.array([colour]))[0], int(counts[row])))
    colours = np.array([table[row] for row in range(len(names))], dtype=np.uint8).reshape(-1, 3)
    named = {str(names[row]): each.name for row, each in zip(order, classes)}
    return Colouring(colours[places.ravel()], tuple(classes), texts=tuple(named[text] for text in texts))


def _are_classes(numbers: np.ndarray, known: "set[str]") -> bool:
    """Tell whether numbers are rather names: whole, and few."""
    finite = numbers[np.isfinite(numbers)]
    return len(finite) > 0 and len(known) <= _MOST_CLASSES and bool((finite == np.round(finite)).all())


def _numbers(values: Sequence[Any]) -> Optional[np.ndarray]:
    """Return values as numbers, NaN for none; None where one is no number."""
    if isinstance(values, np.ndarray) and values.dtype.kind in "fiu":
        return values.astype(np.float64)
    found = np.full(len(values), np.nan)
    for row, value in enumerate(values):
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return None
        found[row] = value
    return found


def _text(value: Any) -> str:
    """Return a value as people read it, whole numbers without a point; an empty text for none."""
    if value is None:
        return ""
    if isinstance(value, (float, np.floating)):
        number = float(value)
        if number != number:
            return ""
        return str(int(number)) if number.is_integer() and abs(number) < 1e15 else "{:.6g}".format(number)
    return str(value)

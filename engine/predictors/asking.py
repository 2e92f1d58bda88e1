"""What a predictor can tell of what is asked, and how its answers are laid out in bands or columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List

import numpy as np

from ..progress import Progress
from ..raster_legend import LegendEntry
from .card import PredictorCard
from .predictor import Predicted, Wanted
from .request import PredictOptions

PREDICTED, LOWER, UPPER = "predicted", "lower", "upper"
PROBABILITY, APPLICABLE, DISSIMILARITY = "probability", "applicable", "dissimilarity"
_LARGEST_CODE = 65_535
_MUCH = 0.1


@dataclass(frozen=True)
class Answers:
    """The answers in order: for each target its prediction and interval, or a class and probabilities, then trust.

    `numbers` are the classes' numbers in a raster: the codes that they have in the labels, or 1, 2, … .
    """

    targets: "tuple[str, ...]"
    units: "tuple[str, ...]"
    classes: "tuple[str, ...]"
    numbers: "tuple[int, ...]"
    wanted: Wanted

    @property
    def names(self) -> "tuple[str, ...]":
        """Return what bands and columns are called."""
        found: "List[str]" = []
        if self.classes:
            found.append(PREDICTED)
            if self.wanted.probabilities:
                found += [f"{PROBABILITY}_{name}" for name in self.classes]
        for target in self.targets:
            end = f"_{target}" if len(self.targets) > 1 else ""
            found.append(PREDICTED + end)
            if self.wanted.interval:
                found += [LOWER + end, UPPER + end]
        if self.wanted.applicability:
            found += [APPLICABLE, DISSIMILARITY]
        return tuple(found)

    @property
    def band_units(self) -> "dict[int, str]":
        """Return the units of a raster's bands, from 1."""
        each = 3 if self.wanted.interval else 1
        return {1 + each * target + part: unit for target, unit in enumerate(self.units) for part in range(each)}

    def rows(self, predicted: Predicted) -> "List[np.ndarray]":
        """Return the answers `(n,)` in order; a class by its number, what is applicable as 1 and what is not as 0."""
        found: "List[np.ndarray]" = []
        if predicted.classes is not None:
            found.append(np.asarray(self.numbers, dtype=np.float32)[predicted.classes])
            if self.wanted.probabilities:
                found += list(_there(predicted.probabilities))
        else:
            for target, value in enumerate(_there(predicted.value)):
                found.append(value)
                if self.wanted.interval:
                    found += [_there(predicted.lower)[target], _there(predicted.upper)[target]]
        if self.wanted.applicability:
            found += [_there(predicted.applicable), _there(predicted.dissimilarity)]
        return found


def answers_of(card: PredictorCard, options: PredictOptions, name: str, progress: Progress) -> Answers:
    """Return what this predictor will answer; what it can't is left out with a word."""
    target, classes = card.target, card.target.classes
    interval, trust = options.interval, options.applicability
    if classes:
        interval = 0.0
    elif options.probabilities:
        progress.warn(f"{name} predicts numbers, so there are no classes with probabilities: PROBABILITIES has no "
                      "effect.")
    if interval and card.interval is None:
        progress.warn(f"{name} was stored without intervals, so lower and upper are left out.")
        interval = 0.0
    if trust and card.applicability is None:
        progress.warn(f"{name} was stored without an area of applicability, so applicable is left out.")
        trust = False
    wanted = Wanted(interval, bool(classes) and options.probabilities, trust)
    units = tuple(target.units) or ("",) * len(target.names)
    return Answers(() if classes else target.names, () if classes else units, _class_names(card), class_numbers(card),
                   wanted)


def class_numbers(card: PredictorCard) -> "tuple[int, ...]":
    """Return the classes' numbers in a raster: their own codes where these are whole numbers from 1, else 1, 2, …."""
    codes = card.target.codes
    if codes is not None and all(1 <= code <= _LARGEST_CODE for code in codes) and len(set(codes)) == len(codes):
        return tuple(codes)
    return tuple(range(1, len(card.target.classes) + 1))


def legend_of(card: PredictorCard) -> "tuple[LegendEntry, ...]":
    """Return numbers, names and colours of the classes."""
    return tuple(LegendEntry(number, one.name, one.colour)
                 for number, one in zip(class_numbers(card), card.target.classes))


def tell_share(kind: str, predicted: int, outside: int, name: str, progress: Progress) -> None:
    """Say at the end how much of it lies where the predictor may not be trusted."""
    if not predicted:
        progress.warn(f"Nothing was predicted: none of the {kind} asked for has a vector.")
        return
    if outside < 0:
        progress.info(f"{predicted:,} {kind} predicted.")
        return
    if outside == 0:
        progress.info(f"{predicted:,} {kind} predicted, all of them inside the area of applicability of {name}.")
        return
    told = (f"{predicted:,} {kind} predicted; {_percent(outside / predicted)} of them lie outside the area of "
            f"applicability of {name}: they are unlike all it was trained on (applicable = 0), and its figures don't "
            "hold there.")
    (progress.warn if outside > _MUCH * predicted else progress.info)(told)


def _class_names(card: PredictorCard) -> "tuple[str, ...]":
    """Return names of classes, each once."""
    found: "List[str]" = []
    for one in card.target.classes:
        name = one.name or one.value
        found.append(name if name not in found else f"{name} ({one.value})")
    return tuple(found)


def _percent(share: float) -> str:
    """Write a share so that few are not none."""
    return "0 %" if share == 0 else "less than 0.1 %" if share < 0.001 else f"{100 * share:.1f} %"


def _there(values: "np.ndarray | None") -> np.ndarray:
    """Return what was asked for and therefore is there."""
    if values is None:
        raise ValueError("the predictor left out what was asked for")
    return values

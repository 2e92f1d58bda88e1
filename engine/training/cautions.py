"""What a user must know before trusting the figures, as sentences; the same words go to log, report and card."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import List, Optional

import numpy as np

from .figures import paired_difference
from .judging import R2, Outcome
from .request import RANDOM

# Differences of a score below this are of no use to anybody, whatever their interval.
SLIGHT = 0.02
_OPTIMISM = 0.1
_TELLING = 0.85
_MORAN_STRONG = 0.15
_COVERAGE_OFF = 0.05
_FEW_ROWS = 50


@dataclass(frozen=True)
class Evidence:
    """All that the cautions weigh; None where something was not computed."""

    score_name: str
    rows: int
    model: Outcome
    constant: Outcome
    random: Optional[Outcome]
    coordinates: Optional[Outcome]
    coordinates_random: Optional[Outcome]
    columns: Optional[Outcome]
    moran: "tuple[tuple[str, float, float], ...]"
    coverage: "tuple[tuple[float, float], ...]"
    missing_classes: int
    clustered: bool


def cautions(seen: Evidence) -> "tuple[str, ...]":
    """Return the warnings, the most important first."""
    found: "List[str]" = []
    found += _optimism(seen)
    found += _nothing(seen)
    found += _position(seen)
    found += _columns(seen)
    found += _smaller(seen)
    return tuple(found)


def adds(model: Outcome, baseline: Outcome) -> bool:
    """Tell whether a model clearly does better than a baseline: by more than chance over the folds, and noticeably."""
    gain = model.score - baseline.score
    if not math.isfinite(gain) or gain < SLIGHT:
        return False
    difference = paired_difference(model.fold_scores, baseline.fold_scores)
    # Few folds give wide intervals; a gain in every fold that is large on the whole is clear as well.
    return difference.low > 0 or gain > 0.1 or bool(np.all(model.fold_scores > baseline.fold_scores))


def _optimism(seen: Evidence) -> "List[str]":
    """Say how much random folds flatter."""
    if seen.model.folds.kind == RANDOM:
        if not seen.clustered:
            return []
        return [f"The folds are random though the labels lie in clusters: the {seen.score_name} {seen.model.score:.2f} "
                "tells about places beside the labels, not about new ones. Choose spatial blocks for those."]
    if seen.random is None or seen.random.score - seen.model.score < _OPTIMISM:
        return []
    return [f"Random folds {seen.random.score:.2f}, new places {seen.model.score:.2f} ({seen.score_name}): expect the "
            "second."]


def _nothing(seen: Evidence) -> "List[str]":
    """Say that nothing was learnt."""
    if adds(seen.model, seen.constant):
        return []
    chance = "the mean" if seen.score_name == R2 else "always naming the commonest class"
    return [f"At new places the predictor is no better than {chance} ({seen.score_name} {seen.model.score:.2f} against "
            f"{seen.constant.score:.2f}): don't use it there."]


def _position(seen: Evidence) -> "List[str]":
    """Say that position tells as much as the embedding."""
    found: "List[str]" = []
    alone = seen.coordinates
    if alone is not None and adds(alone, seen.constant) and not adds(seen.model, alone):
        found.append(f"Coordinates alone score {alone.score:.2f}, the predictor {seen.model.score:.2f} "
                     f"({seen.score_name}): the embedding adds nothing clear to knowing where a place is.")
    beside = seen.coordinates_random
    if not found and beside is not None and seen.random is not None and (
            beside.score >= _TELLING and beside.score >= seen.random.score - 0.1):
        found.append(f"Coordinates alone score {beside.score:.2f} among random folds: position separates the labels "
                     "almost by itself, so these labels can't show whether the embedding sees the thing or only "
                     "recognises the region.")
    return found


def _columns(seen: Evidence) -> "List[str]":
    """Say that the other columns do as well alone."""
    alone = seen.columns
    if alone is None or not adds(alone, seen.constant) or adds(seen.model, alone):
        return []
    return [f"The other columns alone score {alone.score:.2f}, with the embedding {seen.model.score:.2f} "
            f"({seen.score_name}): the embedding adds nothing clear to them."]


def _smaller(seen: Evidence) -> "List[str]":
    """Say what else is to be minded."""
    found: "List[str]" = []
    if seen.missing_classes:
        found.append(f"{seen.missing_classes} of {seen.model.folds.count} folds hold all labels of a class, which "
                     "could not be named there: label each class at places that lie farther apart.")
    for name, value, chance in seen.moran:
        if value > _MORAN_STRONG and chance < 0.01:
            found.append(f"The errors{name} are alike among neighbours (Moran's I {value:.2f}): something that varies "
                         "in space is missing from the predictors.")
    for level, share in seen.coverage:
        if abs(share - level) > _COVERAGE_OFF:
            found.append(f"Intervals of {level:.0%} held {share:.0%} of the truth in folds kept out: take them as a "
                         "rough guide.")
    if seen.rows < _FEW_ROWS:
        found.append(f"There are only {seen.rows} labels: every figure here is rough.")
    return found

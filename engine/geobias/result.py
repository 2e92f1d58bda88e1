"""What a geo-bias run found: a figure for each score, and what each point's surroundings are like."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Mapping, Tuple

import numpy as np

from .neighbourhood import Neighbourhood


@dataclass(frozen=True, eq=False)
class ScoreFigure:
    """One score: its mean over the centres, what shuffled marks give, and how often they give as much.

    `chance` is the mean of `permuted`, NaN where nothing was shuffled or shuffling changes nothing; `left_out` counts
    centres without a score, `saturated` those whose score is the largest that the formula can give.
    """

    score: str
    value: float
    chance: float
    p: float
    permuted: np.ndarray
    centres: int
    left_out: int
    saturated: int = 0

    @property
    def judged(self) -> bool:
        """Tell whether there is a p-value."""
        return math.isfinite(self.p)


@dataclass(frozen=True, eq=False)
class LocalScore:
    """The score around each row, and how often shuffled marks give as much there; NaN where it was not computed."""

    values: np.ndarray
    p: np.ndarray


@dataclass(frozen=True, eq=False)
class BiasResult:
    """All figures in the order asked, and arrays with one entry for each row given.

    `share` is the share of failures at a row's own place, `near` how many places its neighbourhood holds with its own,
    `share_near` their share of failures; `coincident` counts rows that share their place with another.
    """

    figures: Tuple[ScoreFigure, ...]
    local: Mapping[str, LocalScore]
    near: np.ndarray
    share: np.ndarray
    share_near: np.ndarray
    neighbourhood: Neighbourhood
    rows: int
    places: int
    coincident: int
    failures: int
    warnings: Tuple[str, ...]

    def figure(self, score: str) -> ScoreFigure:
        """Return the figure of a score that was asked for."""
        return next(one for one in self.figures if one.score == score)

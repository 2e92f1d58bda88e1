"""What the report of a training tells: plain numbers and sentences, each part of which may be left out."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Optional

import numpy as np

REGRESSION = "regression"
CLASSIFICATION = "classification"
MODEL = "model"
RANDOM = "random"
BASELINE = "baseline"
_NAN = float("nan")


@dataclass(frozen=True)
class Measure:
    """A number with its interval over folds; NaN where it is not known."""

    value: float
    low: float = _NAN
    high: float = _NAN

    @property
    def has_interval(self) -> bool:
        """Tell whether both ends are known."""
        return math.isfinite(self.low) and math.isfinite(self.high)


@dataclass(frozen=True)
class Headline:
    """The one number to take home.

    `where` ends the sentence "Expect R² 0.34 …": "at new places", "in regions that it has not seen". `random` is what
    random folds said, NaN where they were not run or are the folds themselves.
    """

    figure: str
    measure: Measure
    where: str
    random: float = _NAN


@dataclass(frozen=True)
class ScoreRow:
    """A line of a score table: the model, the same model under random folds, or a baseline."""

    name: str
    role: str
    measures: "tuple[Measure, ...]"


@dataclass(frozen=True)
class ScoreTable:
    """Pooled out-of-fold figures; `figures` names the columns (R², RMSE, …), the first is the one that is drawn.

    The first baseline is the one that needs no input at all: the mean, or the commonest class.
    """

    figures: "tuple[str, ...]"
    rows: "tuple[ScoreRow, ...]"
    target: str = ""
    unit: str = ""


@dataclass(frozen=True)
class FoldScores:
    """The figures of each fold; `names` are what the folds are called ("1", "2", … or the names of groups)."""

    figures: "tuple[str, ...]"
    names: "tuple[str, ...]"
    sizes: "tuple[int, ...]"
    values: "tuple[tuple[float, ...], ...]"


@dataclass(frozen=True)
class FoldsTold:
    """How the rows were parted: `name` as a reader says it ("spatial blocks"), `why` a sentence."""

    name: str
    count: int
    why: str = ""
    block_size: float = 0.0
    unit: str = "m"


@dataclass(frozen=True)
class PlacesTold:
    """Where the rows lie.

    `points` is `(n, 2)` in the layer's CRS, `fold` the number 0, 1, … of each row's fold, `metres` the length of a
    unit of the CRS, NaN where it is not known or degrees.
    """

    points: np.ndarray
    fold: np.ndarray
    degrees: bool = False
    metres: float = _NAN
    fold_names: "tuple[str, ...]" = ()


@dataclass(frozen=True)
class TargetTold:
    """A regression's target, in its own unit: `predicted` is out of fold, both `(n,)`.

    `transform` is what was learnt in place of the values, such as "ln(value + 1)"; empty for the values themselves.
    """

    name: str
    observed: np.ndarray
    predicted: np.ndarray
    unit: str = ""
    transform: str = ""
    moran: str = ""


@dataclass(frozen=True)
class ClassesTold:
    """A classification's classes: `truth` and `predicted` are numbers from 0, out of fold; rows of `f1` are classes."""

    names: "tuple[str, ...]"
    colours: "tuple[str, ...]"
    confusion: np.ndarray
    truth: np.ndarray
    predicted: np.ndarray
    f1: "tuple[Measure, ...]" = ()
    moran: str = ""
    merged: "tuple[str, ...]" = ()


@dataclass(frozen=True)
class Reliability:
    """Calibration: in bins of stated probability, the mean stated, the share that came true, and how many."""

    stated: np.ndarray
    found: np.ndarray
    count: np.ndarray
    error: float = _NAN


@dataclass(frozen=True)
class Coverage:
    """How often intervals of a level (0..1) held the truth in folds kept out, and how wide they are on average."""

    level: float
    found: float
    width: float
    target: str = ""
    unit: str = ""


@dataclass(frozen=True)
class Applicability:
    """Where the predictor may be trusted: the largest dissimilarity, and the share of held-out rows beyond it."""

    threshold: float
    outside: float = _NAN


@dataclass(frozen=True)
class Compared:
    """A model that "best" looked at, by its figure from nested folds."""

    name: str
    measure: Measure
    settings: str = ""
    chosen: bool = False


@dataclass(frozen=True)
class Importance:
    """How much worse it gets when a group of inputs is shuffled."""

    name: str
    measure: Measure


@dataclass(frozen=True)
class ReportInput:
    """Everything that the page tells, in the order of the page; what is empty is left out."""

    title: str
    task: str
    headline: Headline
    asked: "tuple[tuple[str, str], ...]" = ()
    warnings: "tuple[str, ...]" = ()
    scores: "tuple[ScoreTable, ...]" = ()
    folds: Optional[FoldsTold] = None
    places: Optional[PlacesTold] = None
    fold_scores: Optional[FoldScores] = None
    targets: "tuple[TargetTold, ...]" = ()
    classes: Optional[ClassesTold] = None
    reliability: Optional[Reliability] = None
    coverage: "tuple[Coverage, ...]" = ()
    applicability: Optional[Applicability] = None
    compared: "tuple[Compared, ...]" = ()
    importance: "tuple[Importance, ...]" = ()
    importance_label: str = ""
    counts: "tuple[str, ...]" = ()
    notes: "tuple[str, ...]" = ()
    provenance: "tuple[str, ...]" = ()
    versions: "tuple[tuple[str, str], ...]" = field(default_factory=tuple)

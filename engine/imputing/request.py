"""What is asked of filling missing values, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Optional

from ..registry import Registry
from ..table import Rows
from ..training.request import FoldChoice
from ..training.transforms import NONE

AUTOMATIC, NUMBERS, CLASSES = "automatic", "numbers", "classes"
KINDS = (AUTOMATIC, NUMBERS, CLASSES)


@dataclass(frozen=True)
class ImputeRequest:
    """A layer with vectors, and the columns whose missing values are to be filled, each by a model of its own.

    `kind` says whether columns hold numbers or classes; automatic goes by their type. A ridge model of classes is a
    logistic one. `interval` is the share of truths that intervals shall hold, 0 for none.
    """

    rows: Rows
    target: "tuple[str, ...]"
    output: str
    model: str = "ridge"
    columns: "tuple[str, ...]" = ()
    kind: str = AUTOMATIC
    transform: str = NONE
    group: str = ""
    weight: str = ""
    folds: FoldChoice = field(default_factory=FoldChoice)
    interval: float = 0.9
    report: str = ""
    seed: int = 0
    registry: Optional[Registry] = None


@dataclass(frozen=True)
class ImputeResult:
    """What was filled: cells filled, cells that stay empty, and the mean score of the columns' models (NaN: none).

    `classes` are value, name and colour of a single column of classes, for a legend.
    """

    output: str
    filled: int
    left: int
    score: float
    warnings: "tuple[str, ...]" = ()
    classes: "tuple[tuple[Any, str, str], ...]" = ()

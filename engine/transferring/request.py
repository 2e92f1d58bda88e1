"""What is asked of a prediction at finer units, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Optional

from ..registry import Registry
from ..table import Rows
from ..training.request import FoldChoice
from ..training.transforms import NONE

RATE, TOTAL = "rate", "total"
QUANTITIES = (RATE, TOTAL)
KEEP_NONE, KEEP_TOTALS = "none", "totals"
PRESERVES = (KEEP_NONE, KEEP_TOTALS)


@dataclass(frozen=True)
class TransferRequest:
    """Coarse units with a target, fine ones of the same space, and what shall hold between them.

    `parent` and `coarse_key` are the columns by which a fine unit names its coarse one; without them it belongs to the
    polygon that holds it. `weight` is a column of the fine units (and of the coarse ones, where they have it): what a
    total is spread by and a rate is averaged over; empty: areas. `truth` is a column of true fine values, to judge by.
    """

    coarse: Rows
    target: str
    fine: Rows
    output: str
    model: str = "ridge"
    preserve: str = KEEP_NONE
    quantity: str = RATE
    weight: str = ""
    parent: str = ""
    coarse_key: str = ""
    truth: str = ""
    transform: str = NONE
    folds: FoldChoice = field(default_factory=FoldChoice)
    interval: float = 0.9
    report: str = ""
    predictor: str = ""
    seed: int = 0
    registry: Optional[Registry] = None


@dataclass(frozen=True)
class TransferResult:
    """What was predicted: fine rows, those whose coarse value is kept, and figures (NaN where there are none).

    `score` is the coarse model's at places that it had not seen; `score_fine` and `score_even` are the R² of the result
    and of even spreading against the true fine values.
    """

    output: str
    rows: int
    kept: int
    score: float
    score_fine: float
    score_even: float
    warnings: "tuple[str, ...]" = ()

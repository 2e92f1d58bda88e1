"""What is asked of a forecast, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from ..registry import Registry
from ..table import Rows
from ..training.transforms import NONE


@dataclass(frozen=True)
class ForecastRequest:
    """A table with a row for each unit and date, and how far ahead it is to be taken.

    `lags` is how many past values a forecast sees, 0 for a number that suits the step; `origins` how many past moments
    are forecast from, to see how good it is. `interval` is the share of truths that intervals shall hold, 0 for none.
    """

    rows: Rows
    target: str
    id_field: str
    date_field: str
    output: str
    steps: int = 1
    lags: int = 0
    model: str = "ridge"
    columns: "tuple[str, ...]" = ()
    transform: str = NONE
    origins: int = 5
    interval: float = 0.9
    report: str = ""
    seed: int = 0
    registry: Optional[Registry] = None


@dataclass(frozen=True)
class ForecastResult:
    """What was forecast: rows and units; `skill` is the share of the last value's squared error that is gone.

    `rmse` and `skill` are of all steps together at past moments; `coverage` is how many truths intervals held there.
    """

    output: str
    rows: int
    units: int
    step: str
    rmse: float
    rmse_last: float
    skill: float
    coverage: float
    warnings: "tuple[str, ...]" = ()

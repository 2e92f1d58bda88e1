"""What is asked of a prediction, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional

from ..errors import InputError
from ..raster_legend import LegendEntry

LOWEST, HIGHEST = 0.5, 0.99


@dataclass(frozen=True)
class PredictOptions:
    """What is told beside the prediction: an interval that holds with a share (0 = none), probabilities, trust."""

    interval: float = 0.9
    probabilities: bool = False
    applicability: bool = True


@dataclass(frozen=True)
class PredictRasterRequest:
    """A prediction over an embedding raster; `values` states the predictor's further columns, as `name=value; …`."""

    path: str
    predictor: str
    output: str
    options: PredictOptions = PredictOptions()
    values: str = ""
    extent: "Optional[tuple[float, float, float, float]]" = None
    mask: "Optional[tuple[bytes, ...]]" = None
    memory_mib: int = 1024


@dataclass(frozen=True)
class PredictTableRequest:
    """A prediction for the rows of an embedding table."""

    predictor: str
    output: str
    options: PredictOptions = PredictOptions()


@dataclass(frozen=True)
class PredictResult:
    """What was predicted: how many cells or rows, how many of them outside the area of applicability (-1: unknown).

    Where classes were predicted, `legend` tells a raster's numbers, and `values` value, name and colour in a table.
    """

    output: str
    predicted: int
    outside: int
    legend: "tuple[LegendEntry, ...]" = ()
    values: "tuple[tuple[Any, str, str], ...]" = ()

    @property
    def share_outside(self) -> float:
        """Return the share of predictions that lie outside, NaN where it is not known."""
        return self.outside / self.predicted if self.outside >= 0 and self.predicted else float("nan")


def interval_share(number: float) -> float:
    """Return INTERVAL as a share; people write 90 as well as 0.9."""
    share = number / 100.0 if number > 1 else number
    if number != 0 and not LOWEST <= share <= HIGHEST:
        raise InputError("interval-range", "INTERVAL is {number:g}: give a percentage from {low:g} to {high:g}, such "
                         "as 90, or 0 for no interval.", number=number, low=100 * LOWEST, high=100 * HIGHEST)
    return share

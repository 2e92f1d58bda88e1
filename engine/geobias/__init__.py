"""Geo-bias: whether a model's failures lie together, by scores of neighbourhoods and what chance makes of them."""

from __future__ import annotations

from .comparing import BiasComparison, compare_bias
from .request import (
    ALL,
    AROUND,
    DIRECTION,
    DISTANCE,
    FAILURES,
    GRID,
    MARKED,
    RELATIVE,
    SCORES,
    UNMARKED,
    BiasRequest,
)
from .result import BiasResult, LocalScore, ScoreFigure
from .scoring import geo_bias

__all__ = ["ALL", "AROUND", "DIRECTION", "DISTANCE", "FAILURES", "GRID", "MARKED", "RELATIVE", "SCORES", "UNMARKED",
           "BiasComparison", "BiasRequest", "BiasResult", "LocalScore", "ScoreFigure", "compare_bias", "geo_bias"]

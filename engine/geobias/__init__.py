"""Geo-bias: whether a model's failures lie together, by scores of neighbourhoods and what chance makes of them."""

from __future__ import annotations

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
           "BiasRequest", "BiasResult", "LocalScore", "ScoreFigure", "geo_bias"]

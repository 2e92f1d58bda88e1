"""Figures that tell how good predictions are, pooled and over folds, and differences over blocks."""

from __future__ import annotations

from ..student import Interval
from .by_block import FEWEST_BLOCKS, balanced_pulls, block_difference, block_sums, mean_pulls, squared_pulls
from .classification import ClassificationFigures, classification_scored
from .regression import RegressionFigures, regression_scored
from .reliability import Reliability, ReliabilityBin, log_loss, reliability
from .scored import Scored, paired_difference

__all__ = [
    "ClassificationFigures", "FEWEST_BLOCKS", "Interval", "RegressionFigures", "Reliability", "ReliabilityBin",
    "Scored", "balanced_pulls", "block_difference", "block_sums", "classification_scored", "log_loss", "mean_pulls",
    "paired_difference", "regression_scored", "reliability", "squared_pulls",
]

"""Figures that tell how good predictions are, pooled and over folds."""

from __future__ import annotations

from ..student import Interval
from .classification import ClassificationFigures, classification_scored
from .regression import RegressionFigures, regression_scored
from .reliability import Reliability, ReliabilityBin, log_loss, reliability
from .scored import Scored, paired_difference

__all__ = [
    "ClassificationFigures", "Interval", "RegressionFigures", "Reliability", "ReliabilityBin", "Scored",
    "classification_scored", "log_loss", "paired_difference", "regression_scored", "reliability",
]

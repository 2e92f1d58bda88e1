"""Reads what the two predictions share."""

from __future__ import annotations

import math
from typing import Any, Dict

from qgis.core import QgsProcessingAlgorithm, QgsProcessingContext

from ..engine.predictors.request import PredictOptions, PredictResult, interval_share
from .parameters.prediction import APPLICABILITY, INTERVAL, PROBABILITIES, SHARE_OUTSIDE

Parameters = Dict[str, Any]


def read_options(algorithm: QgsProcessingAlgorithm, parameters: Parameters,
                 context: QgsProcessingContext) -> PredictOptions:
    """Return what shall be told."""
    return PredictOptions(interval_share(algorithm.parameterAsDouble(parameters, INTERVAL, context)),
                          algorithm.parameterAsBool(parameters, PROBABILITIES, context),
                          algorithm.parameterAsBool(parameters, APPLICABILITY, context))


def prediction_outputs(result: PredictResult) -> Dict[str, Any]:
    """Return the outputs; a share that nobody knows is left out."""
    found: Dict[str, Any] = {"OUTPUT": result.output}
    if not math.isnan(result.share_outside):
        found[SHARE_OUTSIDE] = result.share_outside
    return found

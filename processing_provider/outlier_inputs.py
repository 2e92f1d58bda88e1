"""What the two searches for outliers read from their parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict

from qgis.core import QgsProcessingAlgorithm, QgsProcessingContext

from .parameters.outliers import CLUSTERS, METHOD, NEIGHBOURS, SAMPLE
from .parameters.running import SEED

if TYPE_CHECKING:
    from ..engine.analyses.outliers.request import OutlierChoice


def read_outlier_choice(algorithm: QgsProcessingAlgorithm, parameters: "Dict[str, Any]",
                        context: QgsProcessingContext) -> "OutlierChoice":
    """Return how to score."""
    from ..engine.analyses.outliers.request import OutlierChoice

    return OutlierChoice(
        algorithm.parameterAsEnumString(parameters, METHOD, context),
        algorithm.parameterAsInt(parameters, NEIGHBOURS, context),
        algorithm.parameterAsInt(parameters, CLUSTERS, context),
        algorithm.parameterAsInt(parameters, SAMPLE, context),
        algorithm.parameterAsInt(parameters, SEED, context))

"""What the two reductions read from their parameters, and what they hand back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict

from qgis.core import QgsProcessingAlgorithm, QgsProcessingContext

from .adapters.file_destination import file_destination
from .parameters.reduction import DIMENSIONS, EXPLAINED, METHOD, MODEL_OUT, PICTURE, REPORT, REUSE, SAMPLE
from .parameters.running import SEED

if TYPE_CHECKING:
    from ..engine.analyses.reduce.request import ReduceRequest, ReduceResult


def read_reduction(algorithm: QgsProcessingAlgorithm, parameters: "Dict[str, Any]", context: QgsProcessingContext,
                   output: str) -> "ReduceRequest":
    """Return a request without its input, which is not known before layers are read."""
    from ..engine.analyses.reduce.request import ReduceRequest

    return ReduceRequest(
        output,
        method=algorithm.parameterAsEnumString(parameters, METHOD, context),
        dimensions=algorithm.parameterAsInt(parameters, DIMENSIONS, context),
        picture=algorithm.parameterAsBool(parameters, PICTURE, context),
        reuse=algorithm.parameterAsFile(parameters, REUSE, context),
        model_out=file_destination(algorithm, parameters, MODEL_OUT, ".json", context),
        report=file_destination(algorithm, parameters, REPORT, ".html", context),
        sample=algorithm.parameterAsInt(parameters, SAMPLE, context),
        seed=algorithm.parameterAsInt(parameters, SEED, context))


def package_problem(algorithm: QgsProcessingAlgorithm, parameters: "Dict[str, Any]",
                    context: QgsProcessingContext) -> str:
    """Say early that UMAP's package is not here, which a saved map doesn't need."""
    from ..engine.packages import require, state

    asked = not parameters.get(REUSE) and algorithm.parameterAsEnumString(parameters, METHOD, context) == "umap"
    if asked and not state("umap").usable:
        require("umap")
    return ""


def reduction_outputs(result: "ReduceResult", request: "ReduceRequest") -> "Dict[str, Any]":
    """Return the outputs that were made."""
    found: Dict[str, Any] = {"OUTPUT": result.output}
    if request.model_out:
        found[MODEL_OUT] = request.model_out
    if request.report:
        found[REPORT] = request.report
    if result.explained:
        found[EXPLAINED] = round(sum(result.explained), 6)
    return found

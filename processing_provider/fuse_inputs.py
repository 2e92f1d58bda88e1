"""What both fusions ask for beside their inputs, and what they hand back."""

from __future__ import annotations

import os
from typing import Any, Dict

from qgis.core import (
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterString,
)

from ..engine.errors import OutputError
from ..engine.fusing.request import REDUCTIONS, STANDARDISATIONS, FuseRequest, FuseResult, weights_of
from .adapters.feedback import FeedbackProgress
from .parameters.choice import choice
from .parameters.number import whole_number
from .parameters.running import MEMORY

Parameters = Dict[str, Any]

WEIGHTS = "WEIGHTS"
DIMENSIONS = "DIMENSIONS"
STANDARDISE = "STANDARDISE"
REDUCE = "REDUCE"
REUSE = "REUSE"
MODEL_OUT = "MODEL_OUT"


def declare_fusing(algorithm: QgsProcessingAlgorithm) -> None:
    """Add what decides the fused vectors."""
    algorithm.add(
        QgsProcessingParameterString(WEIGHTS, algorithm.tr("Weights"), "", False, True),
        algorithm.tr("How much each input counts, in their order, separated by semicolons, such as 2;1: distances in "
                     "the first then count twice. Empty: all count the same, however many dimensions they have."))
    algorithm.add(
        whole_number(DIMENSIONS, algorithm.tr("Dimensions"), 0, 0, 65_535),
        algorithm.tr("How many numbers a fused vector has. 0 = all of all inputs. Fewer are principal components."))
    algorithm.add(
        choice(REDUCE, algorithm.tr("Reduce"), REDUCTIONS, "parts"),
        algorithm.tr("With DIMENSIONS. parts: components of each input, so that each number of the result still "
                     "belongs to one input; those with the most variance are kept, at least one of each. together: "
                     "components of all inputs at once, which keep more variance but mix the inputs."),
        advanced=True)
    algorithm.add(
        choice(STANDARDISE, algorithm.tr("Standardise"), STANDARDISATIONS, "parts"),
        algorithm.tr("parts: all dimensions of an input are divided by one number, which keeps the distances within "
                     "it. dimensions: each dimension gets the same spread, for raw bands and columns in different "
                     "units; dimensions of an embedding that say little are then as loud as the others. Either way "
                     "each input's mean is then 0 and its variance 1, times its weight squared."),
        advanced=True)
    algorithm.add(
        QgsProcessingParameterFile(REUSE, algorithm.tr("Saved fusion"), extension="json", optional=True),
        algorithm.tr("The MODEL_OUT of an earlier run: fuses another scene or year into the same space. WEIGHTS, "
                     "DIMENSIONS, REDUCE and STANDARDISE are then the saved ones."),
        advanced=True)


def declare_fusing_results(algorithm: QgsProcessingAlgorithm) -> None:
    """Add the further outputs."""
    algorithm.add(
        QgsProcessingParameterFileDestination(MODEL_OUT, algorithm.tr("Fusion to save"),
                                              algorithm.tr("Models (*.json)"), None, True, False),
        algorithm.tr("Optional: keeps the fusion, so that another scene or year can be fused by the same numbers."),
        advanced=True)
    algorithm.addOutput(QgsProcessingOutputNumber("DIMENSIONS_OUT", algorithm.tr("Dimensions")))
    algorithm.addOutput(QgsProcessingOutputNumber("EXPLAINED", algorithm.tr("Share of the variance kept")))
    algorithm.addOutput(QgsProcessingOutputString("SPACE", algorithm.tr("Space")))


def read_fusing(algorithm: QgsProcessingAlgorithm, parameters: Parameters, context: QgsProcessingContext,
                output: str) -> FuseRequest:
    """Read the request."""
    model = algorithm.parameterAsFileOutput(parameters, MODEL_OUT, context)
    if model and os.path.splitext(model)[1].lower() != ".json":
        raise OutputError("output-ending", "{name}: “{path}” must end in {ending}.", name=MODEL_OUT, path=model,
                          ending=".json")
    memory = algorithm.parameterAsInt(parameters, MEMORY, context) if algorithm.parameterDefinition(MEMORY) else 1024
    return FuseRequest(
        output, weights_of(algorithm.parameterAsString(parameters, WEIGHTS, context)),
        algorithm.parameterAsInt(parameters, DIMENSIONS, context),
        algorithm.parameterAsEnumString(parameters, STANDARDISE, context),
        algorithm.parameterAsEnumString(parameters, REDUCE, context),
        algorithm.parameterAsFile(parameters, REUSE, context), model, memory)


def fusing_outputs(result: FuseResult, request: FuseRequest, progress: FeedbackProgress) -> Parameters:
    """Tell what was fused, and return what came out beside the first output."""
    space = result.space
    told = "{} ({} of {} dimensions, weight {:g})"
    parts = ", ".join(
        told.format(part["name"], part["dimensions"] or "mixed", part["length"], part["weight"])
        for part in space.details["parts"])
    progress.info("Fused: {}.".format(parts))
    if space.reduction is not None:
        progress.info("{} dimensions hold {:.1f} % of the variance.".format(space.dimensions, 100 * result.explained))
    outputs: Parameters = {"DIMENSIONS_OUT": space.dimensions, "EXPLAINED": result.explained, "SPACE": space.key()}
    if request.model_out:
        outputs[MODEL_OUT] = request.model_out
    return outputs

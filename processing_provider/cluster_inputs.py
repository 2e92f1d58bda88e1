"""Reads what the two clusterings share, and hands back what they give."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Dict

from qgis.core import QgsProcessingAlgorithm, QgsProcessingContext

from ..engine.analyses.clusters.request import ClusterChoice, ClusterResult, Extras
from ..engine.errors import OutputError
from .adapters.outputs import table_destination
from .parameters.clustering import (
    CLUSTERS,
    CLUSTERS_MAX,
    CLUSTERS_MIN,
    CLUSTERS_OUT,
    LEAST,
    METHOD,
    MODEL_OUT,
    REPORT,
    REUSE,
    SAMPLE,
    STANDARDISE,
    SUMMARY,
)
from .parameters.running import SEED
from .styles.cluster_layer import ClusterPlacesStyle
from .styles.on_load import style_on_load

Parameters = Dict[str, Any]


@dataclass(frozen=True)
class ClusterInputs:
    """How to group, by which saved model if any, and where the further results go."""

    choice: ClusterChoice
    reuse: str
    extras: Extras


def read_cluster_inputs(algorithm: QgsProcessingAlgorithm, parameters: Parameters,
                        context: QgsProcessingContext, neighbours_only: bool) -> ClusterInputs:
    """Read the parameters."""
    def number(name: str) -> int:
        """Return a whole number."""
        return algorithm.parameterAsInt(parameters, name, context)

    summary = algorithm.parameterAsOutputLayer(parameters, SUMMARY, context)
    return ClusterInputs(
        ClusterChoice(
            algorithm.parameterAsEnumString(parameters, METHOD, context), number(CLUSTERS), number(CLUSTERS_MIN),
            number(CLUSTERS_MAX), algorithm.parameterAsBool(parameters, STANDARDISE, context), number(SAMPLE),
            number(LEAST), neighbours_only, number(SEED)),
        algorithm.parameterAsFile(parameters, REUSE, context),
        Extras(table_destination(summary) if summary else "",
               _file(algorithm, parameters, MODEL_OUT, ".json", context),
               _file(algorithm, parameters, REPORT, ".html", context)))


def cluster_outputs(result: ClusterResult, inputs: ClusterInputs, context: QgsProcessingContext) -> Parameters:
    """Style the table of clusters, and return what came out beside the first output."""
    outputs: Parameters = {CLUSTERS_OUT: result.clusters}
    for name, path in ((SUMMARY, inputs.extras.summary), (MODEL_OUT, inputs.extras.model),
                       (REPORT, inputs.extras.report)):
        if path:
            outputs[name] = path
    if inputs.extras.summary:
        style_on_load(context, inputs.extras.summary, ClusterPlacesStyle(result.classes))
    return outputs


def _file(algorithm: QgsProcessingAlgorithm, parameters: Parameters, name: str, ending: str,
          context: QgsProcessingContext) -> str:
    """Return a file destination with the ending that programs know it by."""
    path = algorithm.parameterAsFileOutput(parameters, name, context)
    if path and os.path.splitext(path)[1].lower() != ending:
        raise OutputError("output-ending", "{name}: “{path}” must end in {ending}.", name=name, path=path,
                          ending=ending)
    return path

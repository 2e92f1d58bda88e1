"""What the two similarity searches read from their parameters."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Dict, Optional

from qgis.core import QgsCoordinateReferenceSystem, QgsProcessingAlgorithm, QgsProcessingContext

from ..engine.errors import InputError
from .adapters.examples import ExamplesInput, resolve_examples
from .adapters.feedback import FeedbackProgress
from .adapters.outputs import table_destination
from .parameters.running import SEED
from .parameters.similarity import (
    BETA,
    COORDINATES,
    COUNTEREXAMPLES,
    DISTANCE,
    EXAMPLES,
    EXCLUDE,
    METHOD,
    PLACES,
    POLYGONS,
    SAMPLE,
    STANDARDISE,
    THRESHOLD,
    TOP,
)

if TYPE_CHECKING:
    from ..engine.analyses.similarity.examples import Examples
    from ..engine.analyses.similarity.request import SimilarityOptions, SimilarityResult


@dataclass
class SimilarityInputs:
    """Resolved examples, and the options that rasters and tables share."""

    layer: Optional[ExamplesInput]
    coordinates: str
    counter: Optional[ExamplesInput]
    options: "SimilarityOptions"

    def examples(self, crs: QgsCoordinateReferenceSystem, wkt: str, progress: FeedbackProgress) -> "Examples":
        """Return what to look for, in the coordinates of the input."""
        from ..engine.analyses.similarity.coordinates import typed_points
        from ..engine.analyses.similarity.examples import Examples

        typed = typed_points(self.coordinates, wkt) if self.coordinates else ()
        if self.layer is None:
            return Examples(COORDINATES, typed)
        found = self.layer.examples(crs, progress)
        if typed and found.vectors is not None:
            raise InputError("examples-both", "COORDINATES can't join {name}, whose rows are taken by their vectors: "
                             "give only one of the two.", name=found.name)
        return replace(found, shapes=found.shapes + typed) if typed else found

    def counterexamples(self, crs: QgsCoordinateReferenceSystem, progress: FeedbackProgress) -> "Optional[Examples]":
        """Return what is not meant."""
        return self.counter.examples(crs, progress) if self.counter is not None else None


def read_similarity_inputs(algorithm: QgsProcessingAlgorithm, parameters: "Dict[str, Any]",
                           context: QgsProcessingContext) -> SimilarityInputs:
    """Resolve the examples and read the options."""
    from ..engine.analyses.similarity.request import SimilarityOptions

    options = SimilarityOptions(
        method=algorithm.parameterAsEnumString(parameters, METHOD, context),
        standardise=algorithm.parameterAsBool(parameters, STANDARDISE, context),
        beta=algorithm.parameterAsDouble(parameters, BETA, context),
        exclude=algorithm.parameterAsDouble(parameters, EXCLUDE, context),
        threshold=algorithm.parameterAsString(parameters, THRESHOLD, context),
        top=algorithm.parameterAsInt(parameters, TOP, context),
        distance=algorithm.parameterAsDouble(parameters, DISTANCE, context),
        sample=algorithm.parameterAsInt(parameters, SAMPLE, context),
        seed=algorithm.parameterAsInt(parameters, SEED, context),
        polygons=_destination(algorithm, parameters, POLYGONS, context),
        places=_destination(algorithm, parameters, PLACES, context))
    layer = resolve_examples(algorithm, parameters, EXAMPLES, context)
    coordinates = algorithm.parameterAsString(parameters, COORDINATES, context).strip()
    if layer is None and not coordinates:
        raise InputError("examples-none", "There is nothing to look for: give EXAMPLES or COORDINATES.")
    return SimilarityInputs(layer, coordinates, resolve_examples(algorithm, parameters, COUNTEREXAMPLES, context),
                            options)


def similarity_problem(parameters: "Dict[str, Any]") -> str:
    """Say early that there is nothing to look for."""
    if parameters.get(EXAMPLES) in (None, "") and not str(parameters.get(COORDINATES) or "").strip():
        return "There is nothing to look for: give EXAMPLES or COORDINATES."
    return ""


def similarity_outputs(result: "SimilarityResult", options: "SimilarityOptions") -> "Dict[str, Any]":
    """Return the outputs that were made."""
    found: Dict[str, Any] = {"OUTPUT": result.output}
    if options.polygons:
        found[POLYGONS] = options.polygons
        found["THRESHOLD_OUT"] = result.threshold
    if options.places:
        found[PLACES] = options.places
    return found


def _destination(algorithm: QgsProcessingAlgorithm, parameters: "Dict[str, Any]", name: str,
                 context: QgsProcessingContext) -> str:
    """Return where an optional layer is written, or an empty text."""
    output = algorithm.parameterAsOutputLayer(parameters, name, context)
    return table_destination(output) if output else ""

"""How change is measured and from where on it counts: what rasters and tables share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Dict, Optional, Sequence

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsProcessing,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingParameterFeatureSource,
)

from ...engine.errors import InputError
from ..adapters.feedback import FeedbackProgress
from ..adapters.mask import MaskInput, resolve_mask
from .choice import choice
from .number import real_number, whole_number
from .suggested_text import suggested_text

if TYPE_CHECKING:
    from ...engine.analyses.change.request import ChangeOptions

METHOD = "METHOD"
THRESHOLD = "THRESHOLD"
STABLE = "STABLE"
FALSE_ALARM = "FALSE_ALARM"
SAMPLE = "SAMPLE"
SEED = "SEED"
THRESHOLDS = ("otsu", "triangle", "stable")


@dataclass(frozen=True)
class ChangeChoices:
    """The answers, with polygons still to be read."""

    method: str
    threshold: str
    stable: Optional[MaskInput]
    false_alarm: float
    sample: int
    seed: int

    def options(self, progress: FeedbackProgress) -> "ChangeOptions":
        """Return them as the engine takes them."""
        from ...engine.analyses.change.request import ChangeOptions

        wanted = self.stable is not None and self.threshold.strip().lower() == "stable"
        return ChangeOptions(self.method, self.threshold, self.stable.polygons(progress) if wanted else (),
                             self.false_alarm / 100.0, self.sample, self.seed)


def declare_threshold(algorithm: QgsProcessingAlgorithm) -> None:
    """Add THRESHOLD, STABLE and FALSE_ALARM."""
    algorithm.add(
        suggested_text(THRESHOLD, algorithm.tr("Threshold"), "otsu", THRESHOLDS),
        algorithm.tr("From which magnitude on something changed. otsu: splits all magnitudes into the two groups that "
                     "spread least; it needs two groups, and the log warns where there is one. triangle: the bend "
                     "between the mass of small magnitudes and their long tail, for rare change. stable: so high that "
                     "only the share FALSE_ALARM of the ground in STABLE exceeds it. Or a number, such as 3 with the "
                     "method history."))
    algorithm.add(
        QgsProcessingParameterFeatureSource(STABLE, algorithm.tr("Stable ground"),
                                            [QgsProcessing.SourceType.TypeVectorPolygon], None, True),
        algorithm.tr("Polygons where you know that nothing changed, of all kinds of ground that matter, for the "
                     "threshold stable. The selection and the filter of the layer are respected, its CRS may differ."))
    algorithm.add(
        real_number(FALSE_ALARM, algorithm.tr("False alarms in %"), 1.0, 0.0, 50.0),
        algorithm.tr("For the threshold stable: which share of the stable ground, in percent, may be taken for "
                     "change."),
        advanced=True)


def declare_change_sample(algorithm: QgsProcessingAlgorithm) -> None:
    """Add SAMPLE."""
    algorithm.add(
        whole_number(SAMPLE, algorithm.tr("Sample"), 50_000, 100, 5_000_000),
        algorithm.tr("How many cells, spread evenly, the methods standardised, irmad and history learn from what is "
                     "usual, and the colours of DIRECTION are fitted to. The magnitude is then computed for every "
                     "cell."),
        advanced=True)


def declare_change_method(algorithm: QgsProcessingAlgorithm, methods: Sequence[str], default: str,
                          help_text: str) -> None:
    """Add METHOD."""
    algorithm.add(choice(METHOD, algorithm.tr("Method"), list(methods), default), help_text)


def stable_problem(algorithm: QgsProcessingAlgorithm, parameters: Dict[str, Any],
                   context: QgsProcessingContext) -> str:
    """Catch a threshold that is none, and the threshold stable without polygons; raises EarthprintError."""
    from ...engine.analyses.change.threshold import STABLE as WORD
    from ...engine.analyses.change.threshold import parse_threshold

    rule = parse_threshold(algorithm.parameterAsString(parameters, THRESHOLD, context))
    if rule == WORD and parameters.get(STABLE) in (None, ""):
        raise InputError("change-stable-missing", "THRESHOLD is stable, but STABLE names no polygons of ground that "
                         "didn't change: draw some, or choose otsu, triangle or a number.")
    return ""


def read_change_choices(algorithm: QgsProcessingAlgorithm, parameters: Dict[str, Any], context: QgsProcessingContext,
                        crs: QgsCoordinateReferenceSystem) -> ChangeChoices:
    """Resolve the layers; `crs` is that of the data."""
    known = {definition.name() for definition in algorithm.parameterDefinitions()}
    return ChangeChoices(
        algorithm.parameterAsEnumString(parameters, METHOD, context),
        algorithm.parameterAsString(parameters, THRESHOLD, context),
        resolve_mask(algorithm, parameters, STABLE, context, crs),
        algorithm.parameterAsDouble(parameters, FALSE_ALARM, context),
        algorithm.parameterAsInt(parameters, SAMPLE, context) if SAMPLE in known else 50_000,
        algorithm.parameterAsInt(parameters, SEED, context) if SEED in known else 0)

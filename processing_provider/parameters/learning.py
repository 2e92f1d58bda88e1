"""What analyses ask for that learn and predict in one go: a model, a transform, intervals, a report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Tuple

from qgis.core import (
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingOutputString,
    QgsProcessingParameterFileDestination,
)

from ...engine.predictors.request import interval_share
from .choice import choice
from .number import real_number, whole_number
from .training import BLOCK_SIZE, FOLD_COUNT, FOLDS, MODEL, REPORT

if TYPE_CHECKING:
    from ...engine.training.request import FoldChoice

INTERVAL = "INTERVAL"
TRANSFORM = "TRANSFORM"
WARNINGS = "WARNINGS"
REGRESSIONS = ("ridge", "knn", "forest", "boosting", "mlp", "gp", "best")
TRANSFORMS = ("none", "log", "boxcox", "automatic")
PLACE_FOLDS = ("automatic", "random", "blocks", "kmeans")


def model_help(algorithm: QgsProcessingAlgorithm) -> str:
    """Return what the models are."""
    return algorithm.tr(
        "ridge: a linear model, quick and hard to beat on embeddings. knn: the mean of the nearest. forest: a random "
        "forest. boosting: gradient boosted trees. mlp: a small neural network. gp: a Gaussian process, for up to some "
        "1,500 rows. best: compares them on rows kept out and takes the best. forest and boosting need "
        "scikit-learn.")


def declare_model(algorithm: QgsProcessingAlgorithm) -> None:
    """Add MODEL."""
    algorithm.add(choice(MODEL, algorithm.tr("Model"), REGRESSIONS, REGRESSIONS[0]), model_help(algorithm))


def declare_transform(algorithm: QgsProcessingAlgorithm) -> None:
    """Add TRANSFORM."""
    algorithm.add(
        choice(TRANSFORM, algorithm.tr("Transform of the target"), TRANSFORMS, TRANSFORMS[0]),
        algorithm.tr("log or boxcox for values with a long tail that are never negative, such as prices or counts: the "
                     "transformed values are learnt, and what is predicted is turned back. automatic: whichever makes "
                     "the values least skewed."), advanced=True)


def declare_interval(algorithm: QgsProcessingAlgorithm, told: str) -> None:
    """Add INTERVAL."""
    algorithm.add(real_number(INTERVAL, algorithm.tr("Interval in percent (0 = none)"), 90.0, 0.0, 99.0), told,
                  advanced=True)


def declare_place_folds(algorithm: QgsProcessingAlgorithm) -> None:
    """Add how places are parted to learn how good a model is elsewhere."""
    algorithm.add(
        choice(FOLDS, algorithm.tr("Folds"), PLACE_FOLDS, "automatic"),
        algorithm.tr("How the coarse units are parted to learn how good their model is where it has not been. blocks: "
                     "squares on the ground. kmeans: compact regions. random: any units, which flatters. automatic: "
                     "blocks where the units have places."), advanced=True)
    algorithm.add(
        real_number(BLOCK_SIZE, algorithm.tr("Block size (0 = from the data)"), 0.0, 0.0),
        algorithm.tr("Side of the squares in units of the layer's CRS. 0 = the distance over which errors are alike."),
        advanced=True)
    algorithm.add(
        whole_number(FOLD_COUNT, algorithm.tr("Number of folds"), 5, 2, 50),
        algorithm.tr("Into how many parts the units go."), advanced=True)


def declare_report(algorithm: QgsProcessingAlgorithm, told: str) -> None:
    """Add REPORT and the warnings that stand in it."""
    algorithm.add(
        QgsProcessingParameterFileDestination(REPORT, algorithm.tr("Report"), algorithm.tr("HTML (*.html)"), None, True,
                                              True), told)
    algorithm.addOutput(QgsProcessingOutputString(WARNINGS, algorithm.tr("Warnings")))


def read_folds(algorithm: QgsProcessingAlgorithm, parameters: "Dict[str, Any]",
               context: QgsProcessingContext) -> "FoldChoice":
    """Return how rows are parted."""
    # The trainings' own modules are many; the provider loads without them.
    from ...engine.training.request import FoldChoice

    return FoldChoice(algorithm.parameterAsEnumString(parameters, FOLDS, context),
                      algorithm.parameterAsInt(parameters, FOLD_COUNT, context),
                      algorithm.parameterAsDouble(parameters, BLOCK_SIZE, context))


def read_interval(algorithm: QgsProcessingAlgorithm, parameters: "Dict[str, Any]",
                  context: QgsProcessingContext) -> float:
    """Return the share that intervals shall hold."""
    return interval_share(algorithm.parameterAsDouble(parameters, INTERVAL, context))


def read_fields(algorithm: QgsProcessingAlgorithm, parameters: "Dict[str, Any]", name: str,
                context: QgsProcessingContext) -> "Tuple[str, ...]":
    """Return the columns that a parameter names."""
    return tuple(algorithm.parameterAsFields(parameters, name, context))

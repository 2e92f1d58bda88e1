"""What the two similarity searches ask for."""

from __future__ import annotations

from qgis.core import (
    QgsProcessing,
    QgsProcessingAlgorithm,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterString,
    QgsProcessingParameterVectorDestination,
)

from .choice import choice
from .number import real_number, whole_number
from .running import declare_seed
from .suggested_text import suggested_text

EXAMPLES = "EXAMPLES"
COORDINATES = "COORDINATES"
COUNTEREXAMPLES = "COUNTEREXAMPLES"
METHOD = "METHOD"
METHODS = ("mean", "nearest", "rocchio", "discriminative")
STANDARDISE = "STANDARDISE"
BETA = "BETA"
EXCLUDE = "EXCLUDE"
THRESHOLD = "THRESHOLD"
TOP = "TOP"
DISTANCE = "DISTANCE"
SAMPLE = "SAMPLE"
POLYGONS = "POLYGONS"
PLACES = "PLACES"


def declare_examples(algorithm: QgsProcessingAlgorithm) -> None:
    """Add EXAMPLES, COORDINATES and COUNTEREXAMPLES."""
    algorithm.add(
        QgsProcessingParameterFeatureSource(EXAMPLES, algorithm.tr("Examples"), [QgsProcessing.SourceType.TypeVector],
                                            None, True),
        algorithm.tr(
            "Points, lines or polygons on the places to look for, in any CRS; the selection of the layer is respected. "
            "Each feature is one example, the mean of what lies under it. A layer with a column “embedding” is taken "
            "by the vectors of its rows instead, which must be of the same space."))
    algorithm.add(
        QgsProcessingParameterString(COORDINATES, algorithm.tr("or coordinates of examples"), "", False, True),
        algorithm.tr(
            "Typed examples: x,y;x,y in the coordinates of the input, or with a CRS in brackets, such as "
            "11.57,48.14;11.60,48.15 [EPSG:4326] for longitude,latitude. They join the examples of a layer."))
    algorithm.add(
        QgsProcessingParameterFeatureSource(COUNTEREXAMPLES, algorithm.tr("Counter-examples"),
                                            [QgsProcessing.SourceType.TypeVector], None, True),
        algorithm.tr(
            "Places, or rows with vectors, that look alike but are not meant. Used by rocchio and discriminative."))


def declare_scoring(algorithm: QgsProcessingAlgorithm) -> None:
    """Add METHOD and what belongs to it."""
    algorithm.add(
        choice(METHOD, algorithm.tr("Method"), METHODS, "mean"),
        algorithm.tr(
            "mean: cosine to the mean of the examples, −1..1. nearest: cosine to the most alike of the examples, for "
            "examples that differ among themselves, −1..1. rocchio: cosine to the mean of the examples less BETA times "
            "the mean of the counter-examples, −1..1. discriminative: the probability of a regularised logistic "
            "regression that tells examples from counter-examples, or from random background where there are none, "
            "0..1; for ten examples and more."))
    algorithm.add(
        QgsProcessingParameterBoolean(STANDARDISE, algorithm.tr("Standardise dimensions"), False),
        algorithm.tr(
            "Subtract each dimension's mean and divide by its spread, both from a sample of the input. Raw bands need "
            "it, since large numbers would rule; embeddings of length one don't."))
    algorithm.add(
        real_number(BETA, algorithm.tr("Weight of counter-examples"), 0.5, 0.0, 10.0),
        algorithm.tr("For rocchio: how much of the mean of the counter-examples is subtracted."), advanced=True)
    algorithm.add(
        real_number(EXCLUDE, algorithm.tr("Leave out around examples (metres)"), 0.0, 0.0, 1e8),
        algorithm.tr(
            "Cells, or rows by their middle, within so many metres on the ground of an example get no score, so that "
            "what is found is new. 0 = leave out nothing."))


def declare_findings(algorithm: QgsProcessingAlgorithm) -> None:
    """Add THRESHOLD, TOP, DISTANCE, SAMPLE and SEED."""
    algorithm.add(
        suggested_text(THRESHOLD, algorithm.tr("Threshold"), "best", ("best", "none")),
        algorithm.tr(
            "For POLYGONS: the least score that counts as similar. best: what best separates the examples, each "
            "scored without itself, from a sample of the input (largest Youden index: share of examples found less "
            "share of the sample taken); with one example, the split of the sample's scores by Otsu. Else a number."))
    algorithm.add(
        whole_number(TOP, algorithm.tr("Number of places"), 10, 1, 100_000),
        algorithm.tr("For PLACES: how many of the most alike places to mark."))
    algorithm.add(
        real_number(DISTANCE, algorithm.tr("Distance between places (metres)"), 0.0, 0.0, 1e8),
        algorithm.tr(
            "For PLACES: how far apart on the ground they must be at least, in metres in every CRS, also across 180° "
            "of longitude. 0 = neighbouring cells may all be places."))
    algorithm.add(
        whole_number(SAMPLE, algorithm.tr("Sample"), 4000, 100, 1_000_000),
        algorithm.tr(
            "How many vectors, spread evenly over the input, stand for the background: for STANDARDISE, the best "
            "threshold, and discriminative without counter-examples."), advanced=True)
    declare_seed(algorithm)


def declare_found(algorithm: QgsProcessingAlgorithm) -> None:
    """Add the optional outputs POLYGONS and PLACES."""
    algorithm.add(
        QgsProcessingParameterVectorDestination(POLYGONS, algorithm.tr("Similar areas"),
                                                QgsProcessing.SourceType.TypeVectorAnyGeometry, None, True, False),
        algorithm.tr(
            "Optional: what reaches THRESHOLD, with its true area in square metres and its score; of a raster, "
            "outlines of cells that hang together, with their mean score."))
    algorithm.add(
        QgsProcessingParameterVectorDestination(PLACES, algorithm.tr("Most alike places"),
                                                QgsProcessing.SourceType.TypeVectorPoint, None, True, False),
        algorithm.tr("Optional: the TOP places as points with rank and score, at least DISTANCE apart."))

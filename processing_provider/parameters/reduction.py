"""What the two reductions ask for, and what they give beside their first output."""

from __future__ import annotations

from qgis.core import (
    QgsProcessingAlgorithm,
    QgsProcessingOutputNumber,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
)

from .choice import choice
from .number import whole_number
from .running import declare_seed

METHOD = "METHOD"
METHODS = ("pca", "umap")
DIMENSIONS = "DIMENSIONS"
PICTURE = "PICTURE"
REUSE = "REUSE"
SAMPLE = "SAMPLE"
MODEL_OUT = "MODEL_OUT"
REPORT = "REPORT"
EXPLAINED = "EXPLAINED"


def declare_reduction(algorithm: QgsProcessingAlgorithm, picture_help: str) -> None:
    """Add METHOD, DIMENSIONS, PICTURE, REUSE and what UMAP needs."""
    algorithm.add(
        choice(METHOD, algorithm.tr("Method"), METHODS, METHODS[0]),
        algorithm.tr(
            "pca: principal components, fitted to all vectors: the few directions in which they differ most. Distances "
            "keep their meaning, and the report says how much of the differences is kept. umap: a map that puts alike "
            "vectors beside each other, fitted to a sample; it shows groups more clearly, but distances between them "
            "mean little. It needs the package umap-learn."))
    algorithm.add(
        whole_number(DIMENSIONS, algorithm.tr("Dimensions"), 3, 1, 65_535),
        algorithm.tr("How many numbers a vector keeps; at most as many as it has. A picture shows the first three."))
    algorithm.add(QgsProcessingParameterBoolean(PICTURE, algorithm.tr("Make a picture"), False), picture_help)
    algorithm.add(
        QgsProcessingParameterFile(REUSE, algorithm.tr("Use a saved reduction"),
                                   QgsProcessingParameterFile.Behavior.File, "json", None, True),
        algorithm.tr(
            "A reduction that MODEL_OUT of another run saved: nothing is fitted, and another scene or year gets the "
            "same numbers and colours, so that they compare. The embeddings must be of the same space; METHOD, "
            "DIMENSIONS and SAMPLE have no effect then."))
    algorithm.add(
        whole_number(SAMPLE, algorithm.tr("Sample size for umap"), 5_000, 16, 100_000),
        algorithm.tr(
            "How many vectors, spread evenly, UMAP is fitted to; all others are placed between their nearest ones in "
            "the sample. pca ignores this, since it is fitted to all."), advanced=True)
    declare_seed(algorithm)


def declare_reduction_results(algorithm: QgsProcessingAlgorithm) -> None:
    """Add MODEL_OUT, REPORT and EXPLAINED."""
    algorithm.add(
        QgsProcessingParameterFileDestination(MODEL_OUT, algorithm.tr("Reduction to save"),
                                              algorithm.tr("Models (*.json)"), None, True, False),
        algorithm.tr("Where to save the fitted reduction, for REUSE with another scene or year."))
    algorithm.add(
        QgsProcessingParameterFileDestination(REPORT, algorithm.tr("Report"), algorithm.tr("HTML (*.html)"), None,
                                              True, False),
        algorithm.tr("A page with the share of the variance that each component holds, and a picture of rasters. It is "
                     "one file that needs nothing else."))
    algorithm.addOutput(QgsProcessingOutputNumber(EXPLAINED, algorithm.tr("Share of the variance that is kept")))

"""What the two clusterings ask for, and what they give beside their first output."""

from __future__ import annotations

from typing import Sequence

from qgis.core import (
    QgsProcessing,
    QgsProcessingAlgorithm,
    QgsProcessingOutputNumber,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterVectorDestination,
)

from .choice import choice
from .number import whole_number
from .running import declare_seed

METHOD = "METHOD"
CLUSTERS = "CLUSTERS"
CLUSTERS_MIN = "CLUSTERS_MIN"
CLUSTERS_MAX = "CLUSTERS_MAX"
STANDARDISE = "STANDARDISE"
SAMPLE = "SAMPLE"
LEAST = "LEAST"
REUSE = "REUSE"
SUMMARY = "SUMMARY"
MODEL_OUT = "MODEL_OUT"
REPORT = "REPORT"
CLUSTERS_OUT = "CLUSTERS_OUT"


def declare_clustering(algorithm: QgsProcessingAlgorithm, methods: Sequence[str], method_help: str) -> None:
    """Add METHOD, the number of clusters, and how the fit goes."""
    algorithm.add(choice(METHOD, algorithm.tr("Method"), methods, methods[0]), method_help)
    algorithm.add(
        whole_number(CLUSTERS, algorithm.tr("Number of clusters (0 = choose)"), 8, 0, 1000),
        algorithm.tr(
            "How many groups to make. 0 = try every number from CLUSTERS_MIN to CLUSTERS_MAX and take the one whose "
            "groups lie clearest apart (silhouette) and come out the same from other seeds (stability); REPORT shows "
            "the curve. hdbscan finds the number by itself and ignores this."))
    algorithm.add(
        whole_number(CLUSTERS_MIN, algorithm.tr("Fewest clusters to try"), 2, 2, 1000),
        algorithm.tr("The start of the range that is tried where CLUSTERS is 0."), advanced=True)
    algorithm.add(
        whole_number(CLUSTERS_MAX, algorithm.tr("Most clusters to try"), 12, 2, 1000),
        algorithm.tr("The end of the range that is tried where CLUSTERS is 0."), advanced=True)
    algorithm.add(
        QgsProcessingParameterBoolean(STANDARDISE, algorithm.tr("Standardise dimensions"), False),
        algorithm.tr(
            "Bring every dimension to mean 0 and spread 1 first. Raw bands and columns in different units need it, or "
            "the one with the largest numbers decides alone; embeddings of an encoder don't."))
    algorithm.add(
        whole_number(SAMPLE, algorithm.tr("Sample size"), 0, 0, 100_000_000),
        algorithm.tr(
            "How many vectors, spread evenly, the clusters are fitted to; all others are then assigned. 0 = 100,000 "
            "for kmeans and spherical, 50,000 for gmm, 10,000 for the others, whose time or memory grows by the "
            "square."), advanced=True)
    algorithm.add(
        whole_number(LEAST, algorithm.tr("Smallest group for hdbscan"), 0, 0, 100_000_000),
        algorithm.tr(
            "Only for hdbscan: how many vectors of the sample make a group. 0 = a hundredth of the sample, at least "
            "10."), advanced=True)
    algorithm.add(
        QgsProcessingParameterFile(REUSE, algorithm.tr("Use a saved model"),
                                   QgsProcessingParameterFile.Behavior.File, "json", None, True),
        algorithm.tr(
            "A model that MODEL_OUT of another run saved: nothing is fitted, and another scene or year gets the same "
            "clusters with the same numbers and colours. The embeddings must be of the same space; METHOD, CLUSTERS, "
            "STANDARDISE and SAMPLE have no effect then."))
    declare_seed(algorithm)


def declare_cluster_results(algorithm: QgsProcessingAlgorithm, counted: str) -> None:
    """Add SUMMARY, MODEL_OUT, REPORT and CLUSTERS_OUT."""
    algorithm.add(
        QgsProcessingParameterVectorDestination(SUMMARY, algorithm.tr("Table of clusters"),
                                                QgsProcessing.SourceType.TypeVectorPoint, None, True, True),
        algorithm.tr(
            "A GeoPackage layer with one row for each cluster: how many {counted}, their share and area, cohesion (1 = "
            "all alike, 0 = as unlike as everything together), mean distance to the centre, the nearest other cluster "
            "and the distance to it. The point is the cluster's medoid: its most typical place, good to look at first."
        ).format(counted=counted))
    algorithm.add(
        QgsProcessingParameterFileDestination(MODEL_OUT, algorithm.tr("Cluster model"),
                                              algorithm.tr("Models (*.json)"), None, True, False),
        algorithm.tr("Where to save the fitted clusters, for REUSE with another scene or year."))
    algorithm.add(
        QgsProcessingParameterFileDestination(REPORT, algorithm.tr("Report"), algorithm.tr("HTML (*.html)"), None,
                                              True, True),
        algorithm.tr(
            "A page with the map, the table of clusters, how the number was chosen and how far to trust it. It is one "
            "file that needs nothing else."))
    algorithm.addOutput(QgsProcessingOutputNumber(CLUSTERS_OUT, algorithm.tr("Number of clusters")))

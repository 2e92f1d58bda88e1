"""What the two searches for outliers ask for."""

from __future__ import annotations

from qgis.core import QgsProcessingAlgorithm

from .choice import choice
from .number import whole_number
from .running import declare_seed

METHOD = "METHOD"
METHODS = ("neighbours", "cluster")
NEIGHBOURS = "NEIGHBOURS"
CLUSTERS = "CLUSTERS"
SAMPLE = "SAMPLE"


def declare_outliers(algorithm: QgsProcessingAlgorithm, spread: str) -> None:
    """Add METHOD and how vectors are compared."""
    algorithm.add(
        choice(METHOD, algorithm.tr("Method"), METHODS, METHODS[0]),
        algorithm.tr(
            "neighbours: how far it is to the NEIGHBOURS-th most alike vector of a sample; what has few of its kind "
            "scores high. cluster: how far it is to the centre of the nearest of CLUSTERS groups; much faster, and "
            "what is between groups scores high, too. Embeddings that are compared by angle get 1 − cosine (0 = alike, "
            "1 = nothing in common, 2 = opposite), others the Euclidean distance."))
    algorithm.add(
        whole_number(NEIGHBOURS, algorithm.tr("Neighbours"), 5, 1, 10_000),
        algorithm.tr(
            "Only for neighbours: which neighbour counts. Larger numbers also find small groups of odd ones: a kind "
            "that fewer than so many vectors of the sample belong to scores high."))
    algorithm.add(
        whole_number(CLUSTERS, algorithm.tr("Clusters"), 8, 1, 1000),
        algorithm.tr("Only for cluster: how many groups k-means makes of the sample."))
    algorithm.add(
        whole_number(SAMPLE, algorithm.tr("Sample size"), 2_000, 2, 1_000_000),
        algorithm.tr(
            "How many vectors, {spread}, all others are compared with or the clusters are fitted to. A vector in the "
            "sample is never its own neighbour. The time that neighbours takes grows with it.").format(spread=spread),
        advanced=True)
    declare_seed(algorithm)

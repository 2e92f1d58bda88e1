"""Groups the rows of an embedding table into clusters."""

from __future__ import annotations

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
    QgsProcessingParameterVectorDestination,
)

from ..adapters.features import table_input
from ..adapters.feedback import FeedbackProgress
from ..adapters.outputs import table_destination
from ..algorithm import EarthprintAlgorithm, Outputs, Parameters
from ..cluster_inputs import cluster_outputs, read_cluster_inputs
from ..environment import space_registry
from ..parameters.clustering import METHOD, REUSE, declare_cluster_results, declare_clustering
from ..styles.cluster_layer import ClusterLayerStyle
from ..styles.on_load import style_on_load

INPUT = "INPUT"
OUTPUT = "OUTPUT"
ID_FIELD = "ID_FIELD"
NEIGHBOURS_ONLY = "NEIGHBOURS_ONLY"
METHODS = ("kmeans", "spherical", "gmm", "hdbscan", "agglomerative")


class ClusterTable(EarthprintAlgorithm):
    """Groups features whose vectors are alike, regions that hang together among them."""

    ID = "clustertable"
    TITLE = "Cluster table"
    GROUP = "Explore"
    GROUP_ID = "explore"
    SUMMARY = (
        "Groups the features of an embedding table by how alike their vectors are. The result is the table with a "
        "column cluster; on request a table of the clusters, a model that gives other features the same clusters, and "
        "a report. Agglomerative clustering can join only neighbours, which makes regions that hang together.")
    TAGS = ("cluster", "k-means", "kmeans", "unsupervised", "regions", "regionalisation", "groups", "hdbscan", "ward",
            "agglomerative", "gaussian mixture")

    def declare(self) -> None:
        """Add parameters and outputs."""
        self.add(
            QgsProcessingParameterFeatureSource(INPUT, self.tr("Embedding table"),
                                                [QgsProcessing.SourceType.TypeVector]),
            self.tr("The features to group: a layer with the column embedding. Its filter and selection are "
                    "respected."))
        declare_clustering(self, METHODS, self.tr(
            "kmeans: each row goes to the nearest centre. spherical: the same by direction alone, which suits "
            "embeddings that are compared by cosine. gmm: a Gaussian mixture, for groups of different size and shape. "
            "hdbscan: groups are dense regions; rows in none of them get a last class, “Unassigned”. agglomerative: "
            "rows are merged step by step (Ward), among neighbours only where NEIGHBOURS_ONLY asks for it. The last "
            "three need scikit-learn."))
        self.add(
            QgsProcessingParameterBoolean(NEIGHBOURS_ONLY, self.tr("Join only neighbours"), False),
            self.tr("Only with agglomerative: merge only groups that lie beside each other, so that every cluster is "
                    "one region. Polygons are neighbours where they touch, be it at a corner; points and lines of each "
                    "of their six nearest. Islands are tied to the nearest other ones. Every row takes part, so "
                    "SAMPLE has no effect."))
        self.add(
            QgsProcessingParameterField(ID_FIELD, self.tr("Id column"), None, INPUT,
                                        QgsProcessingParameterField.DataType.Any, False, True),
            self.tr("The column that names rows in the table of clusters. Empty: fid where it is unique, else the "
                    "feature id."), advanced=True)
        self.add(
            QgsProcessingParameterVectorDestination(OUTPUT, self.tr("Table with clusters"),
                                                    QgsProcessing.SourceType.TypeVectorAnyGeometry),
            self.tr("A GeoPackage layer: the input's rows, attributes and vectors, and the number of the cluster in "
                    "cluster, 1 to k by size, the largest first. An input's own column of that name is kept as "
                    "cluster_1."))
        declare_cluster_results(self, self.tr("rows"))

    def problem(self, parameters: Parameters, context: QgsProcessingContext) -> str:
        """Catch an option that the method doesn't know."""
        if (self.parameterAsBool(parameters, NEIGHBOURS_ONLY, context) and not parameters.get(REUSE)
                and self.parameterAsEnumString(parameters, METHOD, context) != "agglomerative"):
            return self.tr("NEIGHBOURS_ONLY works with METHOD agglomerative alone: choose that, or switch it off.")
        return ""

    def read(self, parameters: Parameters, context: QgsProcessingContext, progress: FeedbackProgress) -> None:
        """Resolve the layer."""
        self._registry = space_registry()
        self._open = table_input(self, parameters, INPUT, context, self._registry,
                                 self.parameterAsString(parameters, ID_FIELD, context))
        self._inputs = read_cluster_inputs(self, parameters, context,
                                           self.parameterAsBool(parameters, NEIGHBOURS_ONLY, context))
        self._output = table_destination(self.parameterAsOutputLayer(parameters, OUTPUT, context))

    def compute(self, context: QgsProcessingContext, progress: FeedbackProgress) -> Outputs:
        """Group."""
        from ...engine.analyses.clusters.request import ClusterTableRequest
        from ...engine.analyses.clusters.table import cluster_table

        request = ClusterTableRequest(self._output, self._inputs.choice, self._inputs.reuse, self._inputs.extras)
        result = cluster_table(self._open(), request, progress, self._registry)
        style_on_load(context, self._output, ClusterLayerStyle(result.classes))
        return dict(cluster_outputs(result, self._inputs, context), OUTPUT=self._output)

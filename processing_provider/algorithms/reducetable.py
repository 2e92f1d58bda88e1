"""Reduces an embedding table to fewer dimensions, or gives each row a colour."""

from __future__ import annotations

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterVectorDestination,
)

from ..adapters.features import table_input
from ..adapters.feedback import FeedbackProgress
from ..adapters.outputs import table_destination
from ..algorithm import EarthprintAlgorithm, Outputs, Parameters
from ..environment import space_registry
from ..parameters.reduction import declare_reduction, declare_reduction_results
from ..reduction_inputs import package_problem, read_reduction, reduction_outputs
from ..styles.embedding_table import EmbeddingTableStyle
from ..styles.on_load import style_on_load
from ..styles.picture import ColourColumnStyle

INPUT = "INPUT"
OUTPUT = "OUTPUT"


class ReduceTable(EarthprintAlgorithm):
    """Turns the vectors of a table into fewer numbers, or into colours that show what is alike."""

    ID = "reducetable"
    TITLE = "Reduce dimensions of table"
    GROUP = "Explore"
    GROUP_ID = "explore"
    SUMMARY = (
        "Reduces the vectors of an embedding table to fewer dimensions, or gives each feature a colour such that alike "
        "features have alike colours. The fitted reduction can be saved and used for another table of the same space, "
        "so that numbers and colours compare. Principal components work without anything to install.")
    TAGS = ("pca", "principal components", "umap", "colour", "picture", "compress", "dimensionality")

    def declare(self) -> None:
        """Add parameters and outputs."""
        self.add(
            QgsProcessingParameterFeatureSource(INPUT, self.tr("Embedding table"),
                                                [QgsProcessing.SourceType.TypeVector]),
            self.tr("The features to reduce: a layer with the column embedding. Its filter and selection are "
                    "respected."))
        declare_reduction(self, self.tr(
            "Keep the vectors and add the column colour, such as #3f8a21, made of the first three numbers, stretched "
            "from the 2nd to the 98th percentile."))
        self.add(
            QgsProcessingParameterVectorDestination(OUTPUT, self.tr("Reduced table"),
                                                    QgsProcessing.SourceType.TypeVectorAnyGeometry),
            self.tr("A GeoPackage layer: the input's rows and attributes with vectors of DIMENSIONS numbers, in a "
                    "space of their own; with PICTURE the input's vectors and the column colour."))
        declare_reduction_results(self)

    def problem(self, parameters: Parameters, context: QgsProcessingContext) -> str:
        """Say early what is missing."""
        return package_problem(self, parameters, context)

    def read(self, parameters: Parameters, context: QgsProcessingContext, progress: FeedbackProgress) -> None:
        """Resolve the layer."""
        self._registry = space_registry()
        self._open = table_input(self, parameters, INPUT, context, self._registry)
        output = table_destination(self.parameterAsOutputLayer(parameters, OUTPUT, context))
        self._request = read_reduction(self, parameters, context, output)

    def compute(self, context: QgsProcessingContext, progress: FeedbackProgress) -> Outputs:
        """Reduce."""
        from ...engine.analyses.reduce.table import reduce_table

        request = self._request
        result = reduce_table(self._open(), request, progress, self._registry)
        style_on_load(context, result.output, ColourColumnStyle() if request.picture else EmbeddingTableStyle())
        return reduction_outputs(result, request)

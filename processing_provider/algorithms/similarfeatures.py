"""Finds the rows of an embedding table that are like examples."""

from __future__ import annotations

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingOutputNumber,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
    QgsProcessingParameterVectorDestination,
)

from ..adapters.features import resolve_features, table_input
from ..adapters.feedback import FeedbackProgress
from ..adapters.outputs import table_destination
from ..algorithm import EarthprintAlgorithm, Outputs, Parameters
from ..environment import space_registry
from ..parameters.similarity import declare_examples, declare_findings, declare_found, declare_scoring
from ..similarity_inputs import read_similarity_inputs, similarity_outputs, similarity_problem
from ..styles.on_load import style_on_load
from ..styles.similar_layers import PlacesStyle, ScoredRowsStyle, SimilarAreasStyle

INPUT = "INPUT"
ID_FIELD = "ID_FIELD"
OUTPUT = "OUTPUT"


class SimilarFeatures(EarthprintAlgorithm):
    """Scores every row of an embedding table by how alike it is to examples."""

    ID = "similarfeatures"
    TITLE = "Find similar features"
    GROUP = "Explore"
    GROUP_ID = "explore"
    SUMMARY = (
        "Scores every feature of an embedding table by how alike it is to examples: selected rows, rows of another "
        "table of the same space, or places on the map. On request it also writes the similar features and marks the "
        "most alike places.")
    TAGS = ("similar", "search", "example", "cosine", "find places like this", "patches", "photos")

    def declare(self) -> None:
        """Add parameters and outputs."""
        self.add(
            QgsProcessingParameterFeatureSource(INPUT, self.tr("Embedding table"),
                                                [QgsProcessing.SourceType.TypeVector]),
            self.tr("The table to search: a layer with a column “embedding”, as “Embed raster as patches” and “Import "
                    "embeddings” make it."))
        declare_examples(self)
        declare_scoring(self)
        declare_findings(self)
        self.add(
            QgsProcessingParameterField(ID_FIELD, self.tr("Id column"), None, INPUT, optional=True),
            self.tr("The column that names rows in POLYGONS. Empty: fid where it is unique, else the feature id."),
            advanced=True)
        self.add(
            QgsProcessingParameterVectorDestination(OUTPUT, self.tr("Similarity"),
                                                    QgsProcessing.SourceType.TypeVector),
            self.tr("The table with a column similarity; NULL for vectors of length zero and within EXCLUDE of an "
                    "example."))
        declare_found(self)
        self.addOutput(QgsProcessingOutputNumber("THRESHOLD_OUT", self.tr("Threshold used for the similar features")))

    def problem(self, parameters: Parameters, context: QgsProcessingContext) -> str:
        """Catch a search for nothing."""
        return similarity_problem(parameters)

    def read(self, parameters: Parameters, context: QgsProcessingContext, progress: FeedbackProgress) -> None:
        """Resolve the layers."""
        self._crs = resolve_features(self, parameters, INPUT, context).sourceCrs()
        self._table = table_input(self, parameters, INPUT, context, space_registry(),
                                  self.parameterAsString(parameters, ID_FIELD, context))
        self._inputs = read_similarity_inputs(self, parameters, context)
        self._output = table_destination(self.parameterAsOutputLayer(parameters, OUTPUT, context))

    def compute(self, context: QgsProcessingContext, progress: FeedbackProgress) -> Outputs:
        """Search."""
        from ...engine.analyses.similarity.table import TableSimilarityRequest, find_similar_rows

        table, inputs = self._table(), self._inputs
        request = TableSimilarityRequest(
            table, self._output, inputs.examples(self._crs, table.wkt, progress),
            inputs.counterexamples(self._crs, progress), inputs.options, space_registry())
        result = find_similar_rows(request, progress)
        style_on_load(context, self._output, ScoredRowsStyle())
        for output, style in ((inputs.options.polygons, SimilarAreasStyle()), (inputs.options.places, PlacesStyle())):
            if output:
                style_on_load(context, output, style)
        return similarity_outputs(result, inputs.options)

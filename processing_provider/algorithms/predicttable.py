"""Predicts for the rows of an embedding table with a predictor that was trained before."""

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
from ..parameters.prediction import PREDICTOR, declare_answers, declare_predictor, declare_share_outside
from ..prediction_inputs import prediction_outputs, read_options
from ..styles.on_load import style_on_load
from ..styles.prediction import PredictionRowsStyle

INPUT = "INPUT"
OUTPUT = "OUTPUT"


class PredictTable(EarthprintAlgorithm):
    """Adds to each feature what a predictor says of it, and how far to trust it there."""

    ID = "predicttable"
    TITLE = "Predict table"
    GROUP = "Predict"
    GROUP_ID = "predict"
    SUMMARY = (
        "Predicts a number or a class for every feature of an embedding table, with an interval or probabilities, and "
        "tells which features are unlike all that the predictor was trained on.")
    TAGS = ("predict", "prediction", "apply", "regression", "classification", "interval", "uncertainty",
            "area of applicability", "machine learning", "model")

    def declare(self) -> None:
        """Add parameters and outputs."""
        self.add(
            QgsProcessingParameterFeatureSource(INPUT, self.tr("Embedding table"),
                                                [QgsProcessing.SourceType.TypeVector]),
            self.tr("The features to predict for: a layer with the column embedding, of the space that the predictor "
                    "was trained on, and with the further columns that it uses, under the names they had in training. "
                    "Its filter and selection are respected."))
        declare_predictor(self)
        declare_answers(self)
        self.add(
            QgsProcessingParameterVectorDestination(OUTPUT, self.tr("Table with predictions"),
                                                    QgsProcessing.SourceType.TypeVectorAnyGeometry),
            self.tr("A GeoPackage layer: the input's rows, attributes and vectors, and the columns predicted, lower "
                    "and upper (with several targets predicted_NAME and so on) or predicted and probability_NAME, "
                    "then applicable and dissimilarity. Columns of the input that bear these names are kept as "
                    "predicted_1 and so on."))
        declare_share_outside(self)

    def read(self, parameters: Parameters, context: QgsProcessingContext, progress: FeedbackProgress) -> None:
        """Resolve the layer."""
        self._registry = space_registry()
        self._open = table_input(self, parameters, INPUT, context, self._registry)
        self._predictor = self.parameterAsFile(parameters, PREDICTOR, context)
        self._options = read_options(self, parameters, context)
        self._output = table_destination(self.parameterAsOutputLayer(parameters, OUTPUT, context))

    def compute(self, context: QgsProcessingContext, progress: FeedbackProgress) -> Outputs:
        """Predict."""
        from ...engine.predictors.request import PredictTableRequest
        from ...engine.predictors.table import predict_table

        request = PredictTableRequest(self._predictor, self._output, self._options)
        result = predict_table(self._open(), request, progress, self._registry)
        style_on_load(context, self._output, PredictionRowsStyle(result.values))
        return prediction_outputs(result)

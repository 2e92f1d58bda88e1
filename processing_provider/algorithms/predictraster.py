"""Predicts over an embedding raster with a predictor that was trained before."""

from __future__ import annotations

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingParameterRasterDestination,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
)

from ..adapters.extent import bounds, read_extent
from ..adapters.feedback import FeedbackProgress
from ..adapters.mask import resolve_mask
from ..adapters.raster import resolve_raster
from ..algorithm import EarthprintAlgorithm, Outputs, Parameters
from ..parameters.prediction import PREDICTOR, declare_answers, declare_predictor, declare_share_outside
from ..parameters.region import EXTENT, MASK, declare_region
from ..parameters.running import MEMORY, declare_memory
from ..prediction_inputs import prediction_outputs, read_options
from ..styles.on_load import style_on_load
from ..styles.prediction import PredictionRasterStyle

INPUT = "INPUT"
VALUES = "VALUES"
OUTPUT = "OUTPUT"


class PredictRaster(EarthprintAlgorithm):
    """Maps what a predictor says of every cell, and how far to trust it there."""

    ID = "predictraster"
    TITLE = "Predict raster"
    GROUP = "Predict"
    GROUP_ID = "predict"
    SUMMARY = (
        "Predicts a number or a class for every cell of an embedding raster, with an interval or probabilities, and "
        "tells where the predictor knows nothing like the cell. Works on rasters larger than memory, and on "
        "AlphaEarth's bytes as they are.")
    TAGS = ("predict", "prediction", "apply", "map", "regression", "classification", "interval", "uncertainty",
            "area of applicability", "machine learning", "model")

    def declare(self) -> None:
        """Add parameters and outputs."""
        self.add(
            QgsProcessingParameterRasterLayer(INPUT, self.tr("Embedding raster")),
            self.tr("The raster to predict from, of the space that the predictor was trained on: made by the same "
                    "encoder, or another year of the same product."))
        declare_predictor(self)
        declare_answers(self)
        self.add(
            QgsProcessingParameterString(VALUES, self.tr("Values of further columns"), "", False, True),
            self.tr("Only for predictors that use columns beside the embedding: one value of each for the whole "
                    "raster, as in year=2020; soil=loam."), advanced=True)
        declare_region(self)
        declare_memory(self)
        self.add(
            QgsProcessingParameterRasterDestination(OUTPUT, self.tr("Prediction")),
            self.tr("A GeoTIFF. Of numbers: predicted, lower, upper; with several targets predicted_NAME and so on. Of "
                    "classes: predicted, the class's own code where codes are whole numbers from 1, else 1, 2, … in "
                    "the order of the legend, and probability_NAME. Then applicable and dissimilarity. Numbers are "
                    "float32 with NaN where there is no data; predicted classes alone are whole numbers with "
                    "colours, 0 where there is no data."))
        declare_share_outside(self)

    def read(self, parameters: Parameters, context: QgsProcessingContext, progress: FeedbackProgress) -> None:
        """Resolve the layers."""
        self._raster = resolve_raster(self, parameters, INPUT, context)
        self._extent = bounds(read_extent(self, parameters, EXTENT, context, self._raster.crs))
        self._mask = resolve_mask(self, parameters, MASK, context, self._raster.crs)
        self._predictor = self.parameterAsFile(parameters, PREDICTOR, context)
        self._options = read_options(self, parameters, context)
        self._values = self.parameterAsString(parameters, VALUES, context)
        self._memory = self.parameterAsInt(parameters, MEMORY, context)
        self._output = self.parameterAsOutputLayer(parameters, OUTPUT, context)

    def compute(self, context: QgsProcessingContext, progress: FeedbackProgress) -> Outputs:
        """Predict."""
        from ...engine.predictors.raster import predict_raster
        from ...engine.predictors.request import PredictRasterRequest

        mask = self._mask.polygons(progress) if self._mask is not None else None
        result = predict_raster(PredictRasterRequest(
            self._raster.dataset(progress), self._predictor, self._output, self._options, self._values, self._extent,
            mask, self._memory), progress)
        style_on_load(context, self._output, PredictionRasterStyle(result.legend))
        return prediction_outputs(result)

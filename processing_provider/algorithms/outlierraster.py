"""Finds the cells of an embedding raster that are unlike the others."""

from __future__ import annotations

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingParameterRasterDestination,
    QgsProcessingParameterRasterLayer,
)

from ..adapters.feedback import FeedbackProgress
from ..adapters.raster import resolve_raster
from ..algorithm import EarthprintAlgorithm, Outputs, Parameters
from ..outlier_inputs import read_outlier_choice
from ..parameters.outliers import declare_outliers
from ..parameters.running import MEMORY, declare_memory
from ..styles.on_load import style_on_load
from ..styles.score_raster import ScoreRasterStyle

INPUT = "INPUT"
OUTPUT = "OUTPUT"


class OutlierRaster(EarthprintAlgorithm):
    """Scores every cell of an embedding raster by how unlike the others it is."""

    ID = "outlierraster"
    TITLE = "Find outliers in raster"
    GROUP = "Explore"
    GROUP_ID = "explore"
    SUMMARY = (
        "Scores every cell of an embedding raster by how unlike the rest of the raster it is: rare places, strange "
        "things, faults of the data. Works without anything to install, on rasters larger than memory.")
    TAGS = ("outlier", "anomaly", "novelty", "rare", "strange", "distance", "nearest neighbour")

    def declare(self) -> None:
        """Add parameters and outputs."""
        self.add(
            QgsProcessingParameterRasterLayer(INPUT, self.tr("Embedding raster")),
            self.tr("The raster to look through: made by “Embed raster”, a published product such as AlphaEarth, or "
                    "any multiband raster."))
        declare_outliers(self, self.tr("spread evenly over the raster"))
        declare_memory(self)
        self.add(
            QgsProcessingParameterRasterDestination(OUTPUT, self.tr("Outliers")),
            self.tr("A GeoTIFF with one score for each cell, float32; the higher, the odder. Cells without data, and "
                    "by angle those with a vector of length zero, are nodata."))

    def read(self, parameters: Parameters, context: QgsProcessingContext, progress: FeedbackProgress) -> None:
        """Resolve the layer."""
        self._raster = resolve_raster(self, parameters, INPUT, context)
        self._choice = read_outlier_choice(self, parameters, context)
        self._memory = self.parameterAsInt(parameters, MEMORY, context)
        self._output = self.parameterAsOutputLayer(parameters, OUTPUT, context)

    def compute(self, context: QgsProcessingContext, progress: FeedbackProgress) -> Outputs:
        """Score."""
        from ...engine.analyses.outliers.raster import outlier_raster
        from ...engine.analyses.outliers.request import OutlierRasterRequest

        request = OutlierRasterRequest(self._raster.dataset(progress), self._output, self._choice, self._memory)
        result = outlier_raster(request, progress)
        style_on_load(context, result.output, ScoreRasterStyle())
        return {OUTPUT: result.output}

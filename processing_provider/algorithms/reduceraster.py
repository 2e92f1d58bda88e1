"""Reduces an embedding raster to fewer dimensions, or to a picture."""

from __future__ import annotations

from dataclasses import replace

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingParameterRasterDestination,
    QgsProcessingParameterRasterLayer,
)

from ..adapters.feedback import FeedbackProgress
from ..adapters.raster import resolve_raster
from ..algorithm import EarthprintAlgorithm, Outputs, Parameters
from ..parameters.reduction import declare_reduction, declare_reduction_results
from ..parameters.running import MEMORY, declare_memory
from ..reduction_inputs import package_problem, read_reduction, reduction_outputs
from ..styles.embedding_raster import EmbeddingRasterStyle
from ..styles.on_load import style_on_load
from ..styles.picture import PictureRasterStyle

INPUT = "INPUT"
OUTPUT = "OUTPUT"


class ReduceRaster(EarthprintAlgorithm):
    """Turns the vectors of a raster into fewer numbers, or into colours that show what is alike."""

    ID = "reduceraster"
    TITLE = "Reduce dimensions of raster"
    GROUP = "Explore"
    GROUP_ID = "explore"
    SUMMARY = (
        "Reduces the vectors of an embedding raster to fewer dimensions, or to a picture in which alike places have "
        "alike colours. The fitted reduction can be saved and used for another scene or year, so that numbers and "
        "colours compare. Principal components work without anything to install, on rasters larger than memory.")
    TAGS = ("pca", "principal components", "umap", "rgb", "picture", "false colour", "compress", "dimensionality")

    def declare(self) -> None:
        """Add parameters and outputs."""
        self.add(
            QgsProcessingParameterRasterLayer(INPUT, self.tr("Embedding raster")),
            self.tr("The raster to reduce: made by “Embed raster”, a published product such as AlphaEarth, or any "
                    "multiband raster."))
        declare_reduction(self, self.tr(
            "Write the first three numbers as red, green and blue, stretched from the 2nd to the 98th percentile, in "
            "place of an embedding raster."))
        declare_memory(self)
        self.add(
            QgsProcessingParameterRasterDestination(OUTPUT, self.tr("Reduced raster")),
            self.tr("An embedding raster of DIMENSIONS bands, float32, in a space of its own; with PICTURE a GeoTIFF "
                    "of red, green and blue, 1 to 255, 0 where there is no data."))
        declare_reduction_results(self)

    def problem(self, parameters: Parameters, context: QgsProcessingContext) -> str:
        """Say early what is missing."""
        return package_problem(self, parameters, context)

    def read(self, parameters: Parameters, context: QgsProcessingContext, progress: FeedbackProgress) -> None:
        """Resolve the layer."""
        self._raster = resolve_raster(self, parameters, INPUT, context)
        output = self.parameterAsOutputLayer(parameters, OUTPUT, context)
        self._request = replace(read_reduction(self, parameters, context, output),
                                memory_mib=self.parameterAsInt(parameters, MEMORY, context))

    def compute(self, context: QgsProcessingContext, progress: FeedbackProgress) -> Outputs:
        """Reduce."""
        from ...engine.analyses.reduce.raster import reduce_raster

        request = replace(self._request, input=self._raster.dataset(progress))
        result = reduce_raster(request, progress)
        style_on_load(context, result.output, PictureRasterStyle() if request.picture else EmbeddingRasterStyle())
        return reduction_outputs(result, request)

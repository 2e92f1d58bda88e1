"""Fuses embedding rasters on one grid into one space."""

from __future__ import annotations

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingOutputNumber,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterRasterDestination,
)

from ..adapters.feedback import FeedbackProgress
from ..adapters.raster import resolve_rasters
from ..algorithm import EarthprintAlgorithm, Outputs, Parameters
from ..fuse_inputs import declare_fusing, declare_fusing_results, fusing_outputs, read_fusing
from ..parameters.running import declare_memory
from ..styles.embedding_raster import EmbeddingRasterStyle
from ..styles.on_load import style_on_load

INPUTS = "INPUTS"
OUTPUT = "OUTPUT"


class FuseRasters(EarthprintAlgorithm):
    """Puts several fields' vectors side by side, each standardised and weighted, so that they speak together."""

    ID = "fuserasters"
    TITLE = "Fuse rasters"
    GROUP = "Embed"
    GROUP_ID = "embed"
    SUMMARY = (
        "Makes one embedding raster of several on the same grid, such as AlphaEarth and your own encoder's: each is "
        "standardised, so that none drowns the others, weighted, and on request reduced. Which dimensions came from "
        "which input is kept, so that later steps can tell what each contributes.")
    TAGS = ("fuse", "combine", "stack", "concatenate", "multimodal", "weights", "merge")

    def declare(self) -> None:
        """Add parameters and outputs."""
        self.add(
            QgsProcessingParameterMultipleLayers(INPUTS, self.tr("Embedding rasters"),
                                                 QgsProcessing.SourceType.TypeRaster),
            self.tr("Two or more embedding rasters with the same extent, cell size and CRS. A cell of the result has a "
                    "vector where all of them have one."))
        declare_fusing(self)
        declare_memory(self)
        self.add(
            QgsProcessingParameterRasterDestination(OUTPUT, self.tr("Fused embedding raster")),
            self.tr("A GeoTIFF with one band a dimension, named by the input it came from. Its space is a new one."))
        declare_fusing_results(self)
        self.addOutput(QgsProcessingOutputNumber("CELLS", self.tr("Number of cells with a vector")))

    def read(self, parameters: Parameters, context: QgsProcessingContext, progress: FeedbackProgress) -> None:
        """Resolve the layers."""
        self._rasters = resolve_rasters(self, parameters, INPUTS, context)
        self._request = read_fusing(self, parameters, context, self.parameterAsOutputLayer(parameters, OUTPUT, context))

    def compute(self, context: QgsProcessingContext, progress: FeedbackProgress) -> Outputs:
        """Fuse."""
        from ...engine.fusing.raster import fuse_rasters

        result = fuse_rasters([raster.dataset(progress) for raster in self._rasters], self._request, progress)
        style_on_load(context, self._request.output, EmbeddingRasterStyle())
        return dict(fusing_outputs(result, self._request, progress), OUTPUT=self._request.output, CELLS=result.rows)

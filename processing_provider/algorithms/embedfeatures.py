"""Embeds features from a field."""

from __future__ import annotations

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingOutputNumber,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterVectorDestination,
)

from ..adapters.feedback import FeedbackProgress
from ..adapters.outputs import table_destination
from ..adapters.raster import resolve_raster
from ..adapters.rows_input import rows_input
from ..algorithm import EarthprintAlgorithm, Outputs, Parameters
from ..environment import space_registry
from ..parameters.choice import choice
from ..parameters.number import whole_number
from ..styles.embedding_table import EmbeddingTableStyle
from ..styles.on_load import style_on_load

INPUT = "INPUT"
EMBEDDINGS = "EMBEDDINGS"
STATISTIC = "STATISTIC"
SAMPLING = "SAMPLING"
KEEP_EMPTY = "KEEP_EMPTY"
MEMORY = "MEMORY"
OUTPUT = "OUTPUT"
STATISTICS = ("mean", "median", "max", "std")
SAMPLINGS = ("bilinear", "nearest")


class EmbedFeatures(EarthprintAlgorithm):
    """Gives points, lines and polygons the vectors that an embedding raster holds under them."""

    ID = "embedfeatures"
    TITLE = "Embed features from a field"
    GROUP = "Embed"
    GROUP_ID = "embed"
    SUMMARY = (
        "Gives each point, line or polygon of any layer the vector that an embedding raster holds under it: points by "
        "a look-up between cells, lines and polygons by the mean, median, maximum or standard deviation of the cells "
        "they cover, each cell by the share covered. The result is an embedding table with the layer's attributes.")
    TAGS = ("zonal statistics", "sample", "extract", "points", "polygons", "pooling")

    def declare(self) -> None:
        """Add parameters and outputs."""
        self.add(
            QgsProcessingParameterFeatureSource(INPUT, self.tr("Features"),
                                                [QgsProcessing.SourceType.TypeVectorAnyGeometry]),
            self.tr("Points, lines or polygons in any CRS, multi-part or not; the selection and the filter of the "
                    "layer are respected. Invalid polygons are mended for measuring and written as they are."))
        self.add(
            QgsProcessingParameterRasterLayer(EMBEDDINGS, self.tr("Embedding raster")),
            self.tr("The raster to look into, as “Embed raster” and “Import embedding raster” make it. Any other "
                    "raster is taken with its bands as the vector."))
        self.add(
            choice(STATISTIC, self.tr("Statistic"), STATISTICS, "mean"),
            self.tr("For lines and polygons. mean: every cell counts by its area under the polygon, or by the length "
                    "of the line in it. median: half of the area or length lies on either side, in each dimension. "
                    "max: the largest value of each dimension among all cells touched. std: how much each dimension "
                    "varies. Mean and median can be compared with the raster; max and std are spaces of their own. "
                    "Points among lines or polygons count as the cell that holds them, except for mean."))
        self.add(
            choice(SAMPLING, self.tr("Sampling of points"), SAMPLINGS, "bilinear"),
            self.tr("For points. bilinear: the four nearest cells by their distance, those without a value left out, "
                    "so that the vector changes smoothly with the place. nearest: the cell that holds the point. A "
                    "multi-point gets the mean of its points."))
        self.add(
            QgsProcessingParameterBoolean(KEEP_EMPTY, self.tr("Keep features without a vector"), False),
            self.tr("Features outside the raster or on cells without a value are left out and counted. On: they are "
                    "kept with an empty vector, which other algorithms refuse until they are filtered out."),
            advanced=True)
        self.add(
            whole_number(MEMORY, self.tr("Memory in MiB"), 1024, 64),
            self.tr("How much memory blocks, and the cells kept for medians, may take."), advanced=True)
        self.add(
            QgsProcessingParameterVectorDestination(OUTPUT, self.tr("Embedding table"),
                                                    QgsProcessing.SourceType.TypeVectorAnyGeometry),
            self.tr("A GeoPackage layer with the features, their attributes, embedding (binary), embedding_space "
                    "(text), and valid_share: which part of the feature lies on cells that have a value."))
        self.addOutput(QgsProcessingOutputNumber("COVERED", self.tr("Features with a vector")))
        self.addOutput(QgsProcessingOutputNumber(
            "OUTSIDE", self.tr("Features without a vector: outside the raster, or on cells without a value")))
        self.addOutput(QgsProcessingOutputNumber("DIMENSIONS_OUT", self.tr("Dimensions of a vector")))

    def read(self, parameters: Parameters, context: QgsProcessingContext, progress: FeedbackProgress) -> None:
        """Resolve the layers."""
        self._rows = rows_input(self, parameters, INPUT, context)
        self._field = resolve_raster(self, parameters, EMBEDDINGS, context)
        self._statistic = self.parameterAsEnumString(parameters, STATISTIC, context)
        self._sampling = self.parameterAsEnumString(parameters, SAMPLING, context)
        self._keep_empty = self.parameterAsBool(parameters, KEEP_EMPTY, context)
        self._memory = self.parameterAsInt(parameters, MEMORY, context)
        self._output = table_destination(self.parameterAsOutputLayer(parameters, OUTPUT, context))

    def compute(self, context: QgsProcessingContext, progress: FeedbackProgress) -> Outputs:
        """Look up."""
        from ...engine.features.request import FeaturesRequest
        from ...engine.features.run import embed_features

        result = embed_features(
            FeaturesRequest(self._rows(), self._field.dataset(progress), self._output, self._statistic, self._sampling,
                            self._keep_empty, self._memory, space_registry()), progress)
        style_on_load(context, self._output, EmbeddingTableStyle())
        progress.info(self.tr("{covered} features got a vector of {dimensions} dimensions; {blocks} blocks were read "
                              "in {seconds:.1f} s.").format(covered=result.covered, dimensions=result.dimensions,
                                                            blocks=result.blocks_read, seconds=result.seconds))
        return {OUTPUT: result.output, "COVERED": result.covered, "OUTSIDE": result.outside,
                "DIMENSIONS_OUT": result.dimensions}

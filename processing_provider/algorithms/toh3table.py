"""Aggregates an embedding table to H3 hexagons."""

from __future__ import annotations

from qgis.core import QgsProcessing, QgsProcessingContext, QgsProcessingParameterFeatureSource

from ..adapters.features import table_input
from ..adapters.feedback import FeedbackProgress
from ..adapters.outputs import table_destination
from ..algorithm import EarthprintAlgorithm, Outputs, Parameters
from ..environment import space_registry
from ..parameters.hexagons import GEOMETRY, OUTPUT, RESOLUTION, declare_hexagon_table, declare_hexagons
from ..styles.embedding_table import EmbeddingTableStyle
from ..styles.on_load import style_on_load

INPUT = "INPUT"


class ToH3Table(EarthprintAlgorithm):
    """Gives each H3 hexagon the mean vector of the rows of an embedding table in it."""

    ID = "toh3table"
    TITLE = "Aggregate table to H3"
    GROUP = "Embed"
    GROUP_ID = "embed"
    SUMMARY = (
        "Aggregates an embedding table to the hexagons of H3, a grid of the whole Earth: each gets the mean vector of "
        "the points in it, or of the polygons that cover it by the area they share, with their number and how much "
        "they differ. Photos, patches, counties and rasters meet on one set of cells that way.")
    TAGS = ("h3", "hexagon", "hexbin", "grid", "aggregate", "discrete global grid")
    PACKAGES = ("h3",)

    def declare(self) -> None:
        """Add parameters and outputs."""
        self.add(
            QgsProcessingParameterFeatureSource(INPUT, self.tr("Embedding table"),
                                                [QgsProcessing.SourceType.TypeVector]),
            self.tr("A layer with a column “embedding”, in any CRS. A point counts once in the hexagon that holds it, "
                    "a line in that of its middle; a polygon counts in every hexagon that it covers, by the area they "
                    "share. Other columns are left out."))
        declare_hexagons(self, self.tr("the finest at which hexagons hold four rows on average."))
        declare_hexagon_table(self, self.tr("rows"))

    def read(self, parameters: Parameters, context: QgsProcessingContext, progress: FeedbackProgress) -> None:
        """Resolve the layer."""
        self._table = table_input(self, parameters, INPUT, context, space_registry())
        self._resolution = self.parameterAsInt(parameters, RESOLUTION, context)
        self._geometry = self.parameterAsEnumString(parameters, GEOMETRY, context)
        self._output = table_destination(self.parameterAsOutputLayer(parameters, OUTPUT, context))

    def compute(self, context: QgsProcessingContext, progress: FeedbackProgress) -> Outputs:
        """Aggregate."""
        from ...engine.hexagons.request import HexagonOptions
        from ...engine.hexagons.table import TableHexagons, aggregate_table

        options = HexagonOptions(self._output, self._resolution, self._geometry, registry=space_registry())
        result = aggregate_table(TableHexagons(self._table(), options), progress)
        style_on_load(context, self._output, EmbeddingTableStyle())
        progress.info(self.tr("{count} hexagons of resolution {resolution} in {seconds:.1f} s.").format(
            count=result.hexagons, resolution=result.resolution, seconds=result.seconds))
        return {OUTPUT: result.output, "HEXAGONS": result.hexagons, "RESOLUTION_OUT": result.resolution,
                "LEFT_OUT": result.left_out}

"""Aggregates a field to H3 hexagons."""

from __future__ import annotations

from qgis.core import QgsProcessingContext, QgsProcessingParameterRasterLayer

from ..adapters.feedback import FeedbackProgress
from ..adapters.outputs import table_destination
from ..adapters.raster import resolve_raster
from ..algorithm import EarthprintAlgorithm, Outputs, Parameters
from ..environment import space_registry
from ..parameters.hexagons import GEOMETRY, OUTPUT, RESOLUTION, declare_hexagon_table, declare_hexagons
from ..parameters.number import whole_number
from ..styles.embedding_table import EmbeddingTableStyle
from ..styles.on_load import style_on_load

INPUT = "INPUT"
MEMORY = "MEMORY"


class ToH3Raster(EarthprintAlgorithm):
    """Gives each H3 hexagon the mean vector of the cells of an embedding raster in it."""

    ID = "toh3raster"
    TITLE = "Aggregate raster to H3"
    GROUP = "Embed"
    GROUP_ID = "embed"
    SUMMARY = (
        "Aggregates an embedding raster to the hexagons of H3, a grid of the whole Earth: each gets the mean vector of "
        "the cells whose centres lie in it, weighted by their true area, their number, and how much they differ. "
        "Rasters of different grids and CRSs meet on one set of cells that way, and with tables of other sources.")
    TAGS = ("h3", "hexagon", "hexbin", "grid", "aggregate", "discrete global grid")
    PACKAGES = ("h3",)

    def declare(self) -> None:
        """Add parameters and outputs."""
        self.add(
            QgsProcessingParameterRasterLayer(INPUT, self.tr("Embedding raster")),
            self.tr("The raster to aggregate, in any CRS. Any other raster is taken with its bands as the vector."))
        declare_hexagons(self, self.tr("the finest whose hexagons hold eight cells or more."))
        self.add(whole_number(MEMORY, self.tr("Memory in MiB"), 1024, 64),
                 self.tr("How much memory blocks may take, whatever the size of the raster."), advanced=True)
        declare_hexagon_table(self, self.tr("cells with a value"))

    def read(self, parameters: Parameters, context: QgsProcessingContext, progress: FeedbackProgress) -> None:
        """Resolve the layer."""
        self._field = resolve_raster(self, parameters, INPUT, context)
        self._resolution = self.parameterAsInt(parameters, RESOLUTION, context)
        self._geometry = self.parameterAsEnumString(parameters, GEOMETRY, context)
        self._memory = self.parameterAsInt(parameters, MEMORY, context)
        self._output = table_destination(self.parameterAsOutputLayer(parameters, OUTPUT, context))

    def compute(self, context: QgsProcessingContext, progress: FeedbackProgress) -> Outputs:
        """Aggregate."""
        from ...engine.hexagons.raster import RasterHexagons, aggregate_field
        from ...engine.hexagons.request import HexagonOptions

        options = HexagonOptions(self._output, self._resolution, self._geometry, self._memory, space_registry())
        result = aggregate_field(RasterHexagons(self._field.dataset(progress), options), progress)
        style_on_load(context, self._output, EmbeddingTableStyle())
        progress.info(self.tr("{count} hexagons of resolution {resolution} in {seconds:.1f} s.").format(
            count=result.hexagons, resolution=result.resolution, seconds=result.seconds))
        return {OUTPUT: result.output, "HEXAGONS": result.hexagons, "RESOLUTION_OUT": result.resolution,
                "LEFT_OUT": result.left_out}

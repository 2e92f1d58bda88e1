"""Finds the rows of an embedding table that are unlike the others."""

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
from ..outlier_inputs import read_outlier_choice
from ..parameters.outliers import declare_outliers
from ..styles.on_load import style_on_load
from ..styles.outlier_rows import OutlierRowsStyle

INPUT = "INPUT"
OUTPUT = "OUTPUT"


class OutlierTable(EarthprintAlgorithm):
    """Scores every row of an embedding table by how unlike the others it is."""

    ID = "outliertable"
    TITLE = "Find outliers in table"
    GROUP = "Explore"
    GROUP_ID = "explore"
    SUMMARY = (
        "Scores every feature of an embedding table by how unlike the others it is: rare places, strange photos, "
        "faults of the data. Works without anything to install.")
    TAGS = ("outlier", "anomaly", "novelty", "rare", "strange", "distance", "nearest neighbour")

    def declare(self) -> None:
        """Add parameters and outputs."""
        self.add(
            QgsProcessingParameterFeatureSource(INPUT, self.tr("Embedding table"),
                                                [QgsProcessing.SourceType.TypeVector]),
            self.tr("The features to look through: a layer with the column embedding. Its filter and selection are "
                    "respected."))
        declare_outliers(self, self.tr("chosen by chance"))
        self.add(
            QgsProcessingParameterVectorDestination(OUTPUT, self.tr("Table with outliers"),
                                                    QgsProcessing.SourceType.TypeVectorAnyGeometry),
            self.tr("A GeoPackage layer: the input's rows, attributes and vectors, and the score in outlier; the "
                    "higher, the odder. NULL for vectors of length zero where they are compared by angle. A column "
                    "outlier of an earlier run is replaced."))

    def read(self, parameters: Parameters, context: QgsProcessingContext, progress: FeedbackProgress) -> None:
        """Resolve the layer."""
        self._registry = space_registry()
        self._open = table_input(self, parameters, INPUT, context, self._registry)
        self._choice = read_outlier_choice(self, parameters, context)
        self._output = table_destination(self.parameterAsOutputLayer(parameters, OUTPUT, context))

    def compute(self, context: QgsProcessingContext, progress: FeedbackProgress) -> Outputs:
        """Score."""
        from ...engine.analyses.outliers.request import OutlierTableRequest
        from ...engine.analyses.outliers.table import outlier_table

        result = outlier_table(self._open(), OutlierTableRequest(self._output, self._choice), progress, self._registry)
        style_on_load(context, result.output, OutlierRowsStyle())
        return {OUTPUT: result.output}

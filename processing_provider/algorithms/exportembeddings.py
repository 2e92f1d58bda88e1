"""Exports embedding tables to the forms that other programs read."""

from __future__ import annotations

import os

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingOutputNumber,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterFileDestination,
)

from ...engine.exporting import ENDINGS, ExportRequest, export_table
from ...engine.exporting.run import form_of, require_ending
from ...engine.packages import require
from ...engine.registry import Registry
from ..adapters.features import table_input
from ..adapters.feedback import FeedbackProgress
from ..adapters.outputs import destination_text, is_temporary
from ..algorithm import EarthprintAlgorithm, Outputs, Parameters
from ..environment import folders
from ..parameters.choice import choice

INPUT = "INPUT"
FORMAT = "FORMAT"
OUTPUT = "OUTPUT"


class ExportEmbeddings(EarthprintAlgorithm):
    """Writes the vectors of an embedding table as columns, GeoParquet, CSV or a NumPy array."""

    ID = "exportembeddings"
    TITLE = "Export embeddings"
    GROUP = "Embeddings in and out"
    GROUP_ID = "inout"
    SUMMARY = (
        "Writes an embedding table as columns of numbers in a GeoPackage, as GeoParquet with a list column, as CSV or "
        "as a NumPy array, with the same numbers. “Import embeddings” reads each of them back.")
    TAGS = ("export", "columns", "parquet", "geoparquet", "csv", "numpy", "npy", "wide")

    def declare(self) -> None:
        """Add parameters and outputs."""
        self.add(
            QgsProcessingParameterFeatureSource(INPUT, self.tr("Embedding table"),
                                                [QgsProcessing.SourceType.TypeVector]),
            self.tr("An embedding table: a layer with the columns embedding and embedding_space."))
        self.add(
            choice(FORMAT, self.tr("Form"), tuple(ENDINGS), "columns"),
            self.tr("columns: a GeoPackage with emb_0, emb_1 … (up to 1990 of them). parquet: GeoParquet with the list "
                    "column embedding and STAC's embedding metadata (needs pyarrow). csv: one line a place, geometries "
                    "as WKT. numpy: NAME.npy, with NAME_ids.csv and NAME.json. Where a script leaves it out, the "
                    "ending of OUTPUT tells."))
        self.add(
            QgsProcessingParameterFileDestination(
                OUTPUT, self.tr("File"),
                self.tr("Embeddings") + " (*.gpkg *.parquet *.geoparquet *.csv *.npy)"),
            self.tr("Ends in .gpkg, .parquet, .csv or .npy, as the form asks. The space's key goes along as the column "
                    "embedding_space or in the file's metadata, and the licence with it."))
        self.addOutput(QgsProcessingOutputNumber("ROWS", self.tr("Rows")))
        self.addOutput(QgsProcessingOutputNumber("DIMENSIONS_OUT", self.tr("Dimensions")))

    def problem(self, parameters: Parameters, context: QgsProcessingContext) -> str:
        """Tell formats that hold no vectors."""
        text = destination_text(parameters.get(OUTPUT))
        if text and text != QgsProcessing.TEMPORARY_OUTPUT:
            require_ending(self._form(parameters, text, context), text)
        return ""

    def read(self, parameters: Parameters, context: QgsProcessingContext, progress: FeedbackProgress) -> None:
        """Resolve the table."""
        output = self.parameterAsFileOutput(parameters, OUTPUT, context)
        temporary = is_temporary(output)
        self._chosen = self._form(parameters, "" if temporary else output, context)
        if temporary:
            # QGIS names temporary files before it is known which form they have.
            output = os.path.splitext(output)[0] + ENDINGS[self._chosen]
        self._output = output
        if self._chosen == "parquet":
            require("pyarrow")
        self._table = table_input(self, parameters, INPUT, context, Registry(folders().spaces))

    def _form(self, parameters: Parameters, path: str, context: QgsProcessingContext) -> str:
        """Return the form that was chosen, else the one that the ending means."""
        if parameters.get(FORMAT) in (None, "") and path:
            return form_of(path)
        return self.parameterAsEnumString(parameters, FORMAT, context)

    def compute(self, context: QgsProcessingContext, progress: FeedbackProgress) -> Outputs:
        """Export."""
        result = export_table(ExportRequest(self._table(), self._output, self._chosen), progress)
        return {OUTPUT: result.output, "ROWS": result.rows, "DIMENSIONS_OUT": result.dimensions}

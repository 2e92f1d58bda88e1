"""Exports embedding tables to the forms that other programs read, and embedding rasters to other codings."""

from __future__ import annotations

import os

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingOutputNumber,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterRasterLayer,
)

from ...engine.exporting.endings import (
    ENDINGS,
    RASTER_CODINGS,
    RASTER_ENDING,
    form_of,
    require_ending,
    require_raster_ending,
)
from ...engine.packages import require
from ...engine.registry import Registry
from ..adapters.features import table_input
from ..adapters.feedback import FeedbackProgress
from ..adapters.outputs import destination_text, is_temporary
from ..adapters.raster import resolve_raster
from ..algorithm import EarthprintAlgorithm, Outputs, Parameters
from ..environment import folders
from ..parameters.choice import choice
from ..parameters.number import real_number
from ..parameters.running import MEMORY, declare_memory

INPUT = "INPUT"
RASTER = "RASTER"
CODING = "CODING"
MAX_ERROR = "MAX_ERROR"
FORMAT = "FORMAT"
OUTPUT = "OUTPUT"


class ExportEmbeddings(EarthprintAlgorithm):
    """Writes the vectors of a table as columns, GeoParquet, CSV or a NumPy array, and those of a raster recoded."""

    ID = "exportembeddings"
    TITLE = "Export embeddings"
    GROUP = "Embeddings in and out"
    GROUP_ID = "inout"
    SUMMARY = (
        "Writes an embedding table as columns of numbers in a GeoPackage, as GeoParquet with a list column, as CSV or "
        "as a NumPy array, with the same numbers; “Import embeddings” reads each of them back. Writes an embedding "
        "raster as a GeoTIFF in another coding, which takes less room and says how far a value may be off.")
    TAGS = ("export", "columns", "parquet", "geoparquet", "csv", "numpy", "npy", "wide", "quantise", "compress", "lerc",
            "int8", "coding")

    def declare(self) -> None:
        """Add parameters and outputs."""
        self.add(
            QgsProcessingParameterFeatureSource(INPUT, self.tr("Embedding table"),
                                                [QgsProcessing.SourceType.TypeVector], None, True),
            self.tr("An embedding table: a layer with the columns embedding and embedding_space. Give either this or "
                    "RASTER."))
        self.add(
            QgsProcessingParameterRasterLayer(RASTER, self.tr("Embedding raster"), None, True),
            self.tr("In place of a table: an embedding raster, to be written as a GeoTIFF in another coding. Its space "
                    "and licence go along."))
        self.add(
            choice(FORMAT, self.tr("Form of a table"), tuple(ENDINGS), "columns"),
            self.tr("columns: a GeoPackage with emb_0, emb_1 … (up to 1990 of them). parquet: GeoParquet with the list "
                    "column embedding and STAC's embedding metadata (needs pyarrow). csv: one line a place, geometries "
                    "as WKT. numpy: NAME.npy, with NAME_ids.csv and NAME.json. Where a script leaves it out, the "
                    "ending of OUTPUT tells."))
        self.add(
            choice(CODING, self.tr("Coding of a raster"), RASTER_CODINGS, "int16"),
            self.tr("float32: exact. int16 and uint8: whole numbers with a scale and offset for each dimension, a half "
                    "and a quarter of the size; every GIS applies them. alphaearth: signed bytes as AlphaEarth has "
                    "them, for vectors of length 1 alone; only Earthprint decodes them by itself. lerc: float32, "
                    "compressed so that no value is off by more than MAX_ERROR."))
        self.add(
            real_number(MAX_ERROR, self.tr("Largest error of lerc"), 0.001, 0.0),
            self.tr("How far lerc may move a value. The other codings have an error of their own, which the log and "
                    "LARGEST_ERROR tell."), advanced=True)
        declare_memory(self)
        self.add(
            QgsProcessingParameterFileDestination(
                OUTPUT, self.tr("File"),
                self.tr("Embeddings") + " (*.gpkg *.parquet *.geoparquet *.csv *.npy *.tif)"),
            self.tr("Ends in .gpkg, .parquet, .csv or .npy, as the form asks, and in .tif for a raster. The space's "
                    "key goes along as the column embedding_space or in the file's metadata, and the licence with it."))
        self.addOutput(QgsProcessingOutputNumber("ROWS", self.tr("Rows, or cells with a vector")))
        self.addOutput(QgsProcessingOutputNumber("DIMENSIONS_OUT", self.tr("Dimensions")))
        self.addOutput(QgsProcessingOutputNumber("LARGEST_ERROR", self.tr("How far a value is off at most")))

    def problem(self, parameters: Parameters, context: QgsProcessingContext) -> str:
        """Ask for exactly one input, and tell formats that hold no vectors."""
        given = [name for name in (INPUT, RASTER) if parameters.get(name) not in (None, "")]
        if len(given) != 1:
            return self.tr("Give either INPUT, an embedding table, or RASTER, an embedding raster: {count} of the two "
                           "are given.").format(count=len(given))
        text = destination_text(parameters.get(OUTPUT))
        if text and text != QgsProcessing.TEMPORARY_OUTPUT:
            if given == [RASTER]:
                require_raster_ending(text)
            else:
                require_ending(self._form(parameters, text, context), text)
        return ""

    def read(self, parameters: Parameters, context: QgsProcessingContext, progress: FeedbackProgress) -> None:
        """Resolve the table or raster."""
        output = self.parameterAsFileOutput(parameters, OUTPUT, context)
        self._raster = None
        self._coding = (self.parameterAsEnumString(parameters, CODING, context),
                        self.parameterAsDouble(parameters, MAX_ERROR, context),
                        self.parameterAsInt(parameters, MEMORY, context))
        if parameters.get(RASTER) not in (None, ""):
            self._raster = resolve_raster(self, parameters, RASTER, context)
            if is_temporary(output):
                output = os.path.splitext(output)[0] + RASTER_ENDING
            self._output = output
            return
        self._read_table(parameters, context, output)

    def _read_table(self, parameters: Parameters, context: QgsProcessingContext, output: str) -> None:
        """Resolve the table."""
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
        if self._raster is not None:
            from ...engine.exporting.raster import RasterExportRequest, export_raster

            coding, error, memory = self._coding
            written = export_raster(RasterExportRequest(self._raster.dataset(progress), self._output, coding, error,
                                                        memory), progress)
            return {OUTPUT: written.output, "ROWS": written.cells, "DIMENSIONS_OUT": written.dimensions,
                    "LARGEST_ERROR": written.found_error}
        from ...engine.exporting.run import ExportRequest, export_table

        result = export_table(ExportRequest(self._table(), self._output, self._chosen), progress)
        return {OUTPUT: result.output, "ROWS": result.rows, "DIMENSIONS_OUT": result.dimensions, "LARGEST_ERROR": 0.0}

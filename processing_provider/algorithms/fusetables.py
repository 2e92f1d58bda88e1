"""Fuses embedding tables of the same places into one space."""

from __future__ import annotations

from dataclasses import replace

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingOutputNumber,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterString,
    QgsProcessingParameterVectorDestination,
)

from ...engine.fusing.request import INCOMPLETES, MATCHES
from ..adapters.features import table_input
from ..adapters.feedback import FeedbackProgress
from ..adapters.outputs import table_destination
from ..algorithm import EarthprintAlgorithm, Outputs, Parameters
from ..environment import space_registry
from ..fuse_inputs import declare_fusing, declare_fusing_results, fusing_outputs, read_fusing
from ..parameters.choice import choice
from ..styles.embedding_table import EmbeddingTableStyle
from ..styles.on_load import style_on_load

INPUTS = "INPUTS"
KEY = "KEY"
MATCH = "MATCH"
INCOMPLETE = "INCOMPLETE"
OUTPUT = "OUTPUT"


class FuseTables(EarthprintAlgorithm):
    """Joins tables by a key and puts their vectors side by side, each standardised and weighted."""

    ID = "fusetables"
    TITLE = "Fuse tables"
    GROUP = "Embed"
    GROUP_ID = "embed"
    SUMMARY = (
        "Makes one embedding table of several that describe the same places, such as districts seen from space, from "
        "the street and by their people: rows are joined by a key, and each table's vectors are standardised, so that "
        "none drowns the others, weighted, and on request reduced. Which dimensions came from which table is kept.")
    TAGS = ("fuse", "combine", "join", "concatenate", "multimodal", "weights", "merge")

    def declare(self) -> None:
        """Add parameters and outputs."""
        self.add(
            QgsProcessingParameterMultipleLayers(INPUTS, self.tr("Embedding tables"),
                                                 QgsProcessing.SourceType.TypeVector),
            self.tr("Two or more embedding tables. The result has the rows, geometries and attributes of the first, or "
                    "(MATCH=union) the pieces of all polygons, with the attributes of all tables."))
        self.add(
            QgsProcessingParameterString(KEY, self.tr("Column of the key"), "", False, True),
            self.tr("The column that names the place in every table, or one for each table, in their order, separated "
                    "by semicolons, such as code;region_code. Empty: the first column in common that names each row "
                    "once. Rows without a partner are left out and counted. Not used by area and union."))
        self.add(
            choice(MATCH, self.tr("Match by"), MATCHES, "automatic"),
            self.tr("key: rows that have the same key. area: each row of the first table gets the mean of what lies on "
                    "it in the others, weighted by the area of the overlap on the ground (by length where one side has "
                    "lines, by number where it has points), such as hexagons or photos on districts. union: the "
                    "polygons of all tables are cut by one another, and each piece gets the vectors of the polygons it "
                    "lies in. automatic: union where all tables hold polygons, KEY is empty, and the polygons are not "
                    "the same ones; else key."))
        self.add(
            choice(INCOMPLETE, self.tr("Pieces that a table lacks"), INCOMPLETES, "omit"),
            self.tr("With union: what becomes of pieces that lie in no polygon of some of the tables. omit: they are "
                    "left out, and the log counts the polygons concerned. mean: they are kept, and the part of the "
                    "vector that is missing is that table's mean, which neither likens nor parts them."),
            advanced=True)
        declare_fusing(self)
        self.add(
            QgsProcessingParameterVectorDestination(OUTPUT, self.tr("Fused embedding table"),
                                                    QgsProcessing.SourceType.TypeVector),
            self.tr("A GeoPackage layer with the columns embedding and embedding_space. Its space is a new one."))
        declare_fusing_results(self)
        self.addOutput(QgsProcessingOutputNumber("ROWS", self.tr("Rows with a vector")))
        self.addOutput(QgsProcessingOutputNumber("LEFT_OUT", self.tr("Rows of the first table without a partner")))

    def read(self, parameters: Parameters, context: QgsProcessingContext, progress: FeedbackProgress) -> None:
        """Resolve the layers."""
        given = parameters.get(INPUTS)
        values = given if isinstance(given, (list, tuple)) else [given]
        self._tables = [table_input(self, {INPUTS: value}, INPUTS, context, space_registry()) for value in values]
        self._key = self.parameterAsString(parameters, KEY, context)
        request = read_fusing(self, parameters, context, table_destination(
            self.parameterAsOutputLayer(parameters, OUTPUT, context)))
        self._request = replace(request, match=self.parameterAsEnumString(parameters, MATCH, context),
                                incomplete=self.parameterAsEnumString(parameters, INCOMPLETE, context))

    def compute(self, context: QgsProcessingContext, progress: FeedbackProgress) -> Outputs:
        """Fuse."""
        from ...engine.fusing.table import fuse_tables

        result = fuse_tables([table() for table in self._tables], self._key, self._request, progress, space_registry())
        style_on_load(context, self._request.output, EmbeddingTableStyle())
        return dict(fusing_outputs(result, self._request, progress), OUTPUT=self._request.output, ROWS=result.rows,
                    LEFT_OUT=result.left_out)

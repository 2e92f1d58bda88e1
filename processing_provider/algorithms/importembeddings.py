"""Imports vectors that others publish, in columns, lists or arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterFile,
    QgsProcessingParameterString,
    QgsProcessingParameterVectorDestination,
)

from ...engine.errors import InputError
from ...engine.registry import Registry
from ..adapters.feedback import FeedbackProgress
from ..adapters.outputs import table_destination
from ..adapters.rows_input import rows_input
from ..algorithm import EarthprintAlgorithm, Outputs, Parameters
from ..environment import folders
from ..parameters.choice import choice
from ..styles.embedding_table import EmbeddingTableStyle
from ..styles.on_load import style_on_load

if TYPE_CHECKING:
    from ...engine.products.opening import Opened

INPUT = "INPUT"
FILE = "FILE"
PRODUCT = "PRODUCT"
FIELDS = "FIELDS"
GEOMETRY_LAYER = "GEOMETRY_LAYER"
KEY = "KEY"
GEOMETRY_KEY = "GEOMETRY_KEY"
OUTPUT = "OUTPUT"
PRODUCTS = ("automatic", "columns", "list", "alphaearth", "tessera", "parquet", "numpy")


class ImportEmbeddings(EarthprintAlgorithm):
    """Makes an embedding table of vectors that others publish: columns of numbers, lists, Parquet, NumPy arrays."""

    ID = "importembeddings"
    TITLE = "Import embeddings"
    GROUP = "Embeddings in and out"
    GROUP_ID = "inout"
    SUMMARY = (
        "Makes an embedding table of a layer or file whose vectors lie in numbered columns (A00 to A63, feature0 …, "
        "emb_0 …, 0 to 1023), in one column of lists, in GeoParquet or in a NumPy array. AlphaEarth, TESSERA, Clay, "
        "Earth Index, Major TOM and PDFM are recognised, and their licence goes along.")
    TAGS = ("import", "columns", "list", "alphaearth", "tessera", "clay", "pdfm", "major tom", "earth index", "parquet",
            "geoparquet", "numpy", "csv", "vectors")

    def declare(self) -> None:
        """Add parameters and outputs."""
        self.add(
            QgsProcessingParameterFeatureSource(INPUT, self.tr("Layer"), [QgsProcessing.SourceType.TypeVector], None,
                                                True),
            self.tr("The layer whose columns hold the vectors, with or without geometry. Give either this or FILE."))
        self.add(
            QgsProcessingParameterFile(FILE, self.tr("File"), QgsProcessingParameterFile.Behavior.File, "", None, True),
            self.tr("In place of a layer: GeoParquet or Parquet, a .npy with a row for each place (ids in NAME_ids.csv "
                    "or NAME_ids.npy beside it), a CSV or any other vector file. The first line of a CSV is its "
                    "header, even where the columns are called 0 to 1023."))
        self.add(
            choice(PRODUCT, self.tr("Product, or where the vectors lie"), PRODUCTS, "automatic"),
            self.tr("columns: one numeric column a dimension. list: one column that holds whole vectors, as [1, 2] or "
                    "{1,2} or bytes of float32. automatic: whichever of the two has more dimensions; what the file "
                    "says, or a product's names and values, tell what it is. alphaearth, tessera: says so where "
                    "nothing tells. parquet, numpy: FILE is one. What was taken is told in the log."))
        self.add(
            QgsProcessingParameterString(FIELDS, self.tr("Columns"), "", False, True),
            self.tr("Empty: the longest run of numeric columns that share a name and are numbered in a row (8 or more, "
                    "in the order of their numbers), or the column of lists. Otherwise the columns in order, separated "
                    "by semicolons, singly or as ranges, such as A00-A63."))
        self.add(
            QgsProcessingParameterFeatureSource(GEOMETRY_LAYER, self.tr("Layer of geometries"),
                                                [QgsProcessing.SourceType.TypeVectorAnyGeometry], None, True),
            self.tr("For rows without geometry: a layer that has it, such as the counties that a CSV names by their "
                    "code. Rows that find none stay without and are counted. Without one, rows with the "
                    "columns longitude and latitude become points."), advanced=True)
        self.add(
            QgsProcessingParameterString(KEY, self.tr("Column that names the place"), "", False, True),
            self.tr("The column that names the place of a row, as a code or geoId/01001, zip/94043. Empty: the first "
                    "that is in both layers, else the pair of columns whose values meet most. Lost leading zeros are "
                    "put back."),
            advanced=True)
        self.add(
            QgsProcessingParameterString(GEOMETRY_KEY, self.tr("The same in the layer of geometries"), "", False, True),
            self.tr("Its column in the layer of geometries. Empty: the same name, else found by its values."),
            advanced=True)
        self.add(
            QgsProcessingParameterVectorDestination(OUTPUT, self.tr("Embedding table"),
                                                    QgsProcessing.SourceType.TypeVector),
            self.tr("A GeoPackage layer with the columns embedding (binary) and embedding_space (text) in place of the "
                    "columns read. Rows without a vector are left out and counted."))
        self.addOutput(QgsProcessingOutputNumber("ROWS", self.tr("Rows with a vector")))
        self.addOutput(QgsProcessingOutputNumber("LEFT_OUT", self.tr("Rows without a vector")))
        self.addOutput(QgsProcessingOutputNumber("DIMENSIONS_OUT", self.tr("Dimensions")))
        self.addOutput(QgsProcessingOutputString("SPACE", self.tr("Space")))

    def problem(self, parameters: Parameters, context: QgsProcessingContext) -> str:
        """Ask for exactly one source."""
        given = [name for name in (INPUT, FILE) if parameters.get(name) not in (None, "")]
        if len(given) == 1:
            return ""
        return self.tr("Give either INPUT, a layer, or FILE, a file: {count} of the two are given.").format(
            count=len(given))

    def read(self, parameters: Parameters, context: QgsProcessingContext, progress: FeedbackProgress) -> None:
        """Resolve the layer."""
        self._product = self.parameterAsEnumString(parameters, PRODUCT, context)
        self._source = self._source_of(parameters, context)
        self._fields = self.parameterAsString(parameters, FIELDS, context)
        self._output = table_destination(self.parameterAsOutputLayer(parameters, OUTPUT, context))
        self._registry = Registry(folders().spaces)
        self._shapes = None
        if parameters.get(GEOMETRY_LAYER) not in (None, ""):
            self._shapes = rows_input(self, parameters, GEOMETRY_LAYER, context)
        self._keys = (self.parameterAsString(parameters, KEY, context).strip(),
                      self.parameterAsString(parameters, GEOMETRY_KEY, context).strip())

    def _source_of(self, parameters: Parameters, context: QgsProcessingContext) -> "Callable[[], Opened]":
        """Return how to open the rows."""
        from ...engine.products.opening import NUMPY, PARQUET, Opened, open_published

        path = self.parameterAsFile(parameters, FILE, context) if parameters.get(FILE) else ""
        product = self._product
        if path:
            return lambda: open_published(path, product)
        if product in (PARQUET, NUMPY):
            raise InputError("product-layer", "PRODUCT: {product} is a kind of file: give its path as FILE, not as "
                             "INPUT.", product=product)
        rows = rows_input(self, parameters, INPUT, context)
        return lambda: Opened(rows())

    def compute(self, context: QgsProcessingContext, progress: FeedbackProgress) -> Outputs:
        """Import."""
        from ...engine.importing import GeometryJoin, ImportRequest, import_table

        join = GeometryJoin(self._shapes(), *self._keys) if self._shapes is not None else None
        opened = self._source()
        if opened.without_crs and join is None:
            progress.warn(self.tr("{name} states no CRS: give the layer the right one with “Assign projection”.")
                          .format(name=opened.rows.name))
        result = import_table(ImportRequest(opened.rows, self._output, self._product, self._fields,
                                            registry=self._registry, geometry=join, described=opened.described,
                                            file=opened.file), progress)
        style_on_load(context, self._output, EmbeddingTableStyle())
        return {OUTPUT: self._output, "ROWS": result.rows, "LEFT_OUT": result.left_out,
                "DIMENSIONS_OUT": result.space.dimensions, "SPACE": result.key}

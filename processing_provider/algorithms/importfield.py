"""Imports rasters of published embeddings."""

from __future__ import annotations

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterCrs,
    QgsProcessingParameterFile,
    QgsProcessingParameterRasterDestination,
)

from ...engine.products.importing_field import FieldImport, import_field
from ...engine.registry import Registry
from ..adapters.feedback import FeedbackProgress
from ..adapters.outputs import allow_virtual, is_temporary, without_ending, written_elsewhere
from ..algorithm import EarthprintAlgorithm, Outputs, Parameters
from ..environment import folders
from ..parameters.choice import choice
from ..styles.embedding_raster import EmbeddingRasterStyle
from ..styles.on_load import style_on_load

FILE = "FILE"
PRODUCT = "PRODUCT"
GEOREFERENCE = "GEOREFERENCE"
CRS = "CRS"
OUTPUT = "OUTPUT"
PRODUCTS = ("automatic", "alphaearth", "tessera")


class ImportField(EarthprintAlgorithm):
    """Opens a published raster of vectors as what it is: right scale, right nodata, right side up, its space known."""

    ID = "importfield"
    TITLE = "Import embedding raster"
    GROUP = "Embeddings in and out"
    GROUP_ID = "inout"
    SUMMARY = (
        "Opens a tile of AlphaEarth or TESSERA as an embedding raster. What it is, is told by looking; where its "
        "numbers allow, it is used in place, without a copy.")
    TAGS = ("import", "alphaearth", "aef", "satellite embedding", "tessera", "geotessera", "zarr", "npy", "vrt")

    def declare(self) -> None:
        """Add parameters and outputs."""
        self.add(
            QgsProcessingParameterFile(FILE, self.tr("File"), QgsProcessingParameterFile.Behavior.File),
            self.tr("A GeoTIFF or .vrt of AlphaEarth (signed bytes, or decoded as Earth Engine exports it), a GeoTIFF "
                    "or a .npy of TESSERA (its scales as NAME_scales.npy beside it), or a Zarr store (its "
                    "folder, or the .zgroup or zarr.json in it)."))
        self.add(
            choice(PRODUCT, self.tr("Product"), PRODUCTS, "automatic"),
            self.tr("automatic: told by the number, names and values of the bands, or refused. alphaearth, tessera: "
                    "says so where nothing tells; it is checked against the values."))
        self.add(
            QgsProcessingParameterFile(GEOREFERENCE, self.tr("Landmask of a .npy"),
                                       QgsProcessingParameterFile.Behavior.File, "", None, True),
            self.tr("A .npy says nothing of where it lies. Empty: the landmask of the same name beside it or in the "
                    "folders of geotessera."), advanced=True)
        self.add(
            QgsProcessingParameterCrs(CRS, self.tr("Another CRS"), None, True),
            self.tr("Brings a tile of one UTM zone into the CRS of others by its nearest cells, still in place. "
                    "Empty: its own, which is better wherever one tile is enough."), advanced=True)
        output = QgsProcessingParameterRasterDestination(OUTPUT, self.tr("Embedding raster"))
        allow_virtual(output)
        self.add(
            output,
            self.tr("A .vrt shows the file in place and carries space and licence: keep the file where it is. A .tif "
                    "is a copy without loss. A temporary output is a .vrt where that goes; arrays, Zarr and files "
                    "whose empty cells are zeros need a copy."))
        self.addOutput(QgsProcessingOutputNumber("DIMENSIONS_OUT", self.tr("Dimensions")))
        self.addOutput(QgsProcessingOutputString("PRODUCT_OUT", self.tr("Product that was recognised")))
        self.addOutput(QgsProcessingOutputString("SPACE", self.tr("Space")))

    def read(self, parameters: Parameters, context: QgsProcessingContext, progress: FeedbackProgress) -> None:
        """Read the request."""
        crs = self.parameterAsCrs(parameters, CRS, context) if parameters.get(CRS) else None
        self._named = self.parameterAsOutputLayer(parameters, OUTPUT, context)
        self._request = FieldImport(
            self.parameterAsFile(parameters, FILE, context),
            without_ending(self._named) if is_temporary(self._named) else self._named,
            self.parameterAsEnumString(parameters, PRODUCT, context),
            self.parameterAsFile(parameters, GEOREFERENCE, context) if parameters.get(GEOREFERENCE) else "",
            crs.toWkt(crs.WktVariant.WKT_PREFERRED) if crs is not None and crs.isValid() else "",
            Registry(folders().spaces))

    def compute(self, context: QgsProcessingContext, progress: FeedbackProgress) -> Outputs:
        """Import."""
        result = import_field(self._request, progress)
        written_elsewhere(context, self._named, result.output)
        style_on_load(context, result.output, EmbeddingRasterStyle())
        return {OUTPUT: result.output, "DIMENSIONS_OUT": result.space.dimensions, "PRODUCT_OUT": result.product,
                "SPACE": result.key}

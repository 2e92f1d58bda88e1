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

from ...engine.products.resampling import NEAREST, RESAMPLINGS
from ...engine.registry import Registry
from ..adapters.feedback import FeedbackProgress
from ..adapters.outputs import allow_virtual, is_temporary, without_ending, written_elsewhere
from ..adapters.values import allow_several
from ..algorithm import EarthprintAlgorithm, Outputs, Parameters
from ..environment import folders
from ..parameters.choice import choice
from ..styles.embedding_raster import EmbeddingRasterStyle
from ..styles.on_load import style_on_load

FILE = "FILE"
PRODUCT = "PRODUCT"
GEOREFERENCE = "GEOREFERENCE"
CRS = "CRS"
RESAMPLING = "RESAMPLING"
OUTPUT = "OUTPUT"
PRODUCTS = ("automatic", "alphaearth", "tessera")


class ImportField(EarthprintAlgorithm):
    """Opens a published raster of vectors as what it is: right scale, right nodata, right side up, its space known."""

    ID = "importfield"
    TITLE = "Import embedding raster"
    GROUP = "Embeddings in and out"
    GROUP_ID = "inout"
    SUMMARY = (
        "Opens tiles of AlphaEarth or TESSERA as an embedding raster. What they are, is told by looking; where "
        "their numbers allow, they are used in place, without a copy.")
    TAGS = ("import", "alphaearth", "aef", "satellite embedding", "tessera", "geotessera", "zarr", "npy", "vrt")

    def declare(self) -> None:
        """Add parameters and outputs."""
        # QGIS's own filter, *.*, refuses folders without a dot in their names.
        tiles = QgsProcessingParameterFile(FILE, self.tr("File, or folder of tiles"),
                                           QgsProcessingParameterFile.Behavior.File, "", None, False,
                                           self.tr("All files") + " (*)")
        allow_several(tiles)
        self.add(
            tiles,
            self.tr("A GeoTIFF or .vrt of AlphaEarth (signed bytes, or decoded as Earth Engine exports it), a GeoTIFF "
                    "or a .npy of TESSERA (its scales as NAME_scales.npy beside it), or a Zarr store (its "
                    "folder, or the .zgroup or zarr.json in it). Several tiles: their paths separated by semicolons, "
                    "or the folder that holds them. Those of one zone become one raster; those of several become one "
                    "each (OUTPUT_33N beside OUTPUT), unless CRS brings them together."))
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
            self.tr("Brings tiles of one or several UTM zones into this CRS, after decoding. Empty: their own, which "
                    "is better wherever one zone is enough."), advanced=True)
        self.add(
            choice(RESAMPLING, self.tr("Cells in another CRS"), RESAMPLINGS, NEAREST),
            self.tr("nearest: each cell takes the nearest vector; codes are kept, and a .vrt does it in place. "
                    "bilinear: means of the four decoded vectors around, without those that are nodata, brought back "
                    "to length 1 where the product's vectors have it; a .tif of float32."), advanced=True)
        output = QgsProcessingParameterRasterDestination(OUTPUT, self.tr("Embedding raster"))
        allow_virtual(output)
        self.add(
            output,
            self.tr("A .vrt shows the file in place and carries space and licence: keep the file where it is. A .tif "
                    "is a copy without loss. A temporary output is a .vrt where that goes; arrays, Zarr and files "
                    "whose empty cells are zeros need a copy. For TESSERA's bytes with scales, a .vrt multiplies the "
                    "two, which are kept as they are in NAME_codes.tif and NAME_scales.tif: a quarter of the room."))
        self.addOutput(QgsProcessingOutputNumber("DIMENSIONS_OUT", self.tr("Dimensions")))
        self.addOutput(QgsProcessingOutputString("PRODUCT_OUT", self.tr("Product that was recognised")))
        self.addOutput(QgsProcessingOutputString("SPACE", self.tr("Space")))
        self.addOutput(QgsProcessingOutputString("FIELDS", self.tr("All embedding rasters, separated by semicolons")))

    def read(self, parameters: Parameters, context: QgsProcessingContext, progress: FeedbackProgress) -> None:
        """Read the request."""
        crs = self.parameterAsCrs(parameters, CRS, context) if parameters.get(CRS) else None
        self._named = self.parameterAsOutputLayer(parameters, OUTPUT, context)
        self._crs = crs.toWkt(crs.WktVariant.WKT_PREFERRED) if crs is not None and crs.isValid() else ""
        self._file = self.parameterAsFile(parameters, FILE, context)
        self._output = without_ending(self._named) if is_temporary(self._named) else self._named
        self._product = self.parameterAsEnumString(parameters, PRODUCT, context)
        self._landmask = self.parameterAsFile(parameters, GEOREFERENCE, context) if parameters.get(GEOREFERENCE) else ""
        self._resampling = self.parameterAsEnumString(parameters, RESAMPLING, context)
        self._registry = Registry(folders().spaces)

    def compute(self, context: QgsProcessingContext, progress: FeedbackProgress) -> Outputs:
        """Import."""
        from ...engine.products.importing_field import FieldImport, import_field

        result = import_field(FieldImport(self._file, self._output, self._product, self._landmask, self._crs,
                                          self._registry, self._resampling), progress)
        written_elsewhere(context, self._named, result.output)
        style_on_load(context, result.output, EmbeddingRasterStyle())
        return {OUTPUT: result.output, "DIMENSIONS_OUT": result.space.dimensions, "PRODUCT_OUT": result.product,
                "SPACE": result.key, "FIELDS": ";".join(result.outputs)}

"""Embeds the places of features from formulas of longitude and latitude."""

from __future__ import annotations

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterVectorDestination,
)

from ...engine.locations import (
    DEFAULT_ID,
    IDS,
    PLACES,
    LocationRequest,
    embed_locations,
    find_location_encoder,
)
from ...engine.locations.finding import AnyLocationEncoder
from ..adapters.feedback import FeedbackProgress
from ..adapters.outputs import table_destination
from ..adapters.rows_input import rows_input
from ..algorithm import EarthprintAlgorithm, Outputs, Parameters
from ..encoder_folders import encoder_folders
from ..environment import space_registry
from ..location_settings import declare_location_settings, read_location_settings
from ..parameters.choice import choice
from ..parameters.encoder import found_location_encoders
from ..parameters.suggested_text import suggested_text
from ..styles.embedding_table import EmbeddingTableStyle
from ..styles.on_load import style_on_load

INPUT = "INPUT"
ENCODER = "ENCODER"
PLACE = "PLACE"
OUTPUT = "OUTPUT"
_FILES = "Location encoders (*.onnx *.json)"


class EmbedLocations(EarthprintAlgorithm):
    """Gives every feature the vector of where it is, by a location encoder."""

    ID = "embedlocations"
    TITLE = "Embed locations"
    GROUP = "Embed"
    GROUP_ID = "embed"
    SUMMARY = (
        "Gives every feature of a layer, of any geometry and in any coordinate reference system, a vector made of its "
        "longitude and latitude alone, by a formula or by a location encoder that was trained. Nothing is downloaded; "
        "formulas need no package. Such vectors let a model learn where things are, beside what they look like.")
    TAGS = ("location", "encoder", "position", "coordinates", "spherical harmonics", "sphere2vec", "space2vec",
            "fourier", "points")

    def declare(self) -> None:
        """Add parameters and outputs."""
        self.add(
            QgsProcessingParameterFeatureSource(INPUT, self.tr("Layer"),
                                                [QgsProcessing.SourceType.TypeVectorAnyGeometry]),
            self.tr("Points, or lines and polygons, which have a place each (see PLACE). Features without one are left "
                    "out and counted. Heights and measures are kept and have no effect."))
        self.add(
            suggested_text(ENCODER, self.tr("Location encoder"), DEFAULT_ID, IDS + found_location_encoders(), _FILES),
            self.tr("A formula, by its id; the help page has them all in a table, with their scales and dimensions. "
                    "spherical-harmonics suits the whole globe, fourier-sphere a region (set LENGTH to what you want "
                    "to tell apart). Or a trained encoder: the id of one in your folder of encoders, or the path of "
                    "its .onnx or .json file. rbf and tile exist only trained."))
        self.add(
            choice(PLACE, self.tr("Place of lines and polygons"), PLACES, PLACES[0]),
            self.tr("centroid: the middle, in the plane of a projected layer and on the globe for one in degrees, also "
                    "across ±180° and around a pole. inside: a point that lies on the feature for certain."))
        declare_location_settings(self)
        self.add(
            QgsProcessingParameterVectorDestination(OUTPUT, self.tr("Embedding table"),
                                                    QgsProcessing.SourceType.TypeVectorAnyGeometry),
            self.tr("A GeoPackage layer with the features as they are and the columns embedding (binary) and "
                    "embedding_space (text)."))
        self.addOutput(QgsProcessingOutputNumber("ROWS", self.tr("Features with a vector")))
        self.addOutput(QgsProcessingOutputNumber("LEFT_OUT", self.tr("Features without a place")))
        self.addOutput(QgsProcessingOutputNumber("DIMENSIONS_OUT", self.tr("Dimensions")))
        self.addOutput(QgsProcessingOutputString("SPACE", self.tr("Space")))

    def problem(self, parameters: Parameters, context: QgsProcessingContext) -> str:
        """Catch an unknown encoder, or settings that it doesn't have, before anything runs; an error says it all."""
        self._encoder_of(parameters, context)
        return ""

    def read(self, parameters: Parameters, context: QgsProcessingContext, progress: FeedbackProgress) -> None:
        """Resolve the layer."""
        self._encoder = self._encoder_of(parameters, context)
        self._rows = rows_input(self, parameters, INPUT, context)
        self._place = self.parameterAsEnumString(parameters, PLACE, context)
        self._output = table_destination(self.parameterAsOutputLayer(parameters, OUTPUT, context))

    def _encoder_of(self, parameters: Parameters, context: QgsProcessingContext) -> AnyLocationEncoder:
        """Return the encoder with its settings."""
        return find_location_encoder(self.parameterAsString(parameters, ENCODER, context),
                                     read_location_settings(self, parameters, context), encoder_folders())

    def compute(self, context: QgsProcessingContext, progress: FeedbackProgress) -> Outputs:
        """Embed."""
        request = LocationRequest(self._rows(), self._encoder, self._output, self._place, space_registry())
        result = embed_locations(request, progress)
        style_on_load(context, self._output, EmbeddingTableStyle())
        return {OUTPUT: self._output, "ROWS": result.rows, "LEFT_OUT": result.left_out,
                "DIMENSIONS_OUT": result.space.dimensions, "SPACE": result.key}

"""Embeds a raster into a table of patches."""

from __future__ import annotations

from qgis.core import QgsProcessing, QgsProcessingContext, QgsProcessingParameterVectorDestination

from ..account import embedding_outputs, tell_encoder
from ..adapters.feedback import FeedbackProgress
from ..adapters.outputs import table_destination
from ..algorithm import EarthprintAlgorithm, Outputs, Parameters
from ..embedding_inputs import declare_embedding_details, declare_embedding_inputs, read_embedding_inputs
from ..embedding_numbers import declare_embedding_numbers
from ..encoder_folders import encoder_problem
from ..environment import space_registry
from ..parameters.choice import choice
from ..parameters.number import whole_number
from ..styles.embedding_table import EmbeddingTableStyle
from ..styles.on_load import style_on_load

SIZE = "SIZE"
GEOMETRY = "GEOMETRY"
OUTPUT = "OUTPUT"
GEOMETRIES = ("footprint", "centre")


class EmbedPatches(EarthprintAlgorithm):
    """Cuts a raster into square patches and gives each one vector, as rows of a table."""

    ID = "embedpatches"
    TITLE = "Embed raster as patches"
    GROUP = "Embed"
    GROUP_ID = "embed"
    SUMMARY = (
        "Cuts a raster into square patches and turns each into one vector. The result is an embedding table: a "
        "GeoPackage layer of footprints or their centres, with the share of valid pixels, for searching, grouping and "
        "training with the attributes that you add.")
    TAGS = ("encoder", "features", "chips", "tiles", "onnx", "deep learning", "representation")

    def declare(self) -> None:
        """Add parameters and outputs."""
        declare_embedding_inputs(self)
        self.add(
            whole_number(SIZE, self.tr("Patch size in pixels"), 0, 0, 100_000),
            self.tr("Width of a patch in pixels of the raster; patches lie side by side from the raster's upper left "
                    "corner. 0 = the encoder's own tile."))
        self.add(
            choice(GEOMETRY, self.tr("Geometry"), GEOMETRIES, "footprint"),
            self.tr("footprint: a square for each patch. centre: a point in the middle of each."))
        declare_embedding_details(self)
        self.add(
            QgsProcessingParameterVectorDestination(OUTPUT, self.tr("Embedding table"),
                                                    QgsProcessing.SourceType.TypeVectorAnyGeometry),
            self.tr("A GeoPackage layer with the columns embedding (binary), embedding_space (text) and valid_share. "
                    "A layer inside an existing GeoPackage works, too."))
        declare_embedding_numbers(self)

    def problem(self, parameters: Parameters, context: QgsProcessingContext) -> str:
        """Catch an unknown encoder before anything runs."""
        return encoder_problem(self, parameters, context)

    def read(self, parameters: Parameters, context: QgsProcessingContext, progress: FeedbackProgress) -> None:
        """Resolve the layers."""
        self._inputs = read_embedding_inputs(self, parameters, context)
        self._size = self.parameterAsInt(parameters, SIZE, context)
        self._geometry = self.parameterAsEnumString(parameters, GEOMETRY, context)
        self._output = table_destination(self.parameterAsOutputLayer(parameters, OUTPUT, context))

    def compute(self, context: QgsProcessingContext, progress: FeedbackProgress) -> Outputs:
        """Embed."""
        from ...engine.embedding.patches import embed_patches
        from ...engine.embedding.plan import PatchRequest

        fields = self._inputs.fields(self._output, progress)
        if fields["coding"] != "float32":
            progress.warn(self.tr("CODING is for embedding rasters: the vectors of a table are written as float32."))
        request = PatchRequest(size=self._size, geometry=self._geometry, **fields)
        result = embed_patches(request, progress, space_registry())
        tell_encoder(result, progress)
        style_on_load(context, self._output, EmbeddingTableStyle())
        return dict(embedding_outputs(result), OUTPUT=str(result.output))

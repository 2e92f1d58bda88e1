"""Embeds a raster into an embedding raster."""

from __future__ import annotations

from qgis.core import QgsProcessingContext, QgsProcessingParameterRasterDestination

from ..account import embedding_outputs, tell_encoder
from ..adapters.feedback import FeedbackProgress
from ..algorithm import EarthprintAlgorithm, Outputs, Parameters
from ..embedding_inputs import declare_embedding_details, declare_embedding_inputs, read_embedding_inputs
from ..embedding_numbers import declare_embedding_numbers
from ..encoder_folders import encoder_problem
from ..environment import space_registry
from ..styles.embedding_raster import EmbeddingRasterStyle
from ..styles.on_load import style_on_load

OUTPUT = "OUTPUT"


class EmbedRaster(EarthprintAlgorithm):
    """Turns every cell of a raster into a vector, so that similar places get similar numbers."""

    ID = "embedraster"
    TITLE = "Embed raster"
    GROUP = "Embed"
    GROUP_ID = "embed"
    SUMMARY = (
        "Turns a raster into an embedding raster: each cell becomes a vector of numbers that says what the place looks "
        "like, so that similar places get similar vectors. Without anything to download, an encoder is made from the "
        "raster itself; encoders in ONNX format work too. Rasters may be larger than memory.")
    TAGS = ("encoder", "features", "foundation model", "onnx", "deep learning", "representation")

    def declare(self) -> None:
        """Add parameters and outputs."""
        declare_embedding_inputs(self)
        declare_embedding_details(self)
        self.add(
            QgsProcessingParameterRasterDestination(OUTPUT, self.tr("Embedding raster")),
            self.tr("A GeoTIFF with one band for each dimension. It carries its space, so that later steps know with "
                    "what it may be compared."))
        declare_embedding_numbers(self)

    def problem(self, parameters: Parameters, context: QgsProcessingContext) -> str:
        """Catch an unknown encoder before anything runs."""
        return encoder_problem(self, parameters, context)

    def read(self, parameters: Parameters, context: QgsProcessingContext, progress: FeedbackProgress) -> None:
        """Resolve the layers."""
        self._inputs = read_embedding_inputs(self, parameters, context)
        self._output = self.parameterAsOutputLayer(parameters, OUTPUT, context)

    def compute(self, context: QgsProcessingContext, progress: FeedbackProgress) -> Outputs:
        """Embed."""
        from ...engine.embedding.plan import EmbedRequest
        from ...engine.embedding.raster import embed_raster

        result = embed_raster(EmbedRequest(**self._inputs.fields(self._output, progress)), progress, space_registry())
        tell_encoder(result, progress)
        style_on_load(context, self._output, EmbeddingRasterStyle())
        return dict(embedding_outputs(result), OUTPUT=str(result.output))

"""Finds the cells of an embedding raster that are like examples."""

from __future__ import annotations

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingOutputNumber,
    QgsProcessingParameterRasterDestination,
    QgsProcessingParameterRasterLayer,
)

from ..adapters.feedback import FeedbackProgress
from ..adapters.raster import resolve_raster
from ..algorithm import EarthprintAlgorithm, Outputs, Parameters
from ..parameters.running import MEMORY, declare_memory
from ..parameters.similarity import declare_examples, declare_findings, declare_found, declare_scoring
from ..similarity_inputs import read_similarity_inputs, similarity_outputs, similarity_problem
from ..styles.on_load import style_on_load
from ..styles.score_raster import ScoreRasterStyle
from ..styles.similar_layers import PlacesStyle, SimilarAreasStyle

INPUT = "INPUT"
OUTPUT = "OUTPUT"


class SimilarityRaster(EarthprintAlgorithm):
    """Scores every cell of an embedding raster by how alike it is to examples."""

    ID = "similarityraster"
    TITLE = "Find similar places in raster"
    GROUP = "Explore"
    GROUP_ID = "explore"
    SUMMARY = (
        "Scores every cell of an embedding raster by how alike it is to examples: places like this one. On request it "
        "also outlines the similar areas and marks the most alike places. Works without anything to install, on "
        "rasters larger than memory, and on any multiband raster.")
    TAGS = ("similar", "search", "example", "cosine", "find places like this", "detection")

    def declare(self) -> None:
        """Add parameters and outputs."""
        self.add(
            QgsProcessingParameterRasterLayer(INPUT, self.tr("Embedding raster")),
            self.tr("The raster to search: made by “Embed raster”, a published product such as AlphaEarth, or any "
                    "multiband raster, with STANDARDISE for raw bands."))
        declare_examples(self)
        declare_scoring(self)
        declare_findings(self)
        declare_memory(self)
        self.add(
            QgsProcessingParameterRasterDestination(OUTPUT, self.tr("Similarity")),
            self.tr("A GeoTIFF with one score for each cell, float32. Cells without data, with a vector of length "
                    "zero, or within EXCLUDE of an example are nodata."))
        declare_found(self)
        self.addOutput(QgsProcessingOutputNumber("THRESHOLD_OUT", self.tr("Threshold used for the areas")))

    def problem(self, parameters: Parameters, context: QgsProcessingContext) -> str:
        """Catch a search for nothing."""
        return similarity_problem(parameters)

    def read(self, parameters: Parameters, context: QgsProcessingContext, progress: FeedbackProgress) -> None:
        """Resolve the layers."""
        self._raster = resolve_raster(self, parameters, INPUT, context)
        self._inputs = read_similarity_inputs(self, parameters, context)
        self._memory = self.parameterAsInt(parameters, MEMORY, context)
        self._output = self.parameterAsOutputLayer(parameters, OUTPUT, context)

    def compute(self, context: QgsProcessingContext, progress: FeedbackProgress) -> Outputs:
        """Search."""
        from ...engine.analyses.similarity.raster import find_similar
        from ...engine.analyses.similarity.request import SimilarityRequest
        from ...engine.dataset import raster_info

        path = self._raster.dataset(progress)
        crs, inputs = self._raster.crs, self._inputs
        request = SimilarityRequest(
            path, self._output, inputs.examples(crs, raster_info(path).grid.wkt, progress),
            inputs.counterexamples(crs, progress), inputs.options, self._memory)
        result = find_similar(request, progress)
        style_on_load(context, self._output, ScoreRasterStyle())
        for output, style in ((inputs.options.polygons, SimilarAreasStyle()), (inputs.options.places, PlacesStyle())):
            if output:
                style_on_load(context, output, style)
        return similarity_outputs(result, inputs.options)

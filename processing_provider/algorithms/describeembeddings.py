"""States what the embeddings of a raster or layer are."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Callable

from qgis.core import (
    QgsMapLayer,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputString,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterMapLayer,
    QgsProcessingParameterString,
    QgsProcessingUtils,
    QgsRasterLayer,
)

from ...engine.errors import InputError
from ...engine.registry import Registry
from ...engine.space import METRICS
from ..adapters.feedback import FeedbackProgress
from ..adapters.outputs import is_temporary
from ..adapters.raster import raster_input
from ..adapters.rows_input import rows_input
from ..algorithm import EarthprintAlgorithm, Outputs, Parameters
from ..encoder_folders import encoder_folders
from ..environment import folders
from ..parameters.choice import choice
from ..parameters.encoder import found_encoders
from ..parameters.suggested_text import suggested_text

if TYPE_CHECKING:
    from ...engine.describing import DescribeResult

INPUT = "INPUT"
ENCODER = "ENCODER"
FIELDS = "FIELDS"
METRIC = "METRIC"
NORM = "NORM"
BANDS = "BANDS"
CODING = "CODING"
IN_PLACE = "IN_PLACE"
OUTPUT = "OUTPUT"
NORMS = ("measured", "unit", "any")
CODINGS = ("stored", "alphaearth")


class DescribeEmbeddings(EarthprintAlgorithm):
    """Gives embeddings that came without a word their space, so that they compare with others of the same space."""

    ID = "describeembeddings"
    TITLE = "Describe embeddings"
    GROUP = "Embeddings in and out"
    GROUP_ID = "inout"
    SUMMARY = (
        "States what the embeddings of anybody's raster or layer are: which encoder or product made them and how they "
        "compare. The statement is checked against the vectors and travels with a copy, or lies beside the raster.")
    TAGS = ("space", "declare", "metadata", "alphaearth", "provenance")

    def declare(self) -> None:
        """Add parameters and outputs."""
        self.add(
            QgsProcessingParameterMapLayer(INPUT, self.tr("Embeddings")),
            self.tr("A raster whose bands are the dimensions of the vectors, or a layer with vectors in the column "
                    "embedding, in numbered columns, or in a column of lists."))
        self.add(
            suggested_text(ENCODER, self.tr("Encoder or product"), "", ("alphaearth", "tessera", *found_encoders()),
                           "Cards (*.json *.onnx)"),
            self.tr("What made the vectors: the id of an encoder that was added, the path of an encoder's card, or any "
                    "name, such as alphaearth. Data described with the same words compare with each other. The JSON "
                    "that this algorithm returned as SPACE goes, too."))
        self.add(
            choice(METRIC, self.tr("Comparison"), METRICS, "cosine"),
            self.tr("How two vectors compare: by their angle (cosine) or their distance (euclidean). An encoder's card "
                    "says so itself."))
        self.add(
            choice(NORM, self.tr("Length of the vectors"), NORMS, "measured"),
            self.tr("unit: all have length 1, which is checked. any: they have any length. measured: unit where the "
                    "vectors looked at are so. Data of one product should be described alike. An encoder's card says "
                    "so itself."))
        self.add(
            QgsProcessingParameterString(BANDS, self.tr("Bands that the encoder saw"), "", False, True),
            self.tr("The input bands with their units, if they matter for telling spaces apart: "
                    "B02 (reflectance); B03 (reflectance)."), advanced=True)
        self.add(
            choice(CODING, self.tr("Coding of a raster"), CODINGS, "stored"),
            self.tr("stored: the numbers are the vectors, after scale and offset of the bands. alphaearth: signed "
                    "bytes as Google and its mirrors publish them, which are expanded when read."), advanced=True)
        self.add(
            QgsProcessingParameterString(FIELDS, self.tr("Columns of a layer"), "", False, True),
            self.tr("Empty: the column embedding, else as “Import embeddings” finds them. Otherwise the columns in "
                    "order, such as A00-A63."))
        self.add(
            QgsProcessingParameterBoolean(IN_PLACE, self.tr("Describe the raster in place"), False),
            self.tr("No copy: the description is written beside the raster (.aux.xml); the raster itself is never "
                    "changed, unless it is a virtual one (.vrt). Only for rasters."))
        self.add(
            QgsProcessingParameterFileDestination(
                OUTPUT, self.tr("Copy that carries the description"),
                self.tr("Virtual rasters or GeoPackages") + " (*.vrt *.gpkg)", None, True),
            self.tr("For a raster a virtual raster (.vrt) that shows the same file; for a layer an embedding table "
                    "(.gpkg)."))
        self.addOutput(QgsProcessingOutputString("SPACE", self.tr("Space as JSON")))
        self.addOutput(QgsProcessingOutputString("KEY", self.tr("Key of the space")))

    def problem(self, parameters: Parameters, context: QgsProcessingContext) -> str:
        """Ask for a name, and for rasters where only these go."""
        if not self.parameterAsString(parameters, ENCODER, context).strip():
            return self.tr("ENCODER is empty: give the name of the encoder or product that made the vectors, or the "
                           "path of its card.")
        return ""

    def read(self, parameters: Parameters, context: QgsProcessingContext, progress: FeedbackProgress) -> None:
        """Resolve the layer."""
        from ...engine.stating import Wording, statement_of

        statement = statement_of(Wording(
            self.parameterAsString(parameters, ENCODER, context),
            self.parameterAsEnumString(parameters, METRIC, context),
            self.parameterAsEnumString(parameters, NORM, context),
            self.parameterAsString(parameters, BANDS, context)), encoder_folders())
        layer = self.parameterAsLayer(parameters, INPUT, context)
        if layer is None or not layer.isValid():
            raise InputError("layer-unreadable", "INPUT: “{value}” can't be read as a raster or vector layer: check "
                             "the path.", value=parameters.get(INPUT))
        in_place = self.parameterAsBoolean(parameters, IN_PLACE, context)
        output = "" if in_place else self.parameterAsFileOutput(parameters, OUTPUT, context)
        if not in_place and not output:
            raise InputError("describe-nowhere", "OUTPUT is empty: give the name of the copy, or describe a raster in "
                             "place with IN_PLACE.")
        self._beside = ""
        registry = Registry(folders().spaces)
        self._describe = (
            self._of_raster(layer, statement, output, parameters, context, registry)
            if isinstance(layer, QgsRasterLayer)
            else self._of_table(layer, statement, output, parameters, context, registry))

    def postProcessAlgorithm(self, context: QgsProcessingContext,  # noqa: N802  (the name is QGIS's)
                             feedback: QgsProcessingFeedback) -> Outputs:
        """Let QGIS read the new description of a raster that it has open."""
        layer = QgsProcessingUtils.mapLayerFromString(self._beside, context, False) if self._beside else None
        if layer is not None:
            layer.dataProvider().reloadData()
        return {}

    def _of_raster(self, layer: QgsRasterLayer, statement: Any, output: str, parameters: Parameters,
                   context: QgsProcessingContext, registry: Registry
                   ) -> "Callable[[FeedbackProgress], DescribeResult]":
        """Return how to describe a raster."""
        from ...engine.describing import DescribeRasterRequest, describe_raster

        source = raster_input(layer, INPUT, None, 0.0)
        if source.needs_export:
            raise InputError("describe-service", "INPUT: “{name}” comes from a service, which no description can be "
                             "tied to: save it as a raster first.", name=layer.name())
        if not output:
            # QGIS keeps what it learns of a raster and writes all of it over the .aux.xml when it closes the file:
            # it shall do so before we write, and read what we wrote before it does so again.
            self._beside = layer.id()
            layer.dataProvider().reloadData()
        coding = self.parameterAsEnumString(parameters, CODING, context)
        return lambda progress: describe_raster(
            DescribeRasterRequest(source.dataset(progress), statement, output or None, coding, registry), progress)

    def _of_table(self, layer: QgsMapLayer, statement: Any, output: str, parameters: Parameters,
                  context: QgsProcessingContext, registry: Registry
                  ) -> "Callable[[FeedbackProgress], DescribeResult]":
        """Return how to describe a layer."""
        from ...engine.describing import DescribeTableRequest, describe_table

        if not output:
            raise InputError("describe-in-place", "INPUT: “{name}” is no raster, and only rasters can be described in "
                             "place: give OUTPUT a name.", name=layer.name())
        if is_temporary(output):
            # QGIS names temporary files before it is known what the input is.
            output = os.path.splitext(output)[0] + ".gpkg"
        rows = rows_input(self, parameters, INPUT, context)
        fields = self.parameterAsString(parameters, FIELDS, context)
        return lambda progress: describe_table(
            DescribeTableRequest(rows(), statement, output, fields, registry), progress)

    def compute(self, context: QgsProcessingContext, progress: FeedbackProgress) -> Outputs:
        """Describe."""
        result = self._describe(progress)
        return {OUTPUT: result.output, "SPACE": result.space.canonical(), "KEY": result.key}

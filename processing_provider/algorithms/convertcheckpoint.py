"""Converts a published checkpoint of a location encoder."""

from __future__ import annotations

import os
from typing import Tuple

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingOutputFile,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterExtent,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterString,
)

from ...engine.checkpoints.offered import ACTIVATIONS, AUTOMATIC, FAMILIES, KINDS
from ..adapters.feedback import FeedbackProgress
from ..algorithm import EarthprintAlgorithm, Outputs, Parameters
from ..environment import folders
from ..parameters.choice import choice
from ..parameters.number import real_number

CHECKPOINT = "CHECKPOINT"
FAMILY = "FAMILY"
NAME = "NAME"
LICENCE = "LICENCE"
KIND = "KIND"
MIN_RADIUS = "MIN_RADIUS"
MAX_RADIUS = "MAX_RADIUS"
ACTIVATION = "ACTIVATION"
CELL = "CELL"
EXTENT = "EXTENT"
OUTPUT = "OUTPUT"
_AS_TOLD = "as the file tells"
_FILES = "Checkpoints (*.pth *.pt *.ckpt *.tar *.safetensors *.whl);;All files (*)"


class ConvertCheckpoint(EarthprintAlgorithm):
    """Turns the published weights of a location encoder into an encoder that works here."""

    ID = "convertcheckpoint"
    TITLE = "Convert a location checkpoint"
    GROUP = "Encoders"
    GROUP_ID = "encoders"
    SUMMARY = (
        "Turns the published weights of SatCLIP, GeoCLIP or one of TorchSpatial's location encoders into an encoder "
        "for “Embed locations”: vectors that tell what a place is like, from its coordinates alone. The file is read "
        "as data and nothing in it is run; PyTorch isn't needed. You bring the file: the help page tells where it is.")
    TAGS = ("location", "encoder", "checkpoint", "weights", "satclip", "geoclip", "torchspatial", "pytorch",
            "safetensors", "onnx", "convert")

    def declare(self) -> None:
        """Add parameters and outputs."""
        self.add(
            QgsProcessingParameterFile(CHECKPOINT, self.tr("Checkpoint"), fileFilter=_FILES),
            self.tr("The file of weights: an archive of PyTorch (.ckpt, .pth, .pt), safetensors, or the package "
                    "geoclip 1.3.0 as it is (.whl), of which only the weights are read. A file that holds code is "
                    "refused unread."))
        self.add(
            choice(FAMILY, self.tr("Family"), FAMILIES, AUTOMATIC),
            self.tr("Whose checkpoint it is. automatic: as the names of its tensors tell. Of SatCLIP and GeoCLIP the "
                    "location tower is taken; what belongs to images is left out."))
        self.add(
            QgsProcessingParameterString(NAME, self.tr("Name"), "", False, True),
            self.tr("The id under which the encoder is used. Empty = geoclip, or for SatCLIP the name of the file, or "
                    "torchspatial and the kind."))
        self.add(
            QgsProcessingParameterString(LICENCE, self.tr("Licence"), "", False, True),
            self.tr("The licence of the weights, for the card. Empty = MIT for SatCLIP and GeoCLIP, as they are "
                    "published, and none for others."), advanced=True)
        self.add(
            choice(KIND, self.tr("TorchSpatial: kind of position encoding"), (_AS_TOLD, *KINDS), _AS_TOLD),
            self.tr("Only for a checkpoint of TorchSpatial that was stored without its settings. rbf can't be "
                    "converted, since its anchors are not in the file."), advanced=True)
        self.add(
            real_number(MIN_RADIUS, self.tr("TorchSpatial: finest radius"), 0.0, 0.0),
            self.tr("The setting min_radius of the training, often part of the file's name. 0 = as the file tells."),
            advanced=True)
        self.add(
            real_number(MAX_RADIUS, self.tr("TorchSpatial: coarsest radius"), 0.0, 0.0),
            self.tr("The setting max_radius of the training: usually 360 for space2vec and 1 for sphere2vec. 0 = as "
                    "the file tells."), advanced=True)
        self.add(
            choice(ACTIVATION, self.tr("TorchSpatial: activation"), (_AS_TOLD, *ACTIVATIONS), _AS_TOLD),
            self.tr("The setting spa_f_act of the training. Where the file doesn't tell it, leakyrelu is taken, the "
                    "default of TorchSpatial, and the log says so."), advanced=True)
        self.add(
            real_number(CELL, self.tr("TorchSpatial: side of a tile in degrees"), 0.0, 0.0),
            self.tr("For the kind tile, where the file has vectors of more than one. 0 = a single tile, as in the "
                    "published files."), advanced=True)
        self.add(
            QgsProcessingParameterExtent(EXTENT, self.tr("TorchSpatial: extent"), None, True),
            self.tr("For the kinds tile and fourier-planar: the setting map_range of the training. Empty = as the file "
                    "tells; for tiles else the globe."), advanced=True)
        self.add(
            QgsProcessingParameterFileDestination(OUTPUT, self.tr("Encoder"), self.tr("Encoders (*.onnx)"), None, True,
                                                  False),
            self.tr("The file to write, ending in .onnx; its card is written beside it. Empty = into your folder of "
                    "encoders, where it can be used by its id."))
        self.addOutput(QgsProcessingOutputFile("CARD_OUT", self.tr("Card of the encoder")))
        self.addOutput(QgsProcessingOutputString("ENCODER_ID", self.tr("Id of the encoder")))
        self.addOutput(QgsProcessingOutputString("FAMILY_OUT", self.tr("Family that was found")))
        self.addOutput(QgsProcessingOutputNumber("DIMENSIONS_OUT", self.tr("Dimensions of a vector")))
        self.addOutput(QgsProcessingOutputString("SPACE", self.tr("Space")))
        self.addOutput(QgsProcessingOutputNumber("SEAM_COSINE", self.tr("Cosine of neighbours across ±180°")))

    def problem(self, parameters: Parameters, context: QgsProcessingContext) -> str:
        """Catch a file name of another kind."""
        output = self.parameterAsFileOutput(parameters, OUTPUT, context)
        if output and not self._is_temporary(parameters) and os.path.splitext(output)[1].lower() != ".onnx":
            return self.tr("OUTPUT: an encoder is written as ONNX, so “{path}” must end in .onnx.").format(path=output)
        return ""

    def read(self, parameters: Parameters, context: QgsProcessingContext, progress: FeedbackProgress) -> None:
        """Read the answers; there are no layers."""
        output = self.parameterAsFileOutput(parameters, OUTPUT, context)
        if output and self._is_temporary(parameters):
            output = os.path.splitext(output)[0] + ".onnx"
        self._fields = {
            "checkpoint": self.parameterAsFile(parameters, CHECKPOINT, context),
            "family": self.parameterAsEnumString(parameters, FAMILY, context),
            "name": self.parameterAsString(parameters, NAME, context).strip(),
            "licence": self.parameterAsString(parameters, LICENCE, context).strip(),
            "output": output, "folder": folders().encoders}
        self._told = {
            "kind": self._chosen(parameters, KIND, context),
            "activation": self._chosen(parameters, ACTIVATION, context),
            "min_radius": self.parameterAsDouble(parameters, MIN_RADIUS, context),
            "max_radius": self.parameterAsDouble(parameters, MAX_RADIUS, context),
            "cell": self.parameterAsDouble(parameters, CELL, context), "extent": self._extent(parameters, context)}

    def compute(self, context: QgsProcessingContext, progress: FeedbackProgress) -> Outputs:
        """Convert."""
        from ...engine.checkpoints.converting import ConvertRequest, convert_checkpoint
        from ...engine.checkpoints.told import Told

        made = convert_checkpoint(ConvertRequest(told=Told(**self._told), **self._fields), progress)
        progress.info(self.tr("{family}, {dimensions} dimensions: {path}").format(
            family=made.family, dimensions=made.dimensions, path=made.output))
        progress.info(self.tr("Use it as ENCODER of “Embed locations”: {encoder}").format(
            encoder=made.output if self._fields["output"] else made.id))
        return {OUTPUT: made.output, "CARD_OUT": os.path.splitext(made.output)[0] + ".json", "ENCODER_ID": made.id,
                "FAMILY_OUT": made.family, "DIMENSIONS_OUT": made.dimensions, "SPACE": made.space.key(),
                "SEAM_COSINE": made.continuity.seam}

    def _chosen(self, parameters: Parameters, name: str, context: QgsProcessingContext) -> str:
        """Return a choice, nothing where it is left to the file."""
        found = self.parameterAsEnumString(parameters, name, context)
        return "" if found == _AS_TOLD else found

    def _extent(self, parameters: Parameters, context: QgsProcessingContext) -> "Tuple[float, ...]":
        """Return west, south, east and north in degrees, nothing where it is left to the file."""
        if parameters.get(EXTENT) in (None, ""):
            return ()
        found = self.parameterAsExtent(parameters, EXTENT, context, QgsCoordinateReferenceSystem("EPSG:4326"))
        return (found.xMinimum(), found.yMinimum(), found.xMaximum(), found.yMaximum())

    def _is_temporary(self, parameters: Parameters) -> bool:
        """Tell whether the user left it to Processing where the encoder goes."""
        return parameters.get(OUTPUT) == QgsProcessing.TEMPORARY_OUTPUT

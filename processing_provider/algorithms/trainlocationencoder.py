"""Trains a location encoder on places, and says what it knows that coordinates alone don't."""

from __future__ import annotations

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterFileDestination,
)

from ..adapters.feedback import FeedbackProgress
from ..algorithm import EarthprintAlgorithm, Outputs, Parameters
from ..location_training_inputs import (
    LocationTrainingInputs,
    declare_details,
    declare_judging,
    declare_lesson,
    declare_settings,
    nothing_given,
)
from ..parameters.training import OUTPUT, REPORT


class TrainLocationEncoder(EarthprintAlgorithm):
    """Learns vectors of places, judges them in space, and stores an encoder that needs no torch."""

    ID = "trainlocationencoder"
    TITLE = "Train a location encoder"
    GROUP = "Encoders"
    GROUP_ID = "encoders"
    SUMMARY = (
        "Learns to turn longitude and latitude into vectors that know what a place is like: from a column of your "
        "points, from an embedding raster or table, or from photos over an embedding raster. It is judged in blocks "
        "that it has not seen, beside coordinates alone and the nearest places. What comes out is one ONNX file with "
        "its card, for “Embed locations”.")
    TAGS = ("location", "encoder", "train", "distil", "coordinates", "spherical harmonics", "sphere2vec", "space2vec",
            "fourier", "siren", "contrastive", "torch", "TorchSpatial", "GAIR")
    PACKAGES = ("torch",)

    def declare(self) -> None:
        """Add parameters and outputs."""
        declare_lesson(self)
        declare_judging(self)
        declare_settings(self)
        declare_details(self)
        self.add(
            QgsProcessingParameterFileDestination(OUTPUT, self.tr("Location encoder"),
                                                  self.tr("Encoders (*.onnx)")),
            self.tr("The file to write, ending in .onnx; its card (.json) is written beside it and belongs to it. Give "
                    "it to “Embed locations” as ENCODER. It needs no torch."))
        self.add(
            QgsProcessingParameterFileDestination(REPORT, self.tr("Report"), self.tr("HTML (*.html)"), None, True,
                                                  True),
            self.tr("A page that says what the encoder is worth: figures in blocks that it has not seen beside "
                    "coordinates alone and the nearest places, the loss, a map of what it learnt, and warnings in "
                    "plain words. It is one file that needs nothing else."))
        self.addOutput(QgsProcessingOutputNumber("SCORE", self.tr(
            "Score in blocks that were kept out (R², balanced accuracy, cosine or recall)")))
        self.addOutput(QgsProcessingOutputNumber("SCORE_COORDINATES", self.tr("The same of coordinates alone")))
        self.addOutput(QgsProcessingOutputNumber("SCORE_NEIGHBOURS", self.tr(
            "The same of the nearest places on the sphere")))
        self.addOutput(QgsProcessingOutputString("SCORE_NAME", self.tr("What the scores are")))
        self.addOutput(QgsProcessingOutputNumber("ROWS", self.tr("Places learnt from")))
        self.addOutput(QgsProcessingOutputNumber("EPOCHS_USED", self.tr("Epochs")))
        self.addOutput(QgsProcessingOutputNumber("DIMENSIONS_OUT", self.tr("Dimensions")))
        self.addOutput(QgsProcessingOutputString("DEVICE_USED", self.tr("Device used")))
        self.addOutput(QgsProcessingOutputString("WARNINGS", self.tr("Warnings")))

    def problem(self, parameters: Parameters, context: QgsProcessingContext) -> str:
        """Catch a call without anything to learn from."""
        if nothing_given(parameters):
            return self.tr("Give INPUT, places with a TARGET or with vectors, or EMBEDDINGS, an embedding raster or "
                           "table to distil: there is nothing to learn from.")
        return ""

    def read(self, parameters: Parameters, context: QgsProcessingContext, progress: FeedbackProgress) -> None:
        """Resolve the layers."""
        self._inputs = LocationTrainingInputs(self, parameters, context)

    def compute(self, context: QgsProcessingContext, progress: FeedbackProgress) -> Outputs:
        """Train."""
        from ...engine.location_training.run import train_location_encoder

        result = train_location_encoder(self._inputs.request(progress), progress)
        found: Outputs = {
            OUTPUT: result.output, "SCORE": result.score, "SCORE_COORDINATES": result.score_coordinates,
            "SCORE_NEIGHBOURS": result.score_neighbours, "SCORE_NAME": result.score_name, "ROWS": result.rows,
            "EPOCHS_USED": result.epochs, "DIMENSIONS_OUT": result.dimensions, "DEVICE_USED": result.device,
            "WARNINGS": "\n".join(result.warnings)}
        if self._inputs.report:
            found[REPORT] = self._inputs.report
        return found

"""Adds an ONNX encoder that somebody else made."""

from __future__ import annotations

from pathlib import Path

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingOutputFile,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterFile,
    QgsProcessingParameterString,
)

from ...engine.errors import InputError
from ..adapters.feedback import FeedbackProgress
from ..algorithm import EarthprintAlgorithm, Outputs, Parameters
from ..encoder_folders import encoder_folders
from ..environment import folders
from ..parameters.card_answers import declare_card_answers, read_card_answers
from ..parameters.encoder import found_templates
from ..parameters.running import DEVICE, declare_device_choice
from ..parameters.suggested_text import suggested_text

ONNX = "ONNX"
CARD = "CARD"
NAME = "NAME"


class AddEncoder(EarthprintAlgorithm):
    """Checks, tries and stores an ONNX file with its card, so that a wrong guess shows here and not in a long run."""

    ID = "addencoder"
    TITLE = "Add an encoder"
    GROUP = "Encoders"
    GROUP_ID = "encoders"
    SUMMARY = (
        "Takes an encoder in ONNX format, reads from its file what it can, asks only for what no file can tell, runs "
        "it once, and stores file and card in your folder of encoders. After that it is used by its id. Cards of "
        "well-known encoders are there already: name one and bring only the ONNX file.")
    TAGS = ("encoder", "onnx", "model", "card", "foundation model", "stac", "mlm")

    def declare(self) -> None:
        """Add parameters and outputs."""
        self.add(
            QgsProcessingParameterFile(ONNX, self.tr("ONNX file"), fileFilter=self.tr("ONNX files (*.onnx)")),
            self.tr("The encoder's file. Weights in files beside it are stored along. A location encoder, which says "
                    "itself what it is, is stored as it is."))
        self.add(
            suggested_text(CARD, self.tr("Card"), "", ("",) + found_templates(), self.tr("Cards (*.json)"),
                           optional=True),
            self.tr("What is known of the encoder: the id of a card that comes with Earthprint, or the path of a .json "
                    "file. Empty = the card beside or inside the file, else the answers below."))
        self.add(
            QgsProcessingParameterString(NAME, self.tr("Name"), "", False, True),
            self.tr("The id under which the encoder is used from now on. Empty = the card's, or the file's name."))
        declare_card_answers(self)
        declare_device_choice(self)
        self.addOutput(QgsProcessingOutputFile("OUTPUT", self.tr("Stored card")))
        self.addOutput(QgsProcessingOutputString("ENCODER_ID", self.tr("Id of the encoder")))
        self.addOutput(QgsProcessingOutputNumber("DIMENSIONS_OUT", self.tr("Dimensions of a vector")))

    def read(self, parameters: Parameters, context: QgsProcessingContext, progress: FeedbackProgress) -> None:
        """Read the answers; there are no layers."""
        self._fields = dict(
            read_card_answers(self, parameters, context),
            onnx=Path(self.parameterAsFile(parameters, ONNX, context)),
            card=self.parameterAsString(parameters, CARD, context).strip(),
            name=self.parameterAsString(parameters, NAME, context).strip(),
            device=self.parameterAsEnumString(parameters, DEVICE, context))

    def compute(self, context: QgsProcessingContext, progress: FeedbackProgress) -> Outputs:
        """Check, try and store."""
        from ...engine.card_json import read_card
        from ...engine.encoders.add_request import AddRequest
        from ...engine.encoders.adding import add_encoder
        from ...engine.location_mark import is_location_file

        if is_location_file(self._fields["onnx"]):
            return self._kept(progress)
        stored = add_encoder(AddRequest(**self._fields), encoder_folders(), progress)
        card = read_card(stored)
        progress.info(self.tr("Added {id}: {path}").format(id=card.id, path=stored))
        return {"OUTPUT": str(stored), "ENCODER_ID": card.id, "DIMENSIONS_OUT": card.output_dimensions}

    def _kept(self, progress: FeedbackProgress) -> Outputs:
        """Store a location encoder, which carries all its answers."""
        from ...engine.locations.keeping import keep_location_encoder

        if self._fields["name"]:
            raise InputError("location-name", "NAME: a location encoder keeps the name that it was made with: leave "
                             "this empty.")
        card = keep_location_encoder(self._fields["onnx"], folders().encoders).card
        progress.info(self.tr("Added {id}, which takes longitude and latitude (use it in “Embed locations”): "
                              "{path}").format(id=card.id, path=card.path))
        return {"OUTPUT": str(card.path), "ENCODER_ID": card.id, "DIMENSIONS_OUT": card.dimensions}

"""The folders of encoders as the engine takes them, and what is known early about an encoder that was asked for."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Dict

from qgis.core import QgsProcessingAlgorithm, QgsProcessingContext
from qgis.PyQt.QtCore import QCoreApplication

from .environment import folders
from .parameters.encoder import AUTOMATIC, ENCODER

if TYPE_CHECKING:
    from ..engine.encoders.library import EncoderFolders


def encoder_folders() -> "EncoderFolders":
    """Return where encoders are looked for and kept."""
    from ..engine.encoders.library import EncoderFolders

    where = folders()
    return EncoderFolders(user=where.encoders, shipped=where.shipped)


def encoder_problem(algorithm: QgsProcessingAlgorithm, parameters: Dict[str, Any],
                    context: QgsProcessingContext) -> str:
    """Say that an encoder isn't there, with those of similar names, before anything runs; raises EarthprintError.

    Files are not looked into: that their checksum holds is for the run to find out, since large ones take seconds.
    """
    asked = algorithm.parameterAsString(parameters, ENCODER, context).strip()
    if not asked or asked.lower() == AUTOMATIC:
        return ""
    if os.path.splitext(asked)[1].lower() in (".onnx", ".json"):
        if os.path.isfile(asked):
            return ""
        return QCoreApplication.translate("EarthprintAlgorithm", "ENCODER: there is no file “{path}”: check the "
                                          "path.").format(path=asked)
    from ..engine.encoders.library import find_encoder, list_encoders

    where = encoder_folders()
    if not any(found.id == asked and found.usable for found in list_encoders(where)):
        find_encoder(asked, where)
    return ""

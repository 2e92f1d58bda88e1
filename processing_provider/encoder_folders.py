"""The folders of encoders as the engine takes them, and what is known early about an encoder that was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict

from qgis.core import QgsProcessingAlgorithm, QgsProcessingContext

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
    """Say that an encoder isn't there, with those of similar names, before anything runs; raises EarthprintError."""
    asked = algorithm.parameterAsString(parameters, ENCODER, context).strip()
    if asked and asked != AUTOMATIC:
        from ..engine.encoders.library import find

        find(asked, encoder_folders())
    return ""

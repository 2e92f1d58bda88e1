"""Which encoder to use."""

from __future__ import annotations

from pathlib import Path
from typing import List, Tuple

from qgis.core import QgsProcessingAlgorithm

from ..environment import folders
from .suggested_text import suggested_text

ENCODER = "ENCODER"
AUTOMATIC = "automatic"
_FILES = "Encoders (*.onnx *.json)"


def found_encoders() -> Tuple[str, ...]:
    """Return the ids of the encoders that lie in the user's and the plugin's folder, without opening any."""
    where = folders()
    names: List[str] = []
    for folder in (where.encoders, where.shipped):
        names.extend(card.stem for card in _cards(folder) if card.with_suffix(".onnx").exists())
    return tuple(sorted(set(names)))


def found_templates() -> Tuple[str, ...]:
    """Return the ids of the cards that ship for encoders whose model file the user brings."""
    return tuple(card.stem for card in _cards(folders().shipped / "cards"))


def _cards(folder: Path) -> List[Path]:
    """Return the cards directly in a folder, or none where it can't be listed."""
    try:
        return sorted(folder.glob("*.json"))
    except OSError:
        return []


def declare_encoder(algorithm: QgsProcessingAlgorithm) -> None:
    """Add ENCODER."""
    algorithm.add(
        suggested_text(ENCODER, algorithm.tr("Encoder"), AUTOMATIC, (AUTOMATIC,) + found_encoders(), _FILES),
        algorithm.tr(
            "Turns pixels into vectors. “automatic” makes an encoder from this raster, with no download, and keeps it "
            "beside the output; name its file here to embed a second scene or date in the same space. Otherwise the id "
            "of an encoder added with “Add an encoder”, or the path of an .onnx file or of its .json card."))

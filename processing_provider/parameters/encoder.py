"""Which encoder to use."""

from __future__ import annotations

import re
from pathlib import Path
from typing import List, Tuple

from qgis.core import QgsProcessingAlgorithm

from ..environment import folders
from .suggested_text import suggested_text

ENCODER = "ENCODER"
AUTOMATIC = "automatic"
_ID = re.compile(r'"id"\s*:\s*"([^"\\]+)"')
_HEAD = 4096
_FILES = "Encoders (*.onnx *.json)"
_PLACES = '"location encoder"'


def found_encoders() -> Tuple[str, ...]:
    """Return the ids of the encoders in the user's and the plugin's folder; only the heads of cards are read.

    Dialogs and the start of QGIS ask for it, and a card that holds a reduction may be large.
    """
    where = folders()
    heads = [_head_of(card) for folder in (where.encoders, where.shipped) for card in _cards(folder)]
    return tuple(sorted({_id_in(head) for head in heads if _PLACES not in head} - {""}))


def found_location_encoders() -> Tuple[str, ...]:
    """Return the ids of the trained location encoders in the user's folder."""
    heads = [_head_of(card) for card in _cards(folders().encoders)]
    return tuple(sorted({_id_in(head) for head in heads if _PLACES in head} - {""}))


def found_templates() -> Tuple[str, ...]:
    """Return the names of the cards that ship for encoders whose model file the user brings."""
    return tuple(card.stem for card in _cards(folders().shipped / "cards"))


def _head_of(card: Path) -> str:
    """Return the top of a file, or nothing where it can't be read."""
    try:
        with open(card, encoding="utf-8") as file:
            return file.read(_HEAD)
    except (OSError, UnicodeDecodeError):
        return ""


def _id_in(head: str) -> str:
    """Return the id that a card states near its top, or nothing where it is no card."""
    found = _ID.search(head)
    return found.group(1) if found and '"stac_version"' in head else ""


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

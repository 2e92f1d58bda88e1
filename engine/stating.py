"""Turns what a user writes about a space into a statement: a name, an encoder, a card, or a space's own JSON."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .encoders.library import EncoderFolders, find_encoder, list_encoders
from .errors import InputError
from .space import from_json
from .statement import KnownSpace, SpaceStatement, Statement, parse_bands


@dataclass(frozen=True)
class Wording:
    """What the user wrote; all but the encoder is only for names that nothing else is known of."""

    encoder: str
    metric: str = "cosine"
    norm: str = "measured"
    bands: str = ""


def statement_of(wording: Wording, folders: EncoderFolders) -> Statement:
    """Return a known space where the text leads to one, else a statement under the name given."""
    text = wording.encoder.strip()
    if not text:
        raise InputError("statement-empty", "ENCODER is empty: give the name of the encoder or product that made the "
                         "vectors, or the path of its card.")
    if text.startswith("{"):
        return KnownSpace(from_json(text))
    is_file = Path(text).suffix.lower() in (".json", ".onnx")
    if is_file or any(found.id == text and found.usable for found in list_encoders(folders)):
        return KnownSpace(find_encoder(text, folders).space())
    return SpaceStatement(text, wording.metric, wording.norm, parse_bands(wording.bands))

"""The location encoders that lie in the folders of encoders, and those that ship, with what a list shows of each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import List

from ..encoders.library import EncoderFolders
from ..errors import EarthprintError
from ..location_mark import is_location_card, is_location_model
from ..model_item import card_path
from .reading import read_location_encoder


@dataclass(frozen=True)
class ListedEncoder:
    """What a list shows of a location encoder; `problem` says why it can't be used, and is empty where it can."""

    id: str
    name: str
    path: Path
    dimensions: int = 0
    licence: str = ""
    description: str = ""
    problem: str = ""


def list_location_encoders(folders: EncoderFolders) -> "tuple[ListedEncoder, ...]":
    """Return the trained location encoders of the folders; those that ship are formulas, which need no file."""
    found: "List[ListedEncoder]" = []
    for folder in folders.searched:
        if folders.shipped is not None and folder == Path(folders.shipped):
            continue
        cards = [path for path in sorted(folder.glob("*.json")) if is_location_card(path)]
        bare = [path for path in sorted(folder.glob("*.onnx"))
                if not card_path(path).exists() and is_location_model(path)]
        found += [_listed(path) for path in (*cards, *bare)]
    return tuple(found)


def _listed(path: Path) -> ListedEncoder:
    """Describe one, or say what is wrong with it."""
    try:
        card = read_location_encoder(path).card
    except EarthprintError as error:
        return ListedEncoder(path.stem, path.stem, path, problem=str(error))
    return ListedEncoder(card.id, card.name, path, card.dimensions, card.licence, card.description)

"""Puts a location encoder into the user's folder, where it is found by its id."""

from __future__ import annotations

import json
from pathlib import Path

from ..errors import InputError
from ..location_mark import is_location_card
from ..model_item import ENDING, card_path, with_checksum
from ..model_search import checksum_of
from ..version import VERSION
from ..whole import whole
from .card_item import card_item
from .reading import LocationFiles, read_location_encoder


def keep_location_encoder(source: "str | Path", folder: Path) -> LocationFiles:
    """Copy an encoder, checked, under its id, and write its card beside it; what is there already stays as it is."""
    read = read_location_encoder(source)
    target = folder / f"{read.card.id}{ENDING}"
    for taken in (target, card_path(target)):
        if taken.exists() and not _same(taken, read):
            raise InputError("name-taken", "There is another encoder {name} in {folder}: remove that one first, or "
                             "name this one by its path.", name=read.card.id, folder=folder)
    folder.mkdir(parents=True, exist_ok=True)
    data = read.model.read_bytes()
    if read.card.path is not None and read.card.path.suffix.lower() == ".json":
        item = json.loads(read.card.path.read_text(encoding="utf-8-sig"))
    else:
        item = card_item(read.card, "", VERSION)
    text = json.dumps(with_checksum(item, target.name, data), indent=1, ensure_ascii=False, allow_nan=False)
    if not target.exists():
        with whole(target) as temporary:
            temporary.write_bytes(data)
    with whole(card_path(target)) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")
    return read_location_encoder(target)


def _same(taken: Path, read: LocationFiles) -> bool:
    """Tell whether a file of the name belongs to the same encoder."""
    if taken.suffix == ENDING:
        return checksum_of(taken) == read.card.checksum
    return is_location_card(taken) and (not taken.with_suffix(ENDING).exists()
                                        or checksum_of(taken.with_suffix(ENDING)) == read.card.checksum)

"""May dates be compared? Refuses, with the reason, vectors that would differ where nothing on the ground did."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Optional, Sequence

from ...card_json import read_card
from ...encoders.library import EncoderFolders, list_encoders
from ...errors import EarthprintError, SpaceError
from ...field import PROVENANCE_ITEM, Field
from ...progress import LOG, Progress
from ...space import Space, parse_key, require_same

DATE = "date"
PLACE = "place"
_DATES = ("time", "date", "year")
_PLACES = ("latlon", "location", "place")


@dataclass(frozen=True)
class Dated:
    """One date as far as comparability goes: its name in messages, its space's key and, where known, the space.

    `told` is what its encoder was told beside the pixels (roles of a card), None where the data don't say.
    """

    name: str
    key: str
    space: Optional[Space]
    told: "Optional[tuple[str, ...]]" = None


def dated(opened: Field) -> Dated:
    """Return what an embedding raster says of itself."""
    return Dated(opened.info.path, opened.key, opened.space, _told(opened.info.metadata.get(PROVENANCE_ITEM, "")))


def _told(text: str) -> "Optional[tuple[str, ...]]":
    """Return what the provenance of a raster says that its encoder was told."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    told = found.get("told") if isinstance(found, dict) else None
    return tuple(str(word) for word in told) if isinstance(told, list) else None


def require_same_spaces(dates: "Sequence[Dated]", progress: Progress) -> None:
    """Raise unless all dates are of one space; warn of what nobody stated."""
    first = dates[0]
    for other in dates[1:]:
        _require_normalised_alike(first, other)
        require_same(first.key, first.name, other.key, other.name)
    if not parse_key(first.key).declared:
        progress.warn(f"{first.name} doesn't say what its embeddings are: whether these dates may be compared can't be "
                      "checked. State it with “Describe embeddings”.")


def require_untold(dates: "Sequence[Dated]", same_ground: bool, encoders: Optional[EncoderFolders],
                   progress: Progress) -> None:
    """Raise where an encoder was told what differs between dates by itself, whatever the ground does."""
    warned = False
    for item in dates:
        told = context_of(item, encoders)
        _refuse(item, told, same_ground)
        if PLACE in told and not warned:
            progress.warn(f"The encoder of {item.name} was told the place. It is the same at each date, so it makes no "
                          "change, but it makes all distances smaller.")
            warned = True


def _require_normalised_alike(first: Dated, other: Dated) -> None:
    """Refuse dates that were normalised by statistics of their own."""
    one, two = first.space, other.space
    if one is None or two is None or (one.normalisation, two.normalisation) == ("card", "card"):
        return
    # A normalisation that names its statistics (“statistics:…”) is shared where the names agree.
    if one.normalisation == two.normalisation and ":" in one.normalisation:
        return
    raise SpaceError(
        "change-normalisation", "{first} and {other} were normalised by statistics of each image ({one} and {two}), so "
        "their vectors differ where the ground didn't change: embed both with an encoder whose card states the "
        "normalisation.", first=first.name, other=other.name, one=one.normalisation, two=two.normalisation)


def _refuse(item: Dated, told: "set[str]", same_ground: bool) -> None:
    """Refuse the date, which differs by itself, and the place, where that may differ."""
    if DATE in told:
        raise SpaceError(
            "change-date", "The encoder of {name} was told the date of the image, so its vectors differ between "
            "dates where the ground didn't change: embed every date without DATES, or with an encoder that isn't told "
            "the date.", name=item.name)
    if PLACE in told and not same_ground:
        raise SpaceError(
            "change-place", "The encoder of {name} was told the place, which differs between rasters on different "
            "grids, so vectors differ where the ground didn't change: embed every date on the same pixel grid, or with "
            "an encoder that isn't told the place.", name=item.name)


def context_of(item: Dated, encoders: Optional[EncoderFolders]) -> "set[str]":
    """Return which of date and place an encoder was told, as the space, the data or the encoder's card say."""
    space = item.space
    words = _words(space)
    if item.told is not None:
        words.update(item.told)
    elif space is not None and encoders is not None:
        words.update(_card_roles(space, encoders))
    return ({DATE} if words & set(_DATES) else set()) | ({PLACE} if words & set(_PLACES) else set())


def _words(space: Optional[Space]) -> "set[str]":
    """Return what a space's description says that its encoder encodes: a list, or a word of its own that is not off."""
    if space is None or not space.declared:
        return set()
    stated = space.details.get("encodes", ())
    words = {stated} if isinstance(stated, str) else {str(word) for word in stated}
    return words | {word for word in _DATES + _PLACES if space.details.get(word)}


def _card_roles(space: Space, encoders: EncoderFolders) -> "set[str]":
    """Return the inputs of the encoder beside its pixels, where its card is at hand."""
    for summary in list_encoders(encoders):
        if summary.id != space.encoder or not summary.usable or summary.path.suffix != ".json":
            continue
        try:
            card = read_card(summary.path, encoders.searched)
        except EarthprintError as error:
            LOG.info("The card %s wasn't asked what its encoder is told: %s", summary.path, error)
            continue
        if space.checksum in ("", card.checksum):
            return {item.role for item in card.inputs}
    return set()

"""Where encoders lie, which there are, and the one that a text means."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Optional, Sequence

from ..card import Card
from ..card_json import NOTE, looks_like_card, read_card, read_embedded, read_template
from ..errors import CardError, EarthprintError, InputError
from ..location_mark import is_location_file
from ..model_search import checksum_of
from ..onnxfile import read_facts
from ..progress import Progress
from .model_file import verify_model

TEMPLATES = "cards"


@dataclass(frozen=True)
class EncoderFolders:
    """Where encoders are looked for: those of the user, further ones, and those that ship, in this order."""

    shipped: Optional[Path] = None
    user: Optional[Path] = None
    extra: "tuple[Path, ...]" = field(default=())

    @property
    def searched(self) -> "tuple[Path, ...]":
        """Return the folders that exist, each once, the user's first."""
        wanted = [folder for folder in (self.user, *self.extra, self.shipped) if folder is not None]
        return tuple(dict.fromkeys(Path(folder) for folder in wanted if Path(folder).is_dir()))

    @property
    def templates(self) -> Optional[Path]:
        """Return the folder of the cards that ship without a model file."""
        return self.shipped / TEMPLATES if self.shipped is not None else None


@dataclass(frozen=True)
class CardSummary:
    """What a list of encoders shows of one; `problem` says why it can't be used, and is empty where it can."""

    id: str
    name: str
    path: Path
    kind: str = ""
    dimensions: int = 0
    bands: "tuple[str, ...]" = ()
    licence: str = ""
    description: str = ""
    problem: str = ""

    @property
    def usable(self) -> bool:
        """Tell whether the encoder can be run."""
        return not self.problem


def list_encoders(folders: EncoderFolders) -> "list[CardSummary]":
    """Return the encoders of the folders by name; a bad card is listed with its problem and hides no other."""
    return sorted(_in_order(folders), key=lambda item: (item.name.lower(), str(item.path)))


def list_templates(folders: EncoderFolders) -> "list[CardSummary]":
    """Return the cards that ship for encoders whose model file the user brings."""
    found = []
    for path in _cards(folders.templates) if folders.templates is not None else []:
        try:
            found.append(_summarised(read_template(path), path))
        except EarthprintError as error:
            found.append(CardSummary(path.stem, path.stem, path, problem=str(error)))
    return found


def find_encoder(text: str, folders: EncoderFolders, progress: Optional[Progress] = None) -> Card:
    """Return the encoder that an id or the path of a card or an ONNX file means, its model file verified."""
    wanted = text.strip()
    if not wanted:
        raise InputError("encoder-empty", "ENCODER is empty: give an encoder's id, or the path of its .json or .onnx "
                         "file.")
    ending = Path(wanted).suffix.lower()
    if ending in (".onnx", ".json") and is_location_file(Path(wanted)):
        raise _of_places(wanted)
    if ending == ".onnx":
        card = _of_model(Path(wanted), folders)
    elif ending == ".json":
        card = read_card(Path(wanted), folders.searched)
    else:
        card = _of_id(wanted, folders)
    verify_model(card, progress)
    return card


def find_template(text: str, folders: EncoderFolders) -> Optional[Card]:
    """Return the template of an id or path, or None if there is no such template."""
    path = Path(text)
    if path.suffix.lower() == ".json":
        return read_template(path) if path.is_file() else None
    for candidate in _cards(folders.templates) if folders.templates is not None else []:
        if candidate.stem == text:
            return read_template(candidate)
    return None


def _in_order(folders: EncoderFolders) -> "list[CardSummary]":
    """Return the encoders in the order of the folders, which decides where two of an id are one."""
    found = []
    for folder in folders.searched:
        found += [_summary(path, folders) for path in _cards(folder)]
        found += _without_card(folder)
    return found


def _of_id(wanted: str, folders: EncoderFolders) -> Card:
    """Find an encoder by its id."""
    summaries = _in_order(folders)
    found = [item for item in summaries if item.id == wanted]
    usable = [item for item in found if item.usable]
    if usable:
        cards = [read_card(item.path, folders.searched) if item.path.suffix == ".json" else
                 _of_model(item.path, folders) for item in usable]
        for other in cards[1:]:
            if other.space().digest() != cards[0].space().digest():
                raise InputError("encoder-ambiguous", "Two different encoders are called {id}: give the path of one, "
                                 "{first} or {second}.", id=wanted, first=usable[0].path,
                                 second=usable[cards.index(other)].path)
        return cards[0]
    if found:
        raise CardError("encoder-unusable", "The encoder {id} can't be used: {problem}", id=wanted,
                        problem=found[0].problem)
    raise _unknown(wanted, [item.id for item in summaries if item.usable], folders)


def _of_model(path: Path, folders: EncoderFolders) -> Card:
    """Find the card of an ONNX file: beside it, or the copy inside it."""
    if not path.is_file():
        raise InputError("encoder-missing", "The encoder {path} doesn't exist: check the path.", path=path)
    beside = path.with_suffix(".json")
    if beside.is_file():
        card = read_card(beside, folders.searched)
        if card.model_path.resolve() != path.resolve():
            raise CardError("card-other", "The card {card} beside {model} describes {other}: give the path of the card "
                            "that you mean.", card=beside, model=path, other=card.model_path)
        return card
    note = read_facts(path).metadata.get(NOTE)
    if note is None:
        raise CardError("card-none", "{path} has no card, so its bands and scale aren't known: add it with “Add an "
                        "encoder” first.", path=path)
    return replace(read_embedded(note, path), checksum=checksum_of(path))


def _unknown(wanted: str, ids: "Sequence[str]", folders: EncoderFolders) -> InputError:
    """Return the error for an id that no encoder has."""
    if _names_places(wanted, folders):
        return _of_places(wanted)
    close = difflib.get_close_matches(wanted.lower(), [item.lower() for item in ids], n=3, cutoff=0.5)
    names = [item for item in ids if item.lower() in close or wanted.lower() in item.lower()][:3]
    template = find_template(wanted, folders) if folders.templates is not None else None
    if template is not None:
        return InputError("encoder-template", "{id} is a card without a model file: bring the ONNX file with “Add an "
                          "encoder” and name {id} as its card.", id=wanted)
    if names:
        return InputError("encoder-unknown", "There is no encoder {id}; did you mean {names}?", id=wanted,
                          names=" or ".join(names))
    have = f"there are {', '.join(sorted(ids)[:12])}" if ids else "no encoder has been added yet"
    return InputError("encoder-unknown", "There is no encoder {id}; {have}. Write automatic to make one from the "
                      "raster, or add one with “Add an encoder”.", id=wanted, have=have)


def _names_places(wanted: str, folders: EncoderFolders) -> bool:
    """Tell whether an id is that of a location encoder, a formula's or a trained one's."""
    from ..locations.shipped import IDS, ONLY_TRAINED
    from ..locations.stored_list import list_location_encoders

    return wanted.lower() in (*IDS, *ONLY_TRAINED) or any(
        item.id == wanted for item in list_location_encoders(folders))


def _of_places(wanted: str) -> InputError:
    """Return the error for a location encoder where one of images is wanted."""
    return InputError("encoder-location", "{id} is a location encoder, which takes longitude and latitude and no "
                      "image: use “Embed locations”.", id=wanted)


def _cards(folder: Optional[Path]) -> "list[Path]":
    """Return the JSON files of a folder that mean to be encoder cards."""
    if folder is None or not folder.is_dir():
        return []
    return [path for path in sorted(folder.glob("*.json")) if looks_like_card(path)]


def _summary(path: Path, folders: EncoderFolders) -> CardSummary:
    """Describe one card, or say what is wrong with it."""
    try:
        return _summarised(read_card(path, folders.searched), path)
    except EarthprintError as error:
        return CardSummary(path.stem, path.stem, path, problem=str(error))


def _without_card(folder: Path) -> "list[CardSummary]":
    """Describe the ONNX files that have no card beside them, from the copy inside where there is one."""
    found = []
    for path in sorted(folder.glob("*.onnx")):
        if path.with_suffix(".json").exists():
            continue
        try:
            note = read_facts(path).metadata.get(NOTE)
            if note is not None:
                found.append(_summarised(read_embedded(note, path), path))
        except EarthprintError as error:
            found.append(CardSummary(path.stem, path.stem, path, problem=str(error)))
    return found


def _summarised(card: Card, path: Path) -> CardSummary:
    """Return what a list shows of a card; one with a reduction bears its encoder's id and goes by its file's name."""
    name = card.id if card.reduction is None else path.stem
    return CardSummary(name, card.name, path, card.kind, card.output_dimensions,
                       tuple(band.name for band in card.bands), card.licence, card.description)

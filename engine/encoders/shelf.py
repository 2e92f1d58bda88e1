"""The encoders that a person can choose from, with all that a list shows of them; checks and removes single ones."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from ..card import Card
from ..card_json import NOTE, read_card, read_embedded, read_template
from ..errors import Cancelled, EarthprintError, InputError
from ..locations.reading import read_location_encoder
from ..locations.stored_list import ListedEncoder, list_location_encoders
from ..onnxfile import check_trustworthy, external_files, read_facts
from ..progress import Progress
from .library import CardSummary, EncoderFolders, list_encoders, list_templates
from .model_file import verify_model

USER = "user"
FURTHER = "further"
SHIPPED = "shipped"
TEMPLATE = "template"
_DIFFERS = ("card-checksum", "location-checksum")


@dataclass(frozen=True)
class ShelvedEncoder:
    """One encoder as a list shows it: `cell` is in pixels, `size` in bytes with weights in files of their own.

    `places` tells a location encoder, which takes longitude and latitude instead of bands. `path` is its card, or its
    ONNX file where the card is inside; `stated` tells whether there is a checksum to compare with; `problem` says why
    it can't be used, and is empty where it can.
    """

    id: str
    name: str
    origin: str
    path: Path
    bands: "tuple[str, ...]" = ()
    unit: str = ""
    dimensions: int = 0
    cell: int = 0
    licence: str = ""
    description: str = ""
    fitted_on: str = ""
    model: Optional[Path] = None
    size: int = 0
    stated: bool = False
    problem: str = ""
    places: bool = False


def list_shelf(folders: EncoderFolders) -> "tuple[ShelvedEncoder, ...]":
    """Return the encoders in the folders, the user's first, then the cards that wait for their model file."""
    found = [_shelved(item, folders) for item in list_encoders(folders)]
    found += [_of_places(item, folders) for item in list_location_encoders(folders)]
    order = (USER, FURTHER, SHIPPED)
    found.sort(key=lambda item: order.index(item.origin))
    return (*found, *(_waiting(item) for item in list_templates(folders)))


@dataclass(frozen=True)
class FileCheck:
    """What came of looking into an encoder's files: a sentence, empty if all is well; whether a checksum differs."""

    problem: str = ""
    differs: bool = False


def check_files(encoder: ShelvedEncoder, folders: EncoderFolders, progress: Optional[Progress] = None) -> FileCheck:
    """Hash an encoder's files, which takes seconds for large ones, and say whether they are those the card means."""
    try:
        if encoder.places:
            read_location_encoder(encoder.path, progress)
        elif encoder.stated:
            verify_model(_card(encoder.path, folders), progress)
        elif encoder.model is not None:
            check_trustworthy(encoder.model)
    except Cancelled:
        raise
    except EarthprintError as error:
        return FileCheck(str(error), error.code in _DIFFERS)
    return FileCheck()


def files_of(encoder: ShelvedEncoder, folders: EncoderFolders) -> "tuple[Path, ...]":
    """Return what belongs to one of the user's encoders: its card, and its model if no other card uses it."""
    folder = folders.user
    if encoder.origin != USER or folder is None:
        raise InputError("encoder-not-yours", "{id} doesn't lie in your folder of encoders, so it stays.",
                         id=encoder.id)
    found = [encoder.path]
    model = encoder.model
    home = folder.resolve()
    if model is None or home not in model.resolve().parents or _used_by_another(encoder, folders):
        return tuple(path for path in found if path.is_file())
    found += [*_weights(model), model]
    inside = [path for path in dict.fromkeys(found) if home in path.resolve().parents]
    return tuple(path for path in inside if path.is_file())


def remove_encoder(encoder: ShelvedEncoder, folders: EncoderFolders) -> None:
    """Delete an encoder from the user's folder, its card last, so that what is left over can be removed again."""
    files = files_of(encoder, folders)
    for path in (*(item for item in files if item != encoder.path), encoder.path):
        try:
            path.unlink()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise InputError("encoder-locked", "{path} can't be deleted ({reason}): close what uses it and try again.",
                             path=path, reason=error.strerror or error) from error
    own = encoder.model.parent if encoder.model is not None else None
    if own is not None and own.parent == folders.user and own.is_dir() and not any(own.iterdir()):
        own.rmdir()


def _shelved(item: CardSummary, folders: EncoderFolders) -> ShelvedEncoder:
    """Add to a summary what is in the card and on the disk."""
    origin = _origin(item.path, folders)
    if not item.usable:
        return ShelvedEncoder(item.id, item.name, origin, item.path, model=_beside(item.path), problem=item.problem)
    try:
        card = _card(item.path, folders)
        size = sum(path.stat().st_size for path in (card.model_path, *external_files(read_facts(card.model_path))))
    except (EarthprintError, OSError) as error:
        return ShelvedEncoder(item.id, item.name, origin, item.path, model=_beside(item.path), problem=str(error))
    return ShelvedEncoder(
        item.id, item.name, origin, item.path, item.bands, _unit(card), item.dimensions, card.stride, item.licence,
        item.description, card.fitted_on, card.model_path, size, bool(card.checksum))


def _of_places(item: ListedEncoder, folders: EncoderFolders) -> ShelvedEncoder:
    """Describe a location encoder."""
    origin, model = _origin(item.path, folders), _beside(item.path)
    return ShelvedEncoder(
        item.id, item.name, origin, item.path, dimensions=item.dimensions, licence=item.licence,
        description=item.description, model=model, size=0 if model is None else model.stat().st_size,
        stated=item.path.suffix == ".json", problem=item.problem, places=True)


def _waiting(item: CardSummary) -> ShelvedEncoder:
    """Describe a card whose model the user is yet to bring."""
    if not item.usable:
        return ShelvedEncoder(item.id, item.name, TEMPLATE, item.path, problem=item.problem)
    card = read_template(item.path)
    return ShelvedEncoder(item.id, item.name, TEMPLATE, item.path, item.bands, _unit(card), item.dimensions,
                          card.stride, item.licence, item.description)


def _card(path: Path, folders: EncoderFolders) -> Card:
    """Read a card from its file, or from inside its ONNX file, whose copy can't state a checksum."""
    if path.suffix.lower() == ".onnx":
        return read_embedded(read_facts(path).metadata.get(NOTE, ""), path)
    return read_card(path, folders.searched)


def _origin(path: Path, folders: EncoderFolders) -> str:
    """Say whose folder a card lies in."""
    if folders.user is not None and path.parent == Path(folders.user):
        return USER
    return SHIPPED if folders.shipped is not None and path.parent == Path(folders.shipped) else FURTHER


def _unit(card: Card) -> str:
    """Return the unit of the pixels where all bands have the same."""
    units = {band.unit for band in card.bands}
    return units.pop() if len(units) == 1 else ""


def _beside(path: Path) -> Optional[Path]:
    """Return the model file that bears the name of a card that can't be read."""
    model = path.with_suffix(".onnx")
    return model if model.is_file() else None


def _weights(model: Path) -> "list[Path]":
    """Return the files with weights that a model names; one that can't be read names none."""
    try:
        return external_files(read_facts(model))
    except EarthprintError:
        return []


def _used_by_another(encoder: ShelvedEncoder, folders: EncoderFolders) -> bool:
    """Tell whether another card means the same model file, as cards with a reduction do."""
    if encoder.model is None:
        return False
    model = encoder.model.resolve()
    return any(other.model is not None and other.model.resolve() == model and other.path != encoder.path
               for other in list_shelf(folders))

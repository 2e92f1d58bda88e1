"""Reads a location encoder's files, trusting nothing: checksum, format, shapes, and both copies of the card agree."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Optional, Tuple

from ..errors import InputError, ModelError
from ..location_mark import LOCATION_NOTE, is_location_card, is_location_item
from ..model_item import ENDING, card_path, same_model
from ..model_pair import ModelPair
from ..model_search import checksum_of
from ..onnxfacts import OnnxFacts
from ..onnxfile import check_trustworthy
from ..progress import Progress
from .card import LocationCard
from .card_item import EMBEDDING, LOCATION, POSITION, card_of_item

_PAIR = ModelPair("location encoder", "location", "train or convert it again", 16 << 20)


@dataclass(frozen=True)
class LocationFiles:
    """A location encoder as it lies on disk: the ONNX file, checked, and its card with the file's checksum."""

    model: Path
    card: LocationCard


def read_location_encoder(path: "str | Path", progress: Optional[Progress] = None) -> LocationFiles:
    """Read and check a location encoder, named by either of its files."""
    model, beside = _files(Path(path))
    item = _PAIR.loaded(beside) if beside is not None else None
    facts = check_trustworthy(model)
    if facts.external:
        raise broken(model, "it keeps numbers in other files")
    note = facts.metadata.get(LOCATION_NOTE)
    inside = _PAIR.inside(note, model) if note is not None else None
    if item is None and inside is None:
        raise _no_encoder(model)
    stated = item if item is not None else inside
    card = _PAIR.card(lambda: card_of_item(stated or {}), beside or model, lambda other: _no_encoder(beside or model))
    checksum = checksum_of(model, progress)
    if item is not None:
        _PAIR.check_sum(item, checksum, model, beside)
        if inside is not None and not same_model(item, inside, also=("id",)):
            raise _PAIR.contradiction(beside, model)
    _check_interface(facts, card, model)
    return LocationFiles(model, replace(card, checksum=checksum, path=beside or model))


def broken(path: "str | Path", reason: str) -> ModelError:
    """Say that a location encoder can't be trusted."""
    return _PAIR.broken(path, reason)


def _files(path: Path) -> "Tuple[Path, Optional[Path]]":
    """Return the model and the card beside it, from the path of either."""
    if not path.is_file():
        raise InputError("location-missing", "There is no encoder file {path}: check the path.", path=path)
    if path.suffix.lower() == ENDING:
        beside = card_path(path)
        return path, beside if beside.is_file() and is_location_card(beside) else None
    item = _PAIR.loaded(path)
    if not is_location_item(item):
        raise _no_encoder(path)
    return _PAIR.model_of(item, path), path


def _no_encoder(path: Path) -> InputError:
    """Say that a file is no location encoder."""
    return InputError("location-image", "{path} describes no location encoder, which takes longitude and latitude: use "
                      "“Embed raster” for encoders of images, or give the id of a location encoder.", path=path)


def _check_interface(facts: OnnxFacts, card: LocationCard, model: Path) -> None:
    """Compare the graph's input and output with the card."""
    name, size = (LOCATION, 2) if card.position.has_nodes else (POSITION, card.position.size)
    given = {value.name: value for value in facts.inputs}
    if set(given) != {name}:
        raise broken(model, f"its inputs are {', '.join(sorted(given))[:80] or 'none'} instead of {name}")
    values = {**given, **{value.name: value for value in facts.outputs}}
    for wanted, kind, width in ((name, "float64", size), (EMBEDDING, "float32", card.dimensions)):
        value = values.get(wanted)
        if value is None or value.kind != kind or value.shape is None or len(value.shape) != 2 or (
                value.shape[1] != width):
            raise broken(model, f"“{wanted}” is missing or has not the shape that the card states")

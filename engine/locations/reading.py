"""Reads a location encoder's files, trusting nothing: checksum, format, shapes, and both copies of the card agree."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, Dict, Mapping, Optional, Tuple

from ..errors import CardError, InputError, ModelError
from ..location_mark import LOCATION_NOTE, is_location_card, is_location_item
from ..model_search import checksum_of
from ..onnxfacts import OnnxFacts
from ..onnxfile import check_trustworthy
from ..progress import Progress
from .card import LocationCard
from .card_item import (
    EMBEDDING,
    LOCATION,
    POSITION,
    NewerFormat,
    NotALocationEncoder,
    card_of_item,
    same_encoder,
)
from .storing import ENDING, MULTIHASH, card_path

_LARGEST_CARD = 16 << 20


@dataclass(frozen=True)
class LocationFiles:
    """A location encoder as it lies on disk: the ONNX file, checked, and its card with the file's checksum."""

    model: Path
    card: LocationCard


def read_location_encoder(path: "str | Path", progress: Optional[Progress] = None) -> LocationFiles:
    """Read and check a location encoder, named by either of its files."""
    model, beside = _files(Path(path))
    item = _loaded(beside) if beside is not None else None
    facts = check_trustworthy(model)
    if facts.external:
        raise broken(model, "it keeps numbers in other files")
    note = facts.metadata.get(LOCATION_NOTE)
    inside = _inside(note, model) if note is not None else None
    if item is None and inside is None:
        raise _no_encoder(model)
    stated = item if item is not None else inside
    card = _card(stated or {}, beside or model)
    checksum = checksum_of(model, progress)
    if item is not None:
        _check_sum(item, checksum, model, beside)
        if inside is not None and not same_encoder(item, inside):
            raise CardError("location-contradiction", "The card {path} and the copy inside {model} say different "
                            "things: restore the card that came with the encoder, or remove the edited one.",
                            path=beside, model=model)
    _check_interface(facts, card, model)
    return LocationFiles(model, replace(card, checksum=checksum, path=beside or model))


def broken(path: "str | Path", reason: str) -> ModelError:
    """Say that a location encoder can't be trusted."""
    return ModelError("location-broken", "The location encoder {path} can't be used because {reason}: it is damaged or "
                      "was edited, train or convert it again or bring both of its files again.", path=path,
                      reason=reason)


def _files(path: Path) -> "Tuple[Path, Optional[Path]]":
    """Return the model and the card beside it, from the path of either."""
    if not path.is_file():
        raise InputError("location-missing", "There is no encoder file {path}: check the path.", path=path)
    if path.suffix.lower() == ENDING:
        beside = card_path(path)
        return path, beside if beside.is_file() and is_location_card(beside) else None
    item = _loaded(path)
    if not is_location_item(item):
        raise _no_encoder(path)
    href = _asset(item).get("href")
    model = path.with_name(PurePosixPath(str(href).replace("\\", "/")).name or path.name)
    model = model if model.is_file() and model != path else path.with_suffix(ENDING)
    if not model.is_file():
        raise ModelError("location-model-missing", "The model {model} of the card {path} is not beside it: bring both "
                         "files.", model=model.name, path=path)
    return model, path


def _no_encoder(path: Path) -> InputError:
    """Say that a file is no location encoder."""
    return InputError("location-image", "{path} describes no location encoder, which takes longitude and latitude: use "
                      "“Embed raster” for encoders of images, or give the id of a location encoder.", path=path)


def _loaded(path: Path) -> "Dict[str, Any]":
    """Read the JSON of a card."""
    try:
        if path.stat().st_size > _LARGEST_CARD:
            raise CardError("location-card-large", "The card {path} is larger than {limit} MiB: this is no location "
                            "encoder's card.", path=path, limit=_LARGEST_CARD >> 20)
        found = _decoded(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise CardError("location-card-missing", "The card {path} can't be read ({reason}): check the path.",
                        path=path, reason=error.strerror or error) from error
    except (ValueError, RecursionError) as error:
        raise CardError("location-card-json", "The card {path} is not valid JSON ({reason}): bring it again, or "
                        "remove it if the model carries a copy.", path=path, reason=str(error)[:120]) from error
    if not isinstance(found, dict):
        raise CardError("location-card-json", "The card {path} holds no JSON object: bring it again, or remove it if "
                        "the model carries a copy.", path=path)
    return found


def _inside(note: str, model: Path) -> "Dict[str, Any]":
    """Read the copy of the card in the model."""
    try:
        found = _decoded(note)
    except (ValueError, RecursionError) as error:
        raise broken(model, "the card inside it can't be read") from error
    if not isinstance(found, dict):
        raise broken(model, "the card inside it is no JSON object")
    return found


def _card(item: "Mapping[str, Any]", path: Path) -> LocationCard:
    """Turn an item into a card, or say what is wrong with it."""
    try:
        return card_of_item(item)
    except NewerFormat as error:
        raise CardError("location-newer", "{path} was written by a newer version of Earthprint ({version}): update "
                        "Earthprint, or make the encoder again with this one.", path=path,
                        version=str(error)) from error
    except NotALocationEncoder as error:
        raise _no_encoder(path) from error
    except ValueError as error:
        raise CardError("location-card", "The card {path} can't be used because {reason}: restore the card that came "
                        "with the encoder, or make it again.", path=path, reason=str(error)) from error


def _check_sum(item: "Mapping[str, Any]", found: str, model: Path, beside: "Optional[Path]") -> None:
    """Compare the model with what its card says of it."""
    stated = _asset(item).get("file:checksum")
    if not isinstance(stated, str) or not stated.startswith(MULTIHASH):
        raise CardError("location-checksum-missing", "The card {path} states no checksum of its model: restore the "
                        "card that came with the encoder.", path=beside)
    if found != stated[len(MULTIHASH):].lower():
        raise ModelError("location-checksum", "The location encoder {path} is not the file that its card describes "
                         "(its SHA-256 is {found}, the card says {stated}): bring both files again, or make it again.",
                         path=model, found=found[:12] + "…", stated=stated[len(MULTIHASH):][:12] + "…")


def _asset(item: "Mapping[str, Any]") -> "Mapping[str, Any]":
    """Return what a card says of the file of its model."""
    assets = item.get("assets")
    asset = assets.get("model") if isinstance(assets, dict) else None
    return asset if isinstance(asset, dict) else {}


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


def _decoded(text: str) -> Any:
    """Decode JSON, refusing numbers that would make arithmetic fail later."""
    return json.loads(text, parse_constant=_refused, parse_float=_finite,
                      parse_int=lambda digits: int(digits) if len(digits) < 19 else _refused(digits))


def _finite(text: str) -> float:
    """Read a number with a point or exponent."""
    value = float(text)
    return value if math.isfinite(value) else _refused(text)


def _refused(text: str) -> Any:
    """Refuse NaN, infinity and what is as good as that."""
    raise ValueError(f"{text[:30]} is no number that a card could hold")

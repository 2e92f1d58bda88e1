"""The STAC Item of a model that was trained or converted here: what the cards of all such models have in common."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any, Callable, Dict, Mapping, Optional, Sequence, TypeVar

from .errors import EarthprintError

ENDING = ".onnx"
MULTIHASH = "1220"
PREFIX = "earthprint."
EXTENSIONS = ("https://stac-extensions.github.io/mlm/v1.5.2/schema.json",
              "https://stac-extensions.github.io/file/v2.1.0/schema.json")
# STAC wants a moment; a card without a date gets a fixed one, so that two writings are equal.
_EPOCH = "2024-01-01T00:00:00Z"
_DATE = re.compile(r"^\d{4}-\d\d-\d\d$")
# What a reader may change in the JSON without making it another model's.
_FREE = ("title", "description", "keywords", "license")
_HYPER = "mlm:hyperparameters"

Card = TypeVar("Card")


class NewerFormat(ValueError):
    """The card is of a format that this version doesn't know; the text is the version that wrote it."""


class OtherModel(ValueError):
    """The JSON is no card of the kind of model that was asked for; the text says why."""


def card_path(onnx_path: "str | Path") -> Path:
    """Return where the card of an ONNX file lies."""
    return Path(onnx_path).with_suffix(".json")


def moment_of(created: str) -> str:
    """Return the moment that a card states for a date."""
    return f"{created}T00:00:00Z" if _DATE.match(created) else _EPOCH


def item_of(identifier: str, properties: "Mapping[str, Any]", own: "Mapping[str, Any]", href: str) -> "Dict[str, Any]":
    """Return the item of a model, valid everywhere on the globe; `own` are the keys that are ours."""
    return {
        "type": "Feature", "stac_version": "1.1.0", "id": identifier, "stac_extensions": list(EXTENSIONS),
        "geometry": {"type": "Polygon",
                     "coordinates": [[[-180, -90], [180, -90], [180, 90], [-180, 90], [-180, -90]]]},
        "bbox": [-180, -90, 180, 90],
        "properties": {**properties, _HYPER: {f"{PREFIX}{key}": value for key, value in own.items()}},
        "assets": {"model": {"href": href, "type": "application/octet-stream; framework=onnx", "roles": ["mlm:model"],
                             "mlm:artifact_type": "onnx"}},
        "links": []}


def with_checksum(item: "Mapping[str, Any]", name: str, data: bytes) -> "Dict[str, Any]":
    """Return an item with what it says of its file, which has this name and these bytes."""
    asset = {**item["assets"]["model"], "href": f"./{name}", "file:size": len(data),
             "file:checksum": MULTIHASH + hashlib.sha256(data).hexdigest()}
    link = {"rel": "self", "href": f"./{card_path(name).name}", "type": "application/geo+json"}
    return {**item, "assets": {**item["assets"], "model": asset}, "links": [link]}


def item_text(item: "Mapping[str, Any]", indent: Optional[int]) -> str:
    """Return an item as text."""
    return json.dumps(item, indent=indent, ensure_ascii=False, allow_nan=False,
                      separators=None if indent else (",", ":"))


def own_keys(item: Any, key: str, newest: int) -> "Dict[str, Any]":
    """Return our own keys of an item that has `key`, which says the format; a newer one than known is refused."""
    properties = item.get("properties") if isinstance(item, dict) else None
    hyper = properties.get(_HYPER) if isinstance(properties, dict) else None
    if not isinstance(hyper, dict):
        raise OtherModel(f"it has no {_HYPER}")
    own = {name[len(PREFIX):]: value for name, value in hyper.items() if name.startswith(PREFIX)}
    stated = own.get(key)
    if not isinstance(stated, int) or isinstance(stated, bool):
        raise OtherModel(f"it doesn't say {PREFIX}{key}")
    if stated > newest:
        raise NewerFormat(str(own.get("version", "?"))[:40])
    return own


def in_words(read: "Callable[[], Card]") -> Card:
    """Return what `read` makes of JSON that nobody checked; all that goes wrong is a ValueError with a reason."""
    try:
        return read()
    except OtherModel:
        raise
    except EarthprintError as error:
        raise ValueError(str(error).rstrip(".")) from error
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError) as error:
        what = f"“{error.args[0]}” is missing" if isinstance(error, KeyError) else str(error)
        raise ValueError(what[:160] or "it is incomplete") from error


def same_model(first: "Mapping[str, Any]", second: "Mapping[str, Any]", also: "Sequence[str]" = ()) -> bool:
    """Tell whether two items state the same of a model; `also` are keys of the item beside its properties."""
    return _essence(first, also) == _essence(second, also)


def _essence(item: "Mapping[str, Any]", also: "Sequence[str]") -> str:
    """Return the text of all that makes a model what it is."""
    properties = {key: value for key, value in (item.get("properties") or {}).items() if key not in _FREE}
    return json.dumps([[item.get(key) for key in also], properties], sort_keys=True)

"""Encoder cards on disk: a STAC Item with the Machine Learning Model (MLM) extension, read, checked and written.

What the extension has no field for stands in `mlm:hyperparameters` under names that begin with `earthprint.`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, Optional, Sequence

from .card import Card
from .card_check import check_card
from .card_fields import CardFields, card_error
from .card_item import card_item, card_of_item, model_asset
from .errors import CardError
from .location_mark import is_location_item
from .model_search import find_by_checksum
from .strict_json import decoded
from .whole import whole

NOTE = "earthprint.card"
MULTIHASH = "1220"
_LIMIT = 64 << 20
_DIGEST = re.compile(r"^[0-9a-f]{64}$")


def read_card(path: "str | Path", folders: "Sequence[Path]" = ()) -> Card:
    """Read and check a card and find its model file, beside it or by checksum in the folders.

    The bytes of the model are not hashed here; `encoders.model_file.verify_model` does that before a session is made.
    """
    source = Path(path)
    item = _load(source)
    card = _parsed(item, source)
    if is_template(item):
        raise card_error(source, "earthprint.template", "says that this is a template without a model file",
                         "bring the ONNX file with “Add an encoder” and name this card there")
    asset = model_asset(CardFields(str(source), item, ""))
    checksum = _checksum(asset, source)
    model = _locate(asset, source, checksum, folders)
    card = replace(card, model_path=model, checksum=checksum)
    _check_size(asset, source, model)
    return card


def read_template(path: "str | Path") -> Card:
    """Read and check a card whose model file the user is yet to bring; its `model_path` doesn't exist."""
    source = Path(path)
    item = _load(source)
    href = str(model_asset(CardFields(str(source), item, "")).get("href") or "")
    return replace(_parsed(item, source), model_path=source.parent / PurePosixPath(href).name)


def read_unplaced(path: "str | Path") -> Card:
    """Read and check a card without looking for its model; the checksum is empty where the card states none."""
    source = Path(path)
    item = _load(source)
    asset = model_asset(CardFields(str(source), item, ""))
    card = _parsed(item, source)
    return card if asset.get("file:checksum") is None else replace(card, checksum=_checksum(asset, source))


def read_embedded(text: str, model: Path) -> Card:
    """Read the copy of a card that an ONNX file carries; the checksum is that of the file at hand."""
    source = Path(f"{model} (its metadata)")
    try:
        item = decoded(text)
    except (ValueError, RecursionError) as error:
        raise CardError("card-json", "The card inside {path} can't be read ({reason}): export the file again, or put a "
                        "card beside it.", path=model, reason=error) from error
    if not isinstance(item, dict):
        raise CardError("card-json", "The card inside {path} is no JSON object: export the file again, or put a card "
                        "beside it.", path=model)
    return replace(_parsed(item, source), path=None, model_path=model)


def write_card(card: Card, path: "str | Path") -> Path:
    """Check a card and write it; the model is referred to relatively where it lies at or below the card's folder."""
    target = Path(path)
    check_card(card, str(target))
    if not _DIGEST.match(card.checksum):
        raise card_error(target, "file:checksum", "is missing", "compute the SHA-256 of the model file first")
    if not card.model_path.is_file():
        raise card_error(target, "href", f"names {card.model_path}, which doesn't exist", "write the model file first")
    item = card_item(card, _href(card.model_path, target.parent))
    asset = item["assets"]["model"]
    asset["file:size"] = card.model_path.stat().st_size
    asset["file:checksum"] = MULTIHASH + card.checksum
    for name, digest in sorted(weights_of(card).items()):
        item["assets"][f"weights-{len(item['assets'])}"] = {
            "href": _href(card.model_path.parent / name, target.parent), "type": "application/octet-stream",
            "roles": ["mlm:weights"], "file:checksum": MULTIHASH + digest}
    item["links"] = [{"rel": "self", "href": f"./{target.name}", "type": "application/geo+json"}]
    with whole(target) as temporary:
        temporary.write_text(json.dumps(item, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
    return target


def card_note(card: Card) -> str:
    """Return the copy of a card for the ONNX file's metadata (under `NOTE`), which can't hold its own checksum."""
    check_card(card, card.id)
    return json.dumps(card_item(card, f"./{card.model_path.name}"), separators=(",", ":"), ensure_ascii=False,
                      allow_nan=False)


def network_digest(card: Card) -> str:
    """Return a checksum of what decides the vectors that the graph itself returns: not its names, not a reduction."""
    item = card_item(replace(card, id="x", name="xxx", reduction=None, description="", licence="", fitted_on="",
                             suggested_batch=0, suggested_tile=0, gsd_range=None, architecture="x", details={},
                             external=False), "x")
    text = json.dumps(item["properties"], sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def require_agreement(card: Card, note: str) -> None:
    """Raise unless the card beside a model and the copy inside it tell of the same network."""
    inside = read_embedded(note, card.model_path)
    if network_digest(inside) == network_digest(card):
        return
    raise CardError("card-contradiction", "The card {path} and the copy inside {model} say different things{what}: "
                    "restore the card that came with the model, or remove the copy by exporting the model again.",
                    path=card.path, model=card.model_path, what=_difference(card, inside))


def is_template(item: "dict[str, Any]") -> bool:
    """Tell whether a card was written for a model file that the user brings."""
    hyper = (item.get("properties") or {}).get("mlm:hyperparameters") if isinstance(item, dict) else None
    return isinstance(hyper, dict) and hyper.get("earthprint.template") is True


def weights_of(card: Card) -> "dict[str, str]":
    """Return the checksums of the files beside the model that hold its weights, by name."""
    weights = card.details.get("weights") or {}
    return {str(name): str(digest) for name, digest in weights.items()} if isinstance(weights, dict) else {}


def looks_like_card(path: Path) -> bool:
    """Tell whether a JSON file means to be an encoder's card, so that other JSON beside it is left in peace."""
    try:
        if path.stat().st_size > _LIMIT:
            return False
        item = decoded(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return path.with_suffix(".onnx").exists()
    if not isinstance(item, dict) or not isinstance(item.get("properties"), dict) or is_location_item(item):
        return False
    properties = item["properties"]
    tasks = properties.get("mlm:tasks")
    return any(str(key).startswith("mlm:") for key in properties) and (
        not isinstance(tasks, list) or "similarity-search" in tasks or not tasks)


def _parsed(item: "dict[str, Any]", source: Path) -> Card:
    """Turn an item into a checked card."""
    card = replace(card_of_item(item, source), path=source)
    check_card(card, str(source))
    return card


def _load(path: Path) -> "dict[str, Any]":
    """Read a JSON file that should hold one object."""
    try:
        if path.stat().st_size > _LIMIT:
            raise CardError("card-large", "The card {path} is larger than {limit} MiB: this is no encoder's card.",
                            path=path, limit=_LIMIT >> 20)
        item = decoded(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise CardError("card-missing", "The card {path} can't be read ({reason}): check the path.", path=path,
                        reason=error.strerror or error) from error
    except (ValueError, RecursionError) as error:
        raise CardError("card-json", "The card {path} is not valid JSON ({reason}): mend it or bring it again.",
                        path=path, reason=error) from error
    if not isinstance(item, dict):
        raise CardError("card-json", "The card {path} holds no JSON object: choose an encoder's card.", path=path)
    return item


def _checksum(asset: "dict[str, Any]", source: Path) -> str:
    """Return the hexadecimal SHA-256 that the card states."""
    text = asset.get("file:checksum")
    if not isinstance(text, str) or not text:
        raise card_error(source, "file:checksum", "is missing from the model's asset",
                         "give 1220 followed by the SHA-256 of the ONNX file, or add the file with “Add an encoder”")
    digest = text.lower()
    if not digest.startswith(MULTIHASH) or not _DIGEST.match(digest[len(MULTIHASH):]):
        raise card_error(source, "file:checksum", f"is “{text[:80]}”",
                         "give 1220 followed by the 64 hexadecimal digits of the file's SHA-256")
    return digest[len(MULTIHASH):]


def _locate(asset: "dict[str, Any]", source: Path, checksum: str, folders: "Sequence[Path]") -> Path:
    """Find the model file of a card: where it says, else by checksum."""
    href = asset.get("href")
    if not isinstance(href, str) or not href:
        raise card_error(source, "href", "is missing from the model's asset", "name the ONNX file there")
    if re.match(r"[a-z][a-z0-9+.-]+://", href, re.IGNORECASE):
        raise card_error(source, "href", f"is the address {href}", "download the ONNX file and name it relative to "
                         "the card")
    place = _place(href, source)
    if place is not None and place.is_file():
        return place
    size = asset.get("file:size")
    found = find_by_checksum(checksum, size if isinstance(size, int) else None, [source.parent, *folders])
    if found is None:
        raise card_error(source, "href", f"names {href}, which doesn't exist",
                         "put the ONNX file there, or add it with “Add an encoder”")
    return found


def _place(href: str, source: Path) -> Optional[Path]:
    """Return where a reference points; None for an absolute path of another system."""
    if PureWindowsPath(href).is_absolute() or PurePosixPath(href).is_absolute():
        place = Path(href)
        return place if place.is_absolute() else None
    folder = source.parent.resolve()
    place = Path(os.path.normpath(folder / href.replace("\\", "/")))
    if folder not in place.parents:
        raise card_error(source, "href", f"is {href}, which leaves the card's folder",
                         "put the ONNX file beside the card, or give its absolute path")
    return place


def _check_size(asset: "dict[str, Any]", source: Path, model: Path) -> None:
    """Compare the file's size with the card's, which costs nothing and finds most truncated files."""
    size = asset.get("file:size")
    if isinstance(size, int) and not isinstance(size, bool) and model.stat().st_size != size:
        raise CardError("card-size", "The model {model} has {found} bytes, but its card {path} says {size}: the file "
                        "is truncated or another one, bring it again.",
                        model=model, found=model.stat().st_size, path=source, size=size)


def _href(model: Path, folder: Path) -> str:
    """Return the reference to a model: relative inside the card's folder, absolute elsewhere."""
    resolved, home = Path(os.path.realpath(model)), Path(os.path.realpath(folder))
    if home in resolved.parents:
        return "./" + resolved.relative_to(home).as_posix()
    return str(resolved)


def _difference(first: Card, second: Card) -> str:
    """Name the first field in which two cards differ."""
    for name in ("bands", "inputs", "output", "scaling", "kind", "dimensions", "stride", "tile", "halo", "tokens_drop",
                 "pooling", "dates", "date_pooling", "fill", "metric", "unit_norm", "normalise_output", "normalisation",
                 "context", "finite_context"):
        if getattr(first, name) != getattr(second, name):
            return f" ({name})"
    return ""

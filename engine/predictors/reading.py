"""Reads a predictor's files, trusting nothing: checksum, format, shapes, and the two copies of the card agree."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Dict, Mapping, Optional, Tuple

import numpy as np

from ..errors import CardError, ModelError
from ..onnxfacts import OnnxFacts
from ..onnxfile import check_trustworthy, sha256
from ..onnxgraph import read_weights
from ..onnxwire import WireError
from ..progress import Progress
from .card import PredictorCard
from .item import (
    COLUMNS,
    EMBEDDING,
    PREDICTED,
    PROBABILITIES,
    SCORE,
    NewerFormat,
    NotAPredictor,
    card_of_item,
    same_predictor,
)
from .storing import ENDING, MULTIHASH, NOTE, card_path

_LARGEST_CARD = 64 << 20


@dataclass(frozen=True)
class StoredPredictor:
    """A predictor as it lies on disk: its card, and the arrays of its graph by name."""

    path: Path
    card: PredictorCard
    weights: "Mapping[str, np.ndarray]"

    def array(self, name: str, *shape: Optional[int]) -> np.ndarray:
        """Return an array with the shape that it must have; None stands for any length."""
        found = self.weights.get(name)
        if found is None or len(found.shape) != len(shape) or any(
                want is not None and want != have for want, have in zip(shape, found.shape)):
            raise broken(self.path, f"“{name}” is missing or has another shape")
        if not np.isfinite(found).all():
            raise broken(self.path, f"“{name}” holds values that are no numbers")
        return found


def read_predictor(path: "str | Path", progress: Progress) -> StoredPredictor:
    """Read and check a predictor, named by either of its files."""
    model, beside = _files(Path(path))
    item = _loaded(beside) if beside is not None else None
    card = _card(item, beside) if item is not None and beside is not None else None
    facts = check_trustworthy(model)
    if facts.external:
        raise broken(model, "it keeps numbers in other files")
    note = facts.metadata.get(NOTE)
    inside = _inside(note, model) if note is not None else None
    if item is not None:
        _check_sum(item, model, beside, progress)
        if inside is not None and not same_predictor(item, inside):
            raise CardError("predictor-contradiction", "The card {path} and the copy inside {model} say different "
                            "things: restore the card that came with the predictor, or remove the edited one.",
                            path=beside, model=model)
    if card is None:
        if inside is None:
            raise ModelError("predictor-none", "{path} is no predictor: it carries no card and has none beside it; "
                             "choose the OUTPUT of a training.", path=model)
        card = _card(inside, model)
    _check_interface(facts, card, model)
    try:
        weights = read_weights(model.read_bytes()).weights
    except WireError as error:
        raise broken(model, str(error)) from error
    return StoredPredictor(model, card, weights)


def broken(path: "str | Path", reason: str) -> ModelError:
    """Say that a predictor can't be trusted."""
    return ModelError("predictor-broken", "The predictor {path} can't be used because {reason}: it is damaged or was "
                      "edited, train it again or bring both of its files again.", path=path, reason=reason)


def _files(path: Path) -> "Tuple[Path, Optional[Path]]":
    """Return the model and the card beside it, from the path of either."""
    if not path.is_file():
        raise ModelError("predictor-missing", "There is no predictor {path}: give the path of its .onnx file.",
                         path=path)
    if path.suffix.lower() == ENDING:
        beside = card_path(path)
        return path, beside if beside.is_file() else None
    if path.suffix.lower() != ".json":
        raise ModelError("predictor-ending", "{path} is no predictor: choose an .onnx file, or the .json beside it.",
                         path=path)
    item = _loaded(path)
    _card(item, path)
    href = _asset(item).get("href")
    model = path.with_name(PurePosixPath(str(href).replace("\\", "/")).name)
    model = model if model.is_file() else path.with_suffix(ENDING)
    if not model.is_file():
        raise ModelError("predictor-model-missing", "The model {model} of the card {path} is not beside it: bring both "
                         "files.", model=model.name, path=path)
    return model, path


def _loaded(path: Path) -> "Dict[str, Any]":
    """Read the JSON of a card."""
    try:
        if path.stat().st_size > _LARGEST_CARD:
            raise CardError("predictor-card-large", "The card {path} is larger than {limit} MiB: this is no "
                            "predictor's card.", path=path, limit=_LARGEST_CARD >> 20)
        found = _decoded(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise CardError("predictor-card-missing", "The card {path} can't be read ({reason}): check the path.",
                        path=path, reason=error.strerror or error) from error
    except (ValueError, RecursionError) as error:
        raise CardError("predictor-card-json", "The card {path} is not valid JSON ({reason}): bring it again, or "
                        "remove it if the model carries a copy.", path=path, reason=str(error)[:120]) from error
    if not isinstance(found, dict):
        raise CardError("predictor-card-json", "The card {path} holds no JSON object: bring it again, or remove it if "
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


def _card(item: "Mapping[str, Any]", path: Path) -> PredictorCard:
    """Turn an item into a card, or say what is wrong with it."""
    try:
        return card_of_item(item)
    except NewerFormat as error:
        raise CardError("predictor-newer", "{path} was written by a newer version of Earthprint ({version}): update "
                        "Earthprint, or train the predictor again with this one.", path=path,
                        version=str(error)) from error
    except NotAPredictor as error:
        raise CardError("predictor-card-other", "{path} is no predictor's card ({reason}): choose the OUTPUT of a "
                        "training.", path=path, reason=str(error)) from error
    except ValueError as error:
        raise CardError("predictor-card", "The card {path} can't be used because {reason}: restore the card that came "
                        "with the predictor, or train it again.", path=path, reason=str(error)) from error


def _check_sum(item: "Mapping[str, Any]", model: Path, beside: "Optional[Path]", progress: Progress) -> None:
    """Compare the model with what its card says of it."""
    stated = _asset(item).get("file:checksum")
    if not isinstance(stated, str) or not stated.startswith(MULTIHASH):
        raise CardError("predictor-checksum-missing", "The card {path} states no checksum of its model: restore the "
                        "card that came with the predictor.", path=beside)
    found = sha256(model, progress)
    if found != stated[len(MULTIHASH):].lower():
        raise ModelError("predictor-checksum", "The predictor {path} is not the file that its card describes (its "
                         "SHA-256 is {found}, the card says {stated}): bring both files again, or train it again.",
                         path=model, found=found[:12] + "…", stated=stated[len(MULTIHASH):][:12] + "…")


def _asset(item: "Mapping[str, Any]") -> "Mapping[str, Any]":
    """Return what a card says of the file of its model."""
    assets = item.get("assets")
    asset = assets.get("model") if isinstance(assets, dict) else None
    return asset if isinstance(asset, dict) else {}


def _check_interface(facts: OnnxFacts, card: PredictorCard, model: Path) -> None:
    """Compare the graph's inputs and outputs with the card."""
    wanted: "Dict[str, Tuple[str, Tuple[Optional[int], ...]]]" = {EMBEDDING: ("float32", (None, card.dimensions))}
    if card.columns.width:
        wanted[COLUMNS] = ("float32", (None, card.columns.width))
    given = {value.name: value for value in facts.inputs}
    if set(given) != set(wanted):
        raise broken(model, f"its inputs are {', '.join(sorted(given)) or 'none'}")
    if card.classes:
        wanted[PROBABILITIES] = ("float32", (None, card.classes))
        wanted[PREDICTED] = ("int64", (None,))
    else:
        wanted[SCORE] = wanted[PREDICTED] = ("float32", (None, card.outputs))
    given.update({value.name: value for value in facts.outputs})
    for name, (kind, shape) in wanted.items():
        value = given.get(name)
        if value is None or value.kind != kind or value.shape is None or len(value.shape) != len(shape) or any(
                want is not None and want != have for want, have in zip(shape, value.shape)):
            raise broken(model, f"“{name}” is missing or has not the shape that the card states")


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

"""Reads a predictor's files, trusting nothing: checksum, format, shapes, and the two copies of the card agree."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Mapping, Optional, Tuple

import numpy as np

from ..errors import CardError, ModelError
from ..model_item import ENDING, card_path, same_model
from ..model_pair import ModelPair
from ..onnxfacts import OnnxFacts
from ..onnxfile import check_trustworthy, sha256
from ..onnxgraph import read_weights
from ..onnxwire import WireError
from ..progress import Progress
from .card import PredictorCard
from .item import COLUMNS, EMBEDDING, PREDICTED, PROBABILITIES, SCORE, card_of_item
from .storing import NOTE

_PAIR = ModelPair("predictor", "predictor", "train it again", 64 << 20)


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
    item = _PAIR.loaded(beside) if beside is not None else None
    card = _card(item, beside) if item is not None and beside is not None else None
    facts = check_trustworthy(model)
    if facts.external:
        raise broken(model, "it keeps numbers in other files")
    note = facts.metadata.get(NOTE)
    inside = _PAIR.inside(note, model) if note is not None else None
    if item is not None:
        _PAIR.check_sum(item, sha256(model, progress), model, beside)
        if inside is not None and not same_model(item, inside):
            raise _PAIR.contradiction(beside, model)
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
    return _PAIR.broken(path, reason)


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
    item = _PAIR.loaded(path)
    _card(item, path)
    return _PAIR.model_of(item, path), path


def _card(item: "Mapping[str, Any]", path: Path) -> PredictorCard:
    """Turn an item into a card, or say what is wrong with it."""
    return _PAIR.card(lambda: card_of_item(item), path, lambda other: CardError(
        "predictor-card-other", "{path} is no predictor's card ({reason}): choose the OUTPUT of a training.",
        path=path, reason=str(other)))


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

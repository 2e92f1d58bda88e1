"""Writes a predictor: an ONNX file and its card beside it, both or none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Optional

from ..errors import OutputError
from ..model_item import ENDING, card_path, item_text, with_checksum
from ..training.applicability import Applicability
from ..training.models import Fitted
from ..version import VERSION
from ..whole import whole
from .card import PredictorCard
from .graph import build
from .item import card_item

NOTE = "earthprint.predictor"


@dataclass(frozen=True)
class PredictorParts:
    """What is stored beside the fitted model; the area of applicability states its values on the card by itself."""

    card: PredictorCard
    applicability: Optional[Applicability] = None


def save_predictor(path: "str | Path", fitted: Fitted, parts: PredictorParts) -> None:
    """Write both files whole; the card states the checksum of the model and the model carries a copy of the card."""
    target = Path(path)
    if target.suffix.lower() != ENDING:
        raise OutputError("predictor-ending", "A predictor is an ONNX file, and {path} doesn't end in .onnx: give it "
                          "such a name.", path=path)
    card = _completed(parts)
    item = card_item(card, f"./{target.name}", VERSION)
    graph = build(fitted, card, parts.applicability)
    graph.notes[NOTE] = item_text(item, None)
    data = graph.to_bytes()
    with whole(target) as model, whole(card_path(target)) as beside:
        model.write_bytes(data)
        beside.write_text(item_text(with_checksum(item, target.name, data), 1) + "\n", encoding="utf-8")


def _completed(parts: PredictorParts) -> PredictorCard:
    """Return the card with the values of the area of applicability, which the two must not state differently."""
    values = None if parts.applicability is None else parts.applicability.as_json()
    return replace(parts.card, applicability=values)

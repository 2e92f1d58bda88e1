"""Writes a predictor: an ONNX file and its card beside it, both or none."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Dict, Optional

from ..errors import OutputError
from ..training.applicability import Applicability
from ..training.models import Fitted
from ..version import VERSION
from ..whole import whole
from .card import PredictorCard
from .graph import build
from .item import card_item

ENDING = ".onnx"
NOTE = "earthprint.predictor"
MULTIHASH = "1220"


@dataclass(frozen=True)
class PredictorParts:
    """What is stored beside the fitted model; the area of applicability states its values on the card by itself."""

    card: PredictorCard
    applicability: Optional[Applicability] = None


def card_path(onnx_path: "str | Path") -> Path:
    """Return where the card of an ONNX file lies."""
    return Path(onnx_path).with_suffix(".json")


def save_predictor(path: "str | Path", fitted: Fitted, parts: PredictorParts) -> None:
    """Write both files whole; the card states the checksum of the model and the model carries a copy of the card."""
    target = Path(path)
    if target.suffix.lower() != ENDING:
        raise OutputError("predictor-ending", "A predictor is an ONNX file, and {path} doesn't end in .onnx: give it "
                          "such a name.", path=path)
    card = _completed(parts)
    item = card_item(card, f"./{target.name}", VERSION)
    graph = build(fitted, card, parts.applicability)
    graph.notes[NOTE] = _text(item, None)
    data = graph.to_bytes()
    asset = item["assets"]["model"]
    asset["file:size"] = len(data)
    asset["file:checksum"] = MULTIHASH + hashlib.sha256(data).hexdigest()
    item["links"] = [{"rel": "self", "href": f"./{card_path(target).name}", "type": "application/geo+json"}]
    with whole(target) as model, whole(card_path(target)) as beside:
        model.write_bytes(data)
        beside.write_text(_text(item, 1) + "\n", encoding="utf-8")


def _completed(parts: PredictorParts) -> PredictorCard:
    """Return the card with the values of the area of applicability, which the two must not state differently."""
    values = None if parts.applicability is None else parts.applicability.as_json()
    return replace(parts.card, applicability=values)


def _text(item: "Dict[str, Any]", indent: Optional[int]) -> str:
    """Return an item as text."""
    return json.dumps(item, indent=indent, ensure_ascii=False, allow_nan=False,
                      separators=None if indent else (",", ":"))

"""A predictor's card as a STAC Item with the Machine Learning Model extension, and back."""

from __future__ import annotations

import json
import re
from typing import Any, Dict, List, Mapping

from ..card_check import safe_id, safe_name
from ..model_item import in_words, item_of, moment_of, own_keys
from ..plain_json import plain
from ..provenance import read_provenance
from ..space import from_json, parse_key, require_same
from ..training.class_calibration import calibration_from_json
from ..training.columns import ColumnPlan
from ..training.conformal import conformal_from_json
from ..training.target import TargetPlan
from .card import CLASSIFICATION, PredictorCard

FORMAT = 1
_KEY = "predictor"
EMBEDDING, COLUMNS = "embedding", "columns"
SCORE, PREDICTED, PROBABILITIES, DISSIMILARITY = "score", "predicted", "probabilities", "dissimilarity"
_ARCHITECTURES = {"ridge": "Ridge regression", "logistic": "Multinomial logistic regression",
                  "knn": "k nearest neighbours", "forest": "Random forest", "boosting": "Gradient boosted trees",
                  "mlp": "Multilayer perceptron", "gp": "Gaussian process"}


def card_item(card: PredictorCard, href: str, version: str) -> "Dict[str, Any]":
    """Return the item of a card; checksum and size of the model are added by the caller, who knows the file."""
    properties: "Dict[str, Any]" = {
        "datetime": moment_of(card.created), "title": card.name, "mlm:name": safe_name(card.name),
        "mlm:architecture": _ARCHITECTURES.get(card.kind, card.kind), "mlm:tasks": [card.task],
        "mlm:framework": "ONNX", "mlm:accelerator": None, "mlm:input": _inputs(card), "mlm:output": _outputs(card)}
    return item_of(safe_id(card.name), properties, _own(card, version), href)


def card_of_item(item: Any) -> PredictorCard:
    """Read a card from an item; raises ValueError with a reason, or one of the kinds of `model_item`."""
    own = own_keys(item, _KEY, FORMAT)
    return in_words(lambda: _checked(item["properties"], own))


def _checked(properties: "Mapping[str, Any]", own: "Mapping[str, Any]") -> PredictorCard:
    """Put the card together, and look whether it contradicts itself."""
    card = _card(properties, own)
    _check(card, str(properties["mlm:tasks"][0]))
    return card


def _own(card: PredictorCard, version: str) -> "Dict[str, Any]":
    """Return our own keys."""
    own = {
        _KEY: FORMAT, "version": version, "model": card.kind, "settings": card.settings,
        "target": card.target.as_json(), "space_key": card.space_key,
        "space": None if card.space is None else card.space.as_json(), "dimensions": card.dimensions,
        "columns": card.columns.as_json(), "figures": card.figures, "folds": card.folds,
        "interval": None if card.interval is None else card.interval.as_json(),
        "calibration": None if card.calibration is None else card.calibration.as_json(),
        "applicability": card.applicability, "created": card.created, "versions": card.versions,
        "products": [item.as_json() for item in card.provenance], "samples": card.sample_count,
        "warnings": list(card.warnings), "source": card.source}
    return {key: plain(value) for key, value in own.items()}


def _card(properties: "Mapping[str, Any]", own: "Mapping[str, Any]") -> PredictorCard:
    """Put the card together."""
    space = None if own.get("space") is None else from_json(json.dumps(own["space"]))
    return PredictorCard(
        name=str(properties.get("title") or properties["mlm:name"]), kind=str(own["model"]),
        target=TargetPlan.from_json(own["target"]), space_key=str(own["space_key"]),
        dimensions=int(own["dimensions"]), space=space, columns=ColumnPlan.from_json(own.get("columns") or ()),
        settings=dict(own.get("settings") or {}), figures=dict(own.get("figures") or {}),
        folds=dict(own.get("folds") or {}),
        interval=None if own.get("interval") is None else conformal_from_json(own["interval"]),
        calibration=None if own.get("calibration") is None else calibration_from_json(own["calibration"]),
        applicability=None if own.get("applicability") is None else dict(own["applicability"]),
        created=str(own.get("created") or ""),
        versions={str(key): str(value) for key, value in dict(own.get("versions") or {}).items()},
        provenance=read_provenance({"products": own.get("products") or []}), sample_count=int(own.get("samples") or 0),
        warnings=tuple(str(text) for text in own.get("warnings") or ()), source=dict(own.get("source") or {}))


def _check(card: PredictorCard, task: str) -> None:
    """Raise ValueError for what contradicts itself."""
    key = parse_key(card.space_key)
    if card.space is not None:
        require_same(card.space.key(), "its space", card.space_key, "its key")
    if key.dimensions != card.dimensions or card.dimensions < 1:
        raise ValueError(f"its space has {key.dimensions} dimensions and the model takes {card.dimensions}")
    if card.kind not in _ARCHITECTURES:
        raise ValueError(f"the model “{card.kind[:40]}” is unknown")
    if task != card.task:
        raise ValueError(f"its task is {task[:40]} and its target that of a {card.task}")
    if card.interval is not None and card.interval.half_widths.shape[1] != len(card.target.names):
        raise ValueError("its intervals are for another number of targets")
    if card.task == CLASSIFICATION and card.classes < 2:
        raise ValueError("it has fewer than two classes")


def _inputs(card: PredictorCard) -> "List[Dict[str, Any]]":
    """Return what the graph takes."""
    entries = [(EMBEDDING, card.dimensions, "embedding")]
    if card.columns.width:
        entries.append((COLUMNS, card.columns.width, "column"))
    return [{"name": name, "bands": [], "input": {"shape": [-1, size], "dim_order": ["batch", axis],
                                                  "data_type": "float32"}, "pre_processing_function": None}
            for name, size, axis in entries]


def _outputs(card: PredictorCard) -> "List[Dict[str, Any]]":
    """Return what the graph gives."""
    if card.task == CLASSIFICATION:
        listed = [{"value": number, "name": _slug(found.value, number), "description": found.name or found.value,
                   "color_hint": found.colour.lstrip("#").upper()}
                  for number, found in enumerate(card.target.classes)]
        return [{**_output(card, PROBABILITIES, [-1, card.classes], ["batch", "class"], "float32"),
                 "classification:classes": listed},
                {**_output(card, PREDICTED, [-1], ["batch"], "int64"), "classification:classes": listed}]
    shape = [-1, len(card.target.names)]
    return [_output(card, name, shape, ["batch", "target"], "float32") for name in (SCORE, PREDICTED)]


def _output(card: PredictorCard, name: str, shape: "List[int]", order: "List[str]", kind: str) -> "Dict[str, Any]":
    """Return one entry of `mlm:output`."""
    return {"name": name, "tasks": [card.task], "result": {"shape": shape, "dim_order": order, "data_type": kind},
            "post_processing_function": None}


def _slug(text: str, number: int) -> str:
    """Return a name of a class that the extension accepts."""
    return re.sub(r"[^0-9A-Za-z_-]+", "-", text).strip("-") or f"class-{number}"

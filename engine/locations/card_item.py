"""A location encoder's card as a STAC Item with the Machine Learning Model extension, and back."""

from __future__ import annotations

from typing import Any, Dict, Mapping

import numpy as np

from ..card_check import safe_id, safe_name
from ..location_mark import LOCATION_KEYWORD
from ..model_item import in_words, item_of, moment_of, own_keys
from ..plain_json import plain
from ..provenance import read_provenance
from ..space import METRICS
from .card import LocationCard
from .checking import MOST_DIMENSIONS
from .coverage import coverage_from_json
from .position import Position, position_from_json

FORMAT = 1
LOCATION, POSITION, EMBEDDING = "location", "position", "embedding"
_KEY = "location_encoder"


def card_item(card: LocationCard, href: str, version: str) -> "Dict[str, Any]":
    """Return the item of a card; checksum and size of the model are added by the caller, who knows the file."""
    properties: "Dict[str, Any]" = {
        "keywords": [LOCATION_KEYWORD], "title": card.name, "datetime": moment_of(card.created),
        "description": card.description or f"Vectors of places: {card.architecture or card.position.kind}",
        "license": card.licence or "other",
        "mlm:name": safe_name(card.name), "mlm:architecture": card.architecture or card.position.family.summary,
        "mlm:tasks": ["similarity-search"], "mlm:framework": "ONNX", "mlm:accelerator": None,
        "mlm:input": [_input(card.position)],
        "mlm:output": [{"name": EMBEDDING, "tasks": ["similarity-search"],
                        "result": {"shape": [-1, card.dimensions], "dim_order": ["batch", "embedding"],
                                   "data_type": "float32"}, "post_processing_function": None}]}
    return item_of(safe_id(card.id), properties, _own(card, version), href)


def card_of_item(item: Any) -> LocationCard:
    """Read a card from an item; raises ValueError with a reason, or one of the kinds of `model_item`."""
    own = own_keys(item, _KEY, FORMAT)
    return in_words(lambda: _card(item, own))


def _input(position: Position) -> "Dict[str, Any]":
    """Return what the graph takes: degrees, or the position's numbers where a graph can't compute these."""
    name, size = (LOCATION, 2) if position.has_nodes else (POSITION, position.size)
    return {"name": name, "bands": [], "input": {"shape": [-1, size], "dim_order": ["batch", "coordinate"],
                                                 "data_type": "float64"}, "pre_processing_function": None,
            "description": "Longitude and latitude in degrees" if position.has_nodes else position.family.summary}


def _own(card: LocationCard, version: str) -> "Dict[str, Any]":
    """Return our own keys."""
    own = {
        _KEY: FORMAT, "version": version,
        "position": {**card.position.as_json(), "arrays": dict(card.position.arrays)}, "dimensions": card.dimensions,
        "metric": card.metric, "unit_norm": card.unit_norm, "licence": card.licence,
        "description": card.description, "architecture": card.architecture,
        "area": None if card.area is None else card.area.as_json(), "figures": card.figures, "created": card.created,
        "versions": card.versions, "products": [item.as_json() for item in card.provenance], "source": card.source,
        "warnings": list(card.warnings)}
    return {key: plain(value) for key, value in own.items()}


def _card(item: "Mapping[str, Any]", own: "Mapping[str, Any]") -> LocationCard:
    """Put the card together."""
    properties = item["properties"]
    dimensions = int(own["dimensions"])
    if not 1 <= dimensions <= MOST_DIMENSIONS:
        raise ValueError(f"its vectors have {dimensions} dimensions")
    if own.get("metric", "cosine") not in METRICS:
        raise ValueError("its metric is unknown")
    position = own["position"]
    arrays = {str(key): np.asarray(value, dtype=np.float64)
              for key, value in dict(position.get("arrays") or {}).items()}
    return LocationCard(
        id=safe_id(str(item["id"])), name=str(properties.get("title") or properties["mlm:name"]),
        position=position_from_json(position, arrays), dimensions=dimensions, metric=str(own.get("metric", "cosine")),
        unit_norm=bool(own.get("unit_norm", False)), licence=str(own.get("licence") or ""),
        description=str(own.get("description") or ""), architecture=str(own.get("architecture") or ""),
        area=None if own.get("area") is None else coverage_from_json(own["area"]),
        figures=dict(own.get("figures") or {}), created=str(own.get("created") or ""),
        versions={str(key): str(value) for key, value in dict(own.get("versions") or {}).items()},
        provenance=read_provenance({"products": own.get("products") or []}), source=dict(own.get("source") or {}),
        warnings=tuple(str(text) for text in own.get("warnings") or ()))

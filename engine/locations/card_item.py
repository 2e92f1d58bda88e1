"""A location encoder's card as a STAC Item with the Machine Learning Model extension, and back."""

from __future__ import annotations

import json
import re
from typing import Any, Dict, Mapping

import numpy as np

from ..card_check import safe_id, safe_name
from ..errors import EarthprintError
from ..location_mark import LOCATION_KEYWORD
from ..plain_json import plain
from ..provenance import read_provenance
from ..space import METRICS
from .card import LocationCard
from .checking import MOST_DIMENSIONS
from .coverage import coverage_from_json
from .position import Position, position_from_json

FORMAT = 1
LOCATION, POSITION, EMBEDDING = "location", "position", "embedding"
_PREFIX = "earthprint."
_EXTENSIONS = ("https://stac-extensions.github.io/mlm/v1.5.2/schema.json",
               "https://stac-extensions.github.io/file/v2.1.0/schema.json")
# STAC wants a moment; a card without a date gets a fixed one, so that two writings are equal.
_EPOCH = "2024-01-01T00:00:00Z"
_DATE = re.compile(r"^\d{4}-\d\d-\d\d$")
# What a reader may change in the JSON without making it another encoder's.
_FREE = ("title", "description", "keywords", "license")


class NewerFormat(ValueError):
    """The card is of a format that this version doesn't know; the text is the version that wrote it."""


class NotALocationEncoder(ValueError):
    """The JSON is no location encoder's card."""


def card_item(card: LocationCard, href: str, version: str) -> "Dict[str, Any]":
    """Return the item of a card; checksum and size of the model are added by the caller, who knows the file."""
    properties: "Dict[str, Any]" = {
        "keywords": [LOCATION_KEYWORD], "title": card.name,
        "datetime": f"{card.created}T00:00:00Z" if _DATE.match(card.created) else _EPOCH,
        "description": card.description or f"Vectors of places: {card.architecture or card.position.kind}",
        "license": card.licence or "other",
        "mlm:name": safe_name(card.name), "mlm:architecture": card.architecture or card.position.family.summary,
        "mlm:tasks": ["similarity-search"], "mlm:framework": "ONNX", "mlm:accelerator": None,
        "mlm:input": [_input(card.position)],
        "mlm:output": [{"name": EMBEDDING, "tasks": ["similarity-search"],
                        "result": {"shape": [-1, card.dimensions], "dim_order": ["batch", "embedding"],
                                   "data_type": "float32"}, "post_processing_function": None}],
        "mlm:hyperparameters": {f"{_PREFIX}{key}": value for key, value in _own(card, version).items()}}
    return {
        "type": "Feature", "stac_version": "1.1.0", "id": safe_id(card.id), "stac_extensions": list(_EXTENSIONS),
        "geometry": {"type": "Polygon",
                     "coordinates": [[[-180, -90], [180, -90], [180, 90], [-180, 90], [-180, -90]]]},
        "bbox": [-180, -90, 180, 90], "properties": properties,
        "assets": {"model": {"href": href, "type": "application/octet-stream; framework=onnx", "roles": ["mlm:model"],
                             "mlm:artifact_type": "onnx"}},
        "links": []}


def card_of_item(item: Any) -> LocationCard:
    """Read a card from an item; raises ValueError with a reason, or one of its kinds above."""
    own = _own_of(item)
    stated = own.get("location_encoder")
    if not isinstance(stated, int) or isinstance(stated, bool):
        raise NotALocationEncoder("it doesn't say earthprint.location_encoder")
    if stated > FORMAT:
        raise NewerFormat(str(own.get("version", "?"))[:40])
    try:
        return _card(item, own)
    except EarthprintError as error:
        raise ValueError(str(error).rstrip(".")) from error
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError) as error:
        what = f"“{error.args[0]}” is missing" if isinstance(error, KeyError) else str(error)
        raise ValueError(what[:160] or "it is incomplete") from error


def same_encoder(first: "Mapping[str, Any]", second: "Mapping[str, Any]") -> bool:
    """Tell whether two items state the same of an encoder."""
    return _essence(first) == _essence(second)


def _essence(item: "Mapping[str, Any]") -> str:
    """Return the text of all that makes an encoder what it is."""
    properties = {key: value for key, value in (item.get("properties") or {}).items() if key not in _FREE}
    return json.dumps([item.get("id"), properties], sort_keys=True)


def _input(position: Position) -> "Dict[str, Any]":
    """Return what the graph takes: degrees, or the position's numbers where a graph can't compute these."""
    name, size = (LOCATION, 2) if position.has_nodes else (POSITION, position.size)
    return {"name": name, "bands": [], "input": {"shape": [-1, size], "dim_order": ["batch", "coordinate"],
                                                 "data_type": "float64"}, "pre_processing_function": None,
            "description": "Longitude and latitude in degrees" if position.has_nodes else position.family.summary}


def _own(card: LocationCard, version: str) -> "Dict[str, Any]":
    """Return our own keys."""
    own = {
        "location_encoder": FORMAT, "version": version,
        "position": {**card.position.as_json(), "arrays": dict(card.position.arrays)}, "dimensions": card.dimensions,
        "metric": card.metric, "unit_norm": card.unit_norm, "licence": card.licence,
        "description": card.description, "architecture": card.architecture,
        "area": None if card.area is None else card.area.as_json(), "figures": card.figures, "created": card.created,
        "versions": card.versions, "products": [item.as_json() for item in card.provenance], "source": card.source,
        "warnings": list(card.warnings)}
    return {key: plain(value) for key, value in own.items()}


def _own_of(item: Any) -> "Dict[str, Any]":
    """Return our own keys of an item that is one."""
    properties = item.get("properties") if isinstance(item, dict) else None
    hyper = properties.get("mlm:hyperparameters") if isinstance(properties, dict) else None
    if not isinstance(hyper, dict):
        raise NotALocationEncoder("it has no mlm:hyperparameters")
    return {key[len(_PREFIX):]: value for key, value in hyper.items() if key.startswith(_PREFIX)}


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

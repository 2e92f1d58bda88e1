"""Writes a location encoder: an ONNX file and its card beside it, both or none."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, Optional

from ..errors import InputError, ModelError, OutputError
from ..location_mark import LOCATION_NOTE
from ..onnxgraph import OnnxGraph
from ..version import VERSION
from ..whole import whole
from .card import LocationCard
from .card_item import EMBEDDING, LOCATION, POSITION, card_item
from .network import Lookup, Network, Normalise
from .position import Position
from .tile import tile_count

ENDING = ".onnx"
MULTIHASH = "1220"


def card_path(path: "str | Path") -> Path:
    """Return where the card of an ONNX file lies."""
    return Path(path).with_suffix(".json")


def save_location_encoder(path: "str | Path", position: Position, network: Network, card: LocationCard) -> Path:
    """Write both files whole; the card states the checksum of the model and the model carries a copy of the card."""
    target = Path(path)
    if target.suffix.lower() != ENDING:
        raise OutputError("location-ending", "A location encoder is an ONNX file, and {path} doesn't end in .onnx: "
                          "give it such a name.", path=path)
    complete = replace(card, position=position, dimensions=_dimensions(position, network),
                       unit_norm=card.unit_norm or _ends_normalised(network))
    data, item = encoded(complete, network, target.name)
    with whole(target) as model, whole(card_path(target)) as beside:
        model.write_bytes(data)
        beside.write_text(_text(item, 1) + "\n", encoding="utf-8")
    return target


def encoded(card: LocationCard, network: Network, name: str, version: str = VERSION) -> "tuple[bytes, Dict[str, Any]]":
    """Return the bytes of the ONNX file of that name and the item beside it."""
    item = card_item(card, f"./{name}", version)
    graph = location_graph(card.position, network)
    graph.notes[LOCATION_NOTE] = _text(item, None)
    data = graph.to_bytes()
    return data, with_checksum(item, name, data)


def with_checksum(item: "Dict[str, Any]", name: str, data: bytes) -> "Dict[str, Any]":
    """Return an item with what it says of its file, which has this name and these bytes."""
    asset = {**item["assets"]["model"], "href": f"./{name}", "file:size": len(data),
             "file:checksum": MULTIHASH + hashlib.sha256(data).hexdigest()}
    link = {"rel": "self", "href": f"./{Path(name).with_suffix('.json').name}", "type": "application/geo+json"}
    return {**item, "assets": {**item["assets"], "model": asset}, "links": [link]}


def location_graph(position: Position, network: Network) -> OnnxGraph:
    """Return the graph of position and network: float64 from the coordinates to the position, float32 from there."""
    graph = OnnxGraph("location-encoder")
    if position.has_nodes:
        front = position.nodes(graph, graph.input(LOCATION, ["n", 2], "float64"))
    else:
        front = graph.input(POSITION, ["n", position.size], "float64")
    last = network.nodes(graph, front or "")
    graph.output(graph.node("Identity", [last], EMBEDDING), ["n", _dimensions(position, network)])
    return graph


def _dimensions(position: Position, network: Network) -> int:
    """Return the length of the vectors, having looked whether the parts fit together."""
    for stage in network.stages:
        if isinstance(stage, Lookup):
            if position.kind != "tile" or len(stage.table) != tile_count(position.settings):
                raise ModelError("location-table", "The location encoder has a table of {rows} vectors, which are not "
                                 "those of its tiles: train or convert it again.", rows=len(stage.table))
            break
    else:
        if position.kind == "tile":
            raise InputError("location-table", "A location encoder of tiles needs a table with a vector for each: "
                             "train it.")
    return network.dimensions(position.size)


def _ends_normalised(network: Network) -> bool:
    """Tell whether vectors have length 1 by construction."""
    return bool(network.stages) and isinstance(network.stages[-1], Normalise)


def _text(item: "Dict[str, Any]", indent: Optional[int]) -> str:
    """Return an item as text."""
    return json.dumps(item, indent=indent, ensure_ascii=False, allow_nan=False,
                      separators=None if indent else (",", ":"))

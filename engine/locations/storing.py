"""Writes a location encoder: an ONNX file and its card beside it, both or none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Dict

from ..errors import InputError, ModelError, OutputError
from ..location_mark import LOCATION_NOTE
from ..model_item import ENDING, card_path, item_text, with_checksum
from ..onnxgraph import OnnxGraph
from ..version import VERSION
from ..whole import whole
from .card import LocationCard
from .card_item import EMBEDDING, LOCATION, POSITION, card_item
from .network import Lookup, Network, Normalise
from .position import Position
from .tile import tile_count

_ANY_NAME = "encoder.onnx"


def save_location_encoder(path: "str | Path", position: Position, network: Network, card: LocationCard,
                          version: str = VERSION) -> Path:
    """Write both files whole; the card states the checksum of the model and the model carries a copy of the card.

    `version` is that of Earthprint whose work this is.
    """
    target = Path(path)
    if target.suffix.lower() != ENDING:
        raise OutputError("location-ending", "A location encoder is an ONNX file, and {path} doesn't end in .onnx: "
                          "give it such a name.", path=path)
    complete = replace(card, position=position, dimensions=_dimensions(position, network),
                       unit_norm=card.unit_norm or _ends_normalised(network))
    data, item = encoded(complete, network, target.name, version)
    with whole(target) as model, whole(card_path(target)) as beside:
        model.write_bytes(data)
        beside.write_text(item_text(item, 1) + "\n", encoding="utf-8")
    return target


def encoded(card: LocationCard, network: Network, name: str, version: str = VERSION) -> "tuple[bytes, Dict[str, Any]]":
    """Return the bytes of the ONNX file and the item beside it, which alone knows the file's name.

    The checksum of the file is part of the space of its vectors, so nothing in it may depend on where it lies.
    """
    item = card_item(card, f"./{_ANY_NAME}", version)
    graph = location_graph(card.position, network)
    graph.notes[LOCATION_NOTE] = item_text(item, None)
    data = graph.to_bytes()
    return data, with_checksum(item, name, data)


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

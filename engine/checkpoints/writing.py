"""Writes a converted tower so that its bytes depend on its weights and its id alone.

The checksum of the ONNX file is part of the space of its vectors: were the file's own name in it, or the version of
Earthprint, vectors of the same weights would not compare between two computers.
"""

from __future__ import annotations

import json
from pathlib import Path

from ..errors import OutputError
from ..locations.card import LocationCard
from ..locations.network import Network
from ..locations.storing import ENDING, card_path, encoded
from ..whole import whole

_INSIDE = "encoder.onnx"
# The version whose conversions these are; it changes only when they do.
_SINCE = "0.1.0"


def write_tower(path: Path, card: LocationCard, network: Network) -> None:
    """Write model and card whole, both or none."""
    if path.suffix.lower() != ENDING:
        raise OutputError("location-ending", "A location encoder is an ONNX file, and {path} doesn't end in .onnx: "
                          "give it such a name.", path=path)
    data, item = encoded(card, network, _INSIDE, _SINCE)
    item["assets"]["model"]["href"] = f"./{path.name}"
    item["links"][0]["href"] = f"./{card_path(path).name}"
    with whole(path) as model, whole(card_path(path)) as beside:
        model.write_bytes(data)
        beside.write_text(json.dumps(item, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")

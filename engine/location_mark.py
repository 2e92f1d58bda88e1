"""Tells location encoders, which take longitude and latitude, from encoders of images by their cards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .errors import ModelError
from .onnxfile import read_facts

LOCATION_NOTE = "earthprint.location"
LOCATION_KEY = "earthprint.location_encoder"
# Stands near the top of a card, so that a list needs to read no more of it.
LOCATION_KEYWORD = "location encoder"
_LARGEST_CARD = 64 << 20


def is_location_item(item: Any) -> bool:
    """Tell whether JSON means to be a location encoder's card."""
    properties = item.get("properties") if isinstance(item, dict) else None
    hyper = properties.get("mlm:hyperparameters") if isinstance(properties, dict) else None
    return isinstance(hyper, dict) and LOCATION_KEY in hyper


def is_location_file(path: Path) -> bool:
    """Tell whether a file is a location encoder's card or model."""
    return is_location_model(path) if path.suffix.lower() == ".onnx" else is_location_card(path)


def is_location_card(path: Path) -> bool:
    """Tell whether a JSON file means to be a location encoder's card."""
    try:
        return path.stat().st_size <= _LARGEST_CARD and is_location_item(
            json.loads(path.read_text(encoding="utf-8-sig")))
    except (OSError, ValueError, RecursionError):
        return False


def is_location_model(path: Path) -> bool:
    """Tell whether an ONNX file carries a location encoder's card."""
    try:
        return LOCATION_NOTE in read_facts(path).metadata
    except ModelError:
        return False

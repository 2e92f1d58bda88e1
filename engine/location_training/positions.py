"""The position of one training: of settings for all of them, and of places where a kind is made of those it learns."""

from __future__ import annotations

from dataclasses import replace
from typing import Dict

import numpy as np

from ..locations.position import Position, position_of
from ..locations.settings import Settings
from .proposing import anchors_among


def position_for(kind: str, settings: Settings, places: np.ndarray, seed: int) -> Position:
    """Return the position; anchors are places that this training learns from, none that is held out."""
    if kind != "rbf":
        return position_of(kind, settings)
    arrays: "Dict[str, np.ndarray]" = {"anchors": anchors_among(places, settings.scales, seed)}
    return position_of(kind, replace(settings, scales=0), arrays=arrays)

"""What a location encoder is to the engine: a named formula with its settings, and nothing to download."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, FrozenSet

import numpy as np

from .settings import Settings

# Places are (n, 2) longitudes and latitudes in degrees, float64; vectors are (n, dimensions), float64.
Formula = Callable[[np.ndarray, Settings], np.ndarray]


@dataclass(frozen=True)
class Family:
    """One formula: `takes` names the settings that mean something to it, `size` tells its dimensions.

    `seamless` says whether it is continuous across ±180° whatever its settings.
    """

    id: str
    summary: str
    formula: Formula
    size: "Callable[[int], int]"
    size_text: str
    default: Settings = Settings()
    takes: "FrozenSet[str]" = frozenset()
    scales_word: str = "scales"
    least_scales: int = 1
    seamless: bool = True
    unit_norm: bool = False

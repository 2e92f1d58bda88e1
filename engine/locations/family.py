"""What a location encoder is to the engine: a named formula with its settings, and nothing to download."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable, FrozenSet, Optional

import numpy as np

from .settings import Settings

if TYPE_CHECKING:
    from .position import Position
    from .terms import Term

# Places are (n, 2) longitudes and latitudes in degrees, float64; features are (n, size), float64.
Formula = Callable[[np.ndarray, "Position"], np.ndarray]
# The same as nodes of a graph: the term of the places in, that of the features out.
Nodes = Callable[["Term", "Position"], "Term"]


@dataclass(frozen=True)
class Family:
    """One formula: `takes` names the settings that mean something to it, `size` tells its dimensions.

    `seamless` says whether it is continuous across ±180° whatever its settings; `polar` whether a pole has one vector,
    whatever longitude it is given. `compat` names the originals whose behaviour it knows beside its own; `arrays` names
    the arrays that fix it beside its settings. Without `nodes` no graph can hold it.
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
    polar: bool = False
    unit_norm: bool = False
    nodes: "Optional[Nodes]" = None
    compat: "FrozenSet[str]" = frozenset()
    arrays: "FrozenSet[str]" = frozenset()

"""What a training found, all that a report can tell of it: curves, figures in blocks, places and a picture."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Mapping, Optional, Tuple

import numpy as np

from ..provenance import Provenance
from ..training.folds import Folds
from ..training.student import Interval
from .request import TrainLocationRequest

ENCODER = "encoder"
COORDINATES = "coordinates"
NEIGHBOURS = "neighbours"
NEAREST = "nearest"
CONSTANT = "constant"


@dataclass(frozen=True)
class Curve:
    """The loss of each epoch of one training, and the epoch (from 1) whose weights were kept.

    The final training learns from all rows, so it has no `held`.
    """

    name: str
    train: "Tuple[float, ...]"
    held: "Tuple[float, ...]"
    kept: int


@dataclass(frozen=True)
class Figure:
    """How well one way does in blocks that it has not seen: pooled over all rows, by fold, and the folds' interval.

    `key` is one of ENCODER, COORDINATES, NEIGHBOURS, NEAREST, CONSTANT; `name` is for people; `pulls` are
    those of the blocks on the pooled value, NaN where a block has no row of it.
    """

    key: str
    name: str
    value: float
    folds: "Tuple[float, ...]"
    interval: Interval
    pulls: "Tuple[float, ...]" = ()


@dataclass(frozen=True)
class Difference:
    """The encoder less another way, and how many blocks tell its interval."""

    key: str
    name: str
    interval: Interval
    blocks: int = 0


@dataclass(frozen=True)
class Verdict:
    """All ways of one target, or of all of them together; the encoder comes first."""

    name: str
    score_name: str
    figures: "Tuple[Figure, ...]"
    differences: "Tuple[Difference, ...]"
    rows: int

    def figure(self, key: str) -> Optional[Figure]:
        """Return the figure of a way, or None where it was not computed."""
        return next((figure for figure in self.figures if figure.key == key), None)

    def difference(self, key: str) -> Optional[Difference]:
        """Return how the encoder compares with a way."""
        return next((difference for difference in self.differences if difference.key == key), None)

    def value(self, key: str) -> float:
        """Return the pooled score of a way, NaN where it was not computed."""
        found = self.figure(key)
        return float("nan") if found is None else found.value


@dataclass(frozen=True, eq=False)
class Surface:
    """The first three principal components of the vectors on a grid of longitudes and latitudes, row 0 = north.

    `values` is `(rows, columns, 3)` in 0..1 (2 % cut at either end); `known` is False where no training data are near.
    `east` may lie beyond 180 where the data cross it; `shares` tells how much each component explains.
    """

    west: float
    south: float
    east: float
    north: float
    values: np.ndarray
    known: np.ndarray
    shares: "Tuple[float, ...]"


@dataclass(frozen=True, eq=False)
class Judged:
    """A finished training; `parts` has a verdict for each target where there are several.

    `proposals` are the sentences that say how settings came from the data. `settings` are those of the card.
    """

    request: TrainLocationRequest
    objective: str
    what: str
    name: str
    verdict: Verdict
    parts: "Tuple[Verdict, ...]"
    folds: Folds
    curves: "Tuple[Curve, ...]"
    places: np.ndarray
    components: np.ndarray
    surface: Surface
    dimensions: int
    parameters: int
    network: str
    proposals: "Tuple[str, ...]"
    settings: "Mapping[str, object]"
    device: str
    device_why: str
    seconds: float
    created: str
    versions: "Mapping[str, str]"
    provenance: "Tuple[Provenance, ...]"
    warnings: "Tuple[str, ...]"
    sizes: "Mapping[str, float]" = field(default_factory=dict)

"""Two vectors side by side: the score between them, and the dimensions in which they differ most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

import numpy as np

from ..analyses.change.measures import unit
from ..errors import InputError
from ..geodesy import Ground
from ..space import parse_key, require_same


@dataclass(frozen=True)
class Pinned:
    """A vector that somebody holds on to: what it is of, and the key of its space."""

    name: str
    key: str
    vector: np.ndarray


@dataclass(frozen=True)
class Compared:
    """Two vectors of one space as they are compared: of length one where the metric is the cosine.

    `score` is their cosine, `distance` how far apart they lie. `order` lists the dimensions, counted from 0, by falling
    difference; `differences` are second less first, by dimension. `shares` are each dimension's share of the squared
    distance and sum to 1, unless both are equal.
    """

    score: float
    distance: float
    first: np.ndarray
    second: np.ndarray
    order: np.ndarray
    differences: np.ndarray
    shares: np.ndarray


def compare(first: Pinned, second: Pinned) -> Compared:
    """Compare two vectors; those of different spaces, or of zeros, are refused in words."""
    require_same(first.key, first.name, second.key, second.name)
    one, two = _wide(first), _wide(second)
    both = unit(np.stack([one, two], axis=1))
    score = float(np.clip(both[:, 0] @ both[:, 1], -1.0, 1.0))
    if parse_key(first.key).metric == "cosine":
        one, two = both.T
    differences = two - one
    squares = differences ** 2
    total = float(squares.sum())
    order = np.lexsort((np.arange(len(squares)), -squares))
    return Compared(score, total ** 0.5, one.astype(np.float32), two.astype(np.float32), order,
                    differences.astype(np.float32), (squares / total if total else squares).astype(np.float32))


def _wide(pinned: Pinned) -> np.ndarray:
    """Return a vector in double precision that has a direction."""
    vector = np.asarray(pinned.vector, dtype=np.float64).ravel()
    if not np.isfinite(vector).all() or not vector.any():
        raise InputError("compare-zero", "The vector of {name} is all zeros or has no value, which is like nothing: "
                         "choose another place.", name=pinned.name)
    return vector


def metres_apart(first: "tuple[float, float, str]", second: "tuple[float, float, str]") -> Optional[float]:
    """Return how far two places, x and y in the CRS of a WKT each, lie apart; None where that can't be said."""
    grounds = [Ground(wkt) for _, _, wkt in (first, second)]
    if grounds[0].planar != grounds[1].planar:
        return None
    ends = [ground.places(np.array([[x, y]], dtype=np.float64))[0]
            for ground, (x, y, _) in zip(grounds, (first, second))]
    metres = float(grounds[0].distance(ends[0], ends[1]))
    return metres if np.isfinite(metres) else None

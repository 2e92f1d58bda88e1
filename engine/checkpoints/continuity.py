"""Measures whether a tower is continuous where maps end: across ±180°, and around the poles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Tuple

import numpy as np

from ..locations.network import Network
from ..locations.position import Position

_NEAR = 1e-6
_POLES = (89.9999, -89.9999)
_LATITUDES = np.linspace(-75.0, 75.0, 31)
_WHOLE = 0.99


@dataclass(frozen=True)
class Continuity:
    """The mean cosine of neighbours across ±180°, and of places around a pole; 1 where nothing breaks."""

    seam: float
    pole: float

    def figures(self) -> "Dict[str, float]":
        """Return the numbers for a card."""
        return {"seam_cosine": round(self.seam, 4), "pole_cosine": round(self.pole, 4)}

    def warnings(self, name: str) -> "Tuple[str, ...]":
        """Return what to tell of a tower that breaks."""
        found = []
        if self.seam < _WHOLE:
            found.append(f"{name} breaks at ±180°: neighbours across it have a cosine of {self.seam:.2f}, where it is "
                         "1 elsewhere; don't compare vectors across it.")
        if self.pole < _WHOLE:
            found.append(f"{name} breaks at the poles: places around one, metres apart, have a cosine of "
                         f"{self.pole:.2f}.")
        return tuple(found)


def measure_continuity(position: Position, network: Network) -> Continuity:
    """Compare vectors on both sides of ±180° at many latitudes, and on all sides of both poles."""
    west = np.stack([np.full(len(_LATITUDES), -180.0), _LATITUDES], axis=1)
    east = np.stack([np.full(len(_LATITUDES), 180.0 - _NEAR), _LATITUDES], axis=1)
    longitudes = np.array([0.0, 90.0, 180.0 - _NEAR, -90.0])
    around = np.array([[longitude, latitude] for latitude in _POLES for longitude in longitudes])
    turned = np.array([[longitude, latitude] for latitude in _POLES for longitude in np.roll(longitudes, 1)])
    return Continuity(_cosine(position, network, west, east), _cosine(position, network, around, turned))


def _cosine(position: Position, network: Network, first: np.ndarray, second: np.ndarray) -> float:
    """Return the mean cosine of the vectors of pairs of places; NaN where they are no vectors."""
    with np.errstate(over="ignore", invalid="ignore"):
        one, other = (network.apply(position.features(places)).astype(np.float64) for places in (first, second))
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    if not np.isfinite(lengths).all():
        return float("nan")
    some = lengths > 0
    return float(np.mean((one * other).sum(axis=1)[some] / lengths[some])) if some.any() else 1.0

"""What a user may set on a location encoder; a zero stands for the encoder's own default."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Mapping, Tuple

SCALES = "scales"
RADII = "radii"
LENGTH = "length"
SEAMLESS = "seamless"
SEED = "seed"
SIGMA = "sigma"
CELL = "cell"
EXTENT = "extent"

WORLD = (-180.0, -90.0, 180.0, 90.0)


@dataclass(frozen=True)
class Settings:
    """Numbers that shape an encoding.

    `scales` is how many scales, degrees, frequencies or anchors there are; the radii are the finest and the coarsest
    scale, in degrees for Space2Vec and in radians for Sphere2Vec; `length` is the length scale of random features and
    of the distance to anchors in km; `sigma` is the latter in degrees, as TorchSpatial has it; `cell` is the side of a
    tile in degrees; `extent` is west, south, east and north, within which tiles lie or coordinates are normalised.
    """

    scales: int = 0
    min_radius: float = 0.0
    max_radius: float = 0.0
    length: float = 0.0
    seamless: bool = False
    seed: int = 0
    sigma: float = 0.0
    cell: float = 0.0
    extent: "Tuple[float, ...]" = ()

    def as_json(self) -> "Dict[str, Any]":
        """Return what differs from nothing given, as plain JSON."""
        found = {"scales": self.scales, "min_radius": self.min_radius, "max_radius": self.max_radius,
                 "length": self.length, "seamless": self.seamless, "seed": self.seed, "sigma": self.sigma,
                 "cell": self.cell, "extent": list(self.extent)}
        return {key: value for key, value in found.items() if value}


def settings_from_json(found: "Mapping[str, Any]") -> Settings:
    """Read settings back; raises ValueError or TypeError for what can't be any."""
    return Settings(
        scales=int(found.get("scales", 0)), min_radius=float(found.get("min_radius", 0)),
        max_radius=float(found.get("max_radius", 0)), length=float(found.get("length", 0)),
        seamless=bool(found.get("seamless", False)), seed=int(found.get("seed", 0)), sigma=float(found.get("sigma", 0)),
        cell=float(found.get("cell", 0)), extent=tuple(float(value) for value in found.get("extent", ())))

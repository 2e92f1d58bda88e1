"""What a user may set on a location encoder; a zero stands for the encoder's own default."""

from __future__ import annotations

from dataclasses import dataclass

SCALES = "scales"
RADII = "radii"
LENGTH = "length"
SEAMLESS = "seamless"
SEED = "seed"


@dataclass(frozen=True)
class Settings:
    """Numbers that shape an encoding.

    `scales` is how many scales, degrees or frequencies there are; the radii are the finest and the coarsest scale, in
    degrees for Space2Vec and in radians for Sphere2Vec; `length` is the length scale of random features in km.
    """

    scales: int = 0
    min_radius: float = 0.0
    max_radius: float = 0.0
    length: float = 0.0
    seamless: bool = False
    seed: int = 0

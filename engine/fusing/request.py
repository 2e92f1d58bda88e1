"""What a fusion is asked for, and what it gives."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..errors import InputError
from ..space import Space

STANDARDISE_DIMENSIONS = "dimensions"
STANDARDISE_PARTS = "parts"
STANDARDISATIONS = (STANDARDISE_DIMENSIONS, STANDARDISE_PARTS)
REDUCE_PARTS = "parts"
REDUCE_TOGETHER = "together"
REDUCTIONS = (REDUCE_PARTS, REDUCE_TOGETHER)
MATCH_AUTOMATIC = "automatic"
MATCH_KEY = "key"
MATCH_AREA = "area"
MATCH_UNION = "union"
MATCHES = (MATCH_AUTOMATIC, MATCH_KEY, MATCH_AREA, MATCH_UNION)
INCOMPLETE_OMIT = "omit"
INCOMPLETE_MEAN = "mean"
INCOMPLETES = (INCOMPLETE_OMIT, INCOMPLETE_MEAN)


@dataclass(frozen=True)
class FuseRequest:
    """A call of either fusion; empty texts and zeros stand for the defaults.

    `weights` is empty or has one number a part. `dimensions` counts the dimensions of the result, 0 keeps all. `match`
    is for tables: by a key, by the area of overlap, or by laying polygons over one another; `incomplete` tells what
    becomes of pieces of such an overlay that some of the tables don't cover.
    """

    output: str
    weights: "tuple[float, ...]" = ()
    dimensions: int = 0
    standardise: str = STANDARDISE_PARTS
    reduce: str = REDUCE_PARTS
    reuse: str = ""
    model_out: str = ""
    memory_mib: int = 1024
    match: str = MATCH_AUTOMATIC
    incomplete: str = INCOMPLETE_OMIT

    def weights_for(self, parts: int) -> "tuple[float, ...]":
        """Return a weight for each part."""
        if not self.weights:
            return (1.0,) * parts
        if len(self.weights) != parts:
            raise InputError("fuse-weights", "WEIGHTS has {found} numbers for {wanted} inputs: give one for each, in "
                             "their order, separated by semicolons.", found=len(self.weights), wanted=parts)
        return self.weights


@dataclass(frozen=True)
class FuseResult:
    """The fused space, and how many cells or rows have a vector in it."""

    output: str
    space: Space
    explained: float
    rows: int = 0
    left_out: int = 0


def weights_of(text: str) -> "tuple[float, ...]":
    """Read weights such as `2;1;0.5`."""
    found = []
    for part in (part.strip() for part in text.split(";") if part.strip()):
        try:
            weight = float(part)
        except ValueError:
            weight = math.nan
        if not (math.isfinite(weight) and weight > 0):
            raise InputError("fuse-weight", "WEIGHTS: “{part}” is not a number above 0: write such as 2;1.", part=part)
        found.append(weight)
    return tuple(found)


def require_several(count: int) -> None:
    """Refuse to fuse one thing with nothing."""
    if count < 2:
        raise InputError("fuse-one", "INPUTS holds {count} layer: give two or more to fuse.", count=count)

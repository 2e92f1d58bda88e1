"""What is asked of a similarity search, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from .examples import Examples


@dataclass(frozen=True)
class SimilarityOptions:
    """What rasters and tables share: how to score, and what else to write.

    `threshold` is none, best or a number, `exclude` and `distance` are metres on the ground.
    """

    method: str = "mean"
    standardise: bool = False
    beta: float = 0.5
    exclude: float = 0.0
    threshold: str = "best"
    top: int = 10
    distance: float = 0.0
    sample: int = 4000
    seed: int = 0
    polygons: str = ""
    places: str = ""


@dataclass(frozen=True)
class SimilarityRequest:
    """A search in an embedding raster; shapes of the examples are in its CRS."""

    input: str
    output: str
    examples: Examples
    counterexamples: Optional[Examples] = None
    options: SimilarityOptions = SimilarityOptions()
    memory_mib: int = 1024


@dataclass(frozen=True)
class SimilarityResult:
    """What was found: `threshold` is None where none was needed, counts are of the outputs that were asked for."""

    output: str
    threshold: Optional[float]
    polygons: int
    places: int
    blocks: int
    bytes_read: int
    seconds: float

"""What is asked of a clustering, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Optional

METHODS = ("kmeans", "spherical", "gmm", "hdbscan", "agglomerative")
RASTER_METHODS = METHODS[:4]
MOST_CLUSTERS = 1000


@dataclass(frozen=True)
class ClusterChoice:
    """How to group: method, number (0 = choose within `low`..`high`), and what the fit may use.

    `sample` 0 takes what suits the method. `least` is the smallest group that HDBSCAN calls one, in vectors of the
    sample; 0 = a hundredth of it.
    """

    method: str = "kmeans"
    clusters: int = 8
    low: int = 2
    high: int = 12
    standardise: bool = False
    sample: int = 0
    least: int = 0
    neighbours_only: bool = False
    seed: int = 0


@dataclass(frozen=True)
class Extras:
    """Where the further results go; an empty path leaves one out."""

    summary: str = ""
    model: str = ""
    report: str = ""


@dataclass(frozen=True)
class ClusterRasterRequest:
    """A field to be grouped; `reuse` is a saved model that takes the place of `choice`."""

    path: str
    output: str
    choice: ClusterChoice = field(default_factory=ClusterChoice)
    reuse: str = ""
    extent: "Optional[tuple[float, float, float, float]]" = None
    mask: "Optional[tuple[bytes, ...]]" = None
    memory_mib: int = 1024
    extras: Extras = field(default_factory=Extras)


@dataclass(frozen=True)
class ClusterTableRequest:
    """A table to be grouped; the table itself is handed over beside it, since its rows may come from anywhere."""

    output: str
    choice: ClusterChoice = field(default_factory=ClusterChoice)
    reuse: str = ""
    extras: Extras = field(default_factory=Extras)


@dataclass(frozen=True)
class ClusterClass:
    """One class as it is shown: its number, name and colour."""

    number: int
    name: str
    colour: "tuple[int, int, int]"


@dataclass(frozen=True)
class ClusterResult:
    """What a run made; `bytes_read` is what the pass over a raster read, beside the sample."""

    output: str
    clusters: int
    classes: "tuple[ClusterClass, ...]"
    assigned: int
    bytes_read: int = 0

"""What is asked of score rasters and true places, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from ..errors import InputError
from ..table.parts import Rows
from .judged import Judged

AREAS = (1.0, 10.0, 100.0, 1000.0)
SHARES = (0.001, 0.01, 0.05, 0.1)
USUAL = 0.8
NEIGHBOURS, ALONE = "neighbours", "alone"
BANDS = (NEIGHBOURS, ALONE)
LOST, IGNORED = "lost", "ignored"
UNSCORED = (LOST, IGNORED)


@dataclass(frozen=True)
class Query:
    """One score raster: its name, the band that holds the score, and the ground that counts.

    `extent` is xmin, ymin, xmax, ymax and `mask` WKB polygons, both in the raster's CRS.
    """

    name: str
    path: str
    band: int = 1
    extent: "Optional[tuple[float, float, float, float]]" = None
    mask: "Optional[tuple[bytes, ...]]" = None

    @property
    def limited(self) -> bool:
        """Tell whether only a part of the raster counts."""
        return self.extent is not None or self.mask is not None


@dataclass(frozen=True)
class RecallRequest:
    """Score rasters to judge by true places.

    `weight` is a column of numbers; `query_field` one of texts that names the query a truth belongs to. `wanted` is
    the share of the truth whose area is asked for. `band` says whether truths that lie together are drawn together,
    `unscored` whether those on no ground count as never found or not at all.
    """

    queries: "tuple[Query, ...]"
    truth: Rows
    weight: str = ""
    query_field: str = ""
    higher: bool = True
    wanted: float = USUAL
    output: str = ""
    summary: str = ""
    report: str = ""
    band: str = NEIGHBOURS
    unscored: str = LOST
    draws: int = 1000
    seed: int = 0
    memory_mib: int = 1024

    def check(self) -> None:
        """Refuse what can't be answered."""
        if not self.queries:
            raise InputError("recall-none", "INPUTS: give at least one score raster.")
        if not 0 < self.wanted <= 1:
            raise InputError("recall-wanted", "{share} is not a share of the truth: give more than 0, and at most 100 "
                             "percent.", share=self.wanted)
        if self.band not in BANDS:
            raise InputError("recall-band-way", "“{word}” is not a way to draw truths: choose neighbours or alone.",
                             word=self.band)
        if self.unscored not in UNSCORED:
            raise InputError("recall-unscored", "“{word}” says nothing about truths without a score: choose lost or "
                             "ignored.", word=self.unscored)
        names = [query.name for query in self.queries]
        twice = next((name for name in names if names.count(name) > 1), "")
        if twice:
            raise InputError("recall-names", "Two queries are called “{name}”: give each a name of its own in LABELS.",
                             name=twice)


@dataclass(frozen=True)
class RecallResult:
    """The queries as they were judged, in the order asked for; and as one, where each has truths of its own."""

    queries: "tuple[Judged, ...]"
    together: "Optional[Judged]" = None
    warnings: "tuple[str, ...]" = ()
    verdicts: "tuple[str, ...]" = ()

    @property
    def curves(self) -> "tuple[Judged, ...]":
        """Return all that has a curve."""
        return self.queries if self.together is None else (*self.queries, self.together)

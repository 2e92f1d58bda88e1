"""What is asked of a change detection, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from ...encoders.library import EncoderFolders
from ...registry import Registry
from ...table.parts import Table

COSINE = "cosine"
EUCLIDEAN = "euclidean"
STANDARDISED = "standardised"
IRMAD = "irmad"
HISTORY = "history"
RASTER_METHODS = (COSINE, EUCLIDEAN, STANDARDISED, IRMAD, HISTORY)
TABLE_METHODS = (COSINE, EUCLIDEAN, STANDARDISED, HISTORY)
LEAST_DATES = 4


@dataclass(frozen=True)
class ChangeOptions:
    """What rasters and tables share: how to measure, and from where on a difference counts as change.

    `threshold` is otsu, triangle, stable or a number; `stable` are polygons (WKB, in the CRS of the data) where nothing
    changed, of whose cells a share of `false_alarm` may be taken for change.
    """

    method: str = COSINE
    threshold: str = "otsu"
    stable: "tuple[bytes, ...]" = ()
    false_alarm: float = 0.01
    sample: int = 50_000
    seed: int = 0


@dataclass(frozen=True)
class ChangeRequest:
    """Embedding rasters in the order of time, and where results go; an empty path is an output nobody wants.

    `labels` name the dates, `names` are what messages call the rasters. `tolerance` is in cells, `least_area` in
    square metres.
    """

    inputs: "tuple[str, ...]"
    output: str
    options: ChangeOptions = ChangeOptions()
    labels: "tuple[str, ...]" = ()
    tolerance: int = 0
    least_area: float = 0.0
    direction: str = ""
    changed: str = ""
    polygons: str = ""
    encoders: Optional[EncoderFolders] = None
    memory_mib: int = 1024


@dataclass(frozen=True)
class ChangeResult:
    """What was found: cells compared and changed, the ground that changed in square metres, polygons if wanted."""

    output: str
    threshold: float
    compared: int
    changed: int
    area: float
    polygons: int
    blocks: int
    bytes_read: int
    seconds: float


@dataclass(frozen=True)
class TableChangeRequest:
    """A table with a column of ids and one of dates, or two tables (`before` and `table`) with ids in common."""

    table: Table
    output: str
    id_field: str
    date_field: str = ""
    before: Optional[Table] = None
    options: ChangeOptions = ChangeOptions()
    encoders: Optional[EncoderFolders] = None
    registry: Optional[Registry] = None


@dataclass(frozen=True)
class TableChangeResult:
    """What was found: rows written, rows with a distance, and rows that changed."""

    output: str
    threshold: float
    rows: int
    compared: int
    changed: int
    seconds: float

"""Several dates of one field at a place: how far each lies from a reference date."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Sequence

import numpy as np

from ..analyses.change.comparable import dated, require_same_spaces
from ..analyses.change.dates import order_of
from ..analyses.change.measures import cosine_distance, euclidean_distance
from ..errors import InputError
from ..field import open_field
from ..progress import Progress, check
from .probe import probe_opened
from .raster_values import transformed


@dataclass(frozen=True)
class Timeline:
    """Dates in order, the fields they are of, and the distance `(dates,)` to the reference, NaN where no value is.

    Distances are 1 − cosine, 0..2, or lengths of differences where the space's metric is Euclidean; `vectors` is
    `(dates, dims)`. `reference` is the reference's number among the dates in order.
    """

    paths: "tuple[str, ...]"
    dates: "tuple[str, ...]"
    distances: np.ndarray
    vectors: np.ndarray
    reference: int
    metric: str
    key: str


def timeline(paths: "Sequence[str]", dates: "Sequence[str]", x: float, y: float, wkt: str, progress: Progress,
             reference: Optional[str] = None) -> Timeline:
    """Return how a place, given in the CRS `wkt`, moves away from a reference: a path, or else the earliest date.

    `dates` has one a path, such as 2023 or 2023-05-14, or is empty: then the paths are in order. Fields of different
    spaces are refused, naming both; they may lie on different grids and in different CRSs.
    """
    if len(paths) < 2:
        raise InputError("timeline-one", "A curve over time needs two dates or more: choose more rasters.")
    order, names = order_of("; ".join(dates), list(paths))
    fields = []
    for number in order:
        check(progress)
        fields.append(open_field(paths[number]))
    require_same_spaces([dated(each) for each in fields], progress)
    start = 0 if reference is None else order.index(list(paths).index(reference))
    vectors = np.full((len(fields), fields[0].space.dimensions), np.nan, dtype=np.float32)
    for number, opened in enumerate(fields):
        check(progress)
        progress.report(number / len(fields), "Reading the dates" if not number else None)
        point = transformed(np.array([[x, y]]), wkt, opened.info.grid.wkt)[0]
        probe = probe_opened(opened, *point.tolist())
        if probe is not None:
            vectors[number] = probe.vector
    metric = fields[0].space.metric
    progress.report(1.0)
    return Timeline(tuple(paths[number] for number in order), names, _distances(vectors, start, metric, names), vectors,
                    start, metric, fields[0].key)


def _distances(vectors: np.ndarray, reference: int, metric: str, names: "Sequence[str]") -> np.ndarray:
    """Return the distances of all to the reference, which must have a value."""
    base = vectors[reference]
    if not np.isfinite(base).all() or metric == "cosine" and not base.any():
        raise InputError("timeline-reference", "The reference date {date} has no value at this place: choose another "
                         "date, or another place.", date=names[reference])
    others = np.ascontiguousarray(vectors.T)
    same = np.repeat(base[:, None], len(vectors), axis=1)
    found = (cosine_distance if metric == "cosine" else euclidean_distance)(same, others)
    found[reference] = 0.0
    return found

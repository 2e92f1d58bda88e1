"""What is to be predicted: the labels of one column of one layer, numbers or classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional, Sequence

import numpy as np
from osgeo import ogr

from ..errors import EarthprintError, InputError
from ..locations.latitudes import refuse_beyond
from ..locations.places import Places
from ..progress import Progress
from ..table import EMBEDDING, Rows
from ..table.schema import column_named
from ..training.columns import NUMERIC_TYPES
from ..training.gathering.joins import key_columns
from ..training.gathering.labels import Labels, read_labels
from ..training.gathering.request import MEAN, GatherRequest
from .request import AUTOMATIC, CLASSIFICATION, REGRESSION, BenchmarkRequest

_MOST_CODES = 10
_ELSEWHERE = "elsewhere"


@dataclass(frozen=True)
class Question:
    """The labels of a column: as read, where they lie in degrees (NaN without a place), and how they were asked for."""

    layer: str
    target: str
    labels: Labels
    places: np.ndarray
    gather: GatherRequest
    own_vectors: bool

    @property
    def classification(self) -> bool:
        """Tell whether classes are asked for."""
        return self.gather.task == CLASSIFICATION


def read_question(name: str, rows: Rows, target: str, request: BenchmarkRequest, progress: Progress) -> Question:
    """Read the labels of one column; `name` is what the layer is called in results."""
    column = column_named(rows.columns, target)
    if column is None:
        raise InputError("benchmark-target", "{name} has no column “{column}”, which TARGET names: choose among "
                         "{names}.", name=rows.name, column=target, names=_names(rows))
    task = request.task if request.task != AUTOMATIC else _task_of(rows, column.name, column.type)
    own = column_named(rows.columns, EMBEDDING) is not None
    keys = _keys(rows, request)
    gather = GatherRequest(
        rows, (column.name,), task, embeddings=None if own else _ELSEWHERE, key=request.key,
        embeddings_key=request.tables_key, columns=tuple(key for key in keys if key != column.name),
        transform=request.transform if task == REGRESSION else "none", cells=MEAN, sampling=request.sampling,
        seed=request.seed, memory_mib=request.memory_mib, registry=request.registry)
    gather.check()
    labels = read_labels(gather, None, progress).labels
    return Question(name, column.name, labels, _places(rows, labels, progress), gather, own)


def _keys(rows: Rows, request: BenchmarkRequest) -> "List[str]":
    """Return the columns of the layer that tables are joined by."""
    asked = GatherRequest(rows, ("-",), key=request.key, embeddings_key=request.tables_key)
    pairs = [key_columns(asked, table) for table in request.tables]
    return list(dict.fromkeys(pair[0].name for pair in pairs if pair is not None))


def _task_of(rows: Rows, column: str, kind: str) -> str:
    """Return what a column asks for: texts and a few whole numbers are classes, all else is numbers."""
    if kind not in NUMERIC_TYPES:
        return CLASSIFICATION
    values = [value for value in rows.distinct(column) if value is not None]
    whole = all(float(value).is_integer() for value in values)
    return CLASSIFICATION if whole and len(values) <= _MOST_CODES else REGRESSION


def _places(rows: Rows, labels: Labels, progress: Progress) -> np.ndarray:
    """Return longitudes and latitudes, NaN for all where the layer has none; latitudes beyond 90° are refused."""
    nowhere = np.full((len(labels), 2), np.nan)
    if rows.geometry_type == ogr.wkbNone:
        return nowhere
    places = _finder(rows, progress)
    if places is None:
        return nowhere
    found = places.find(labels.wkb)
    without = np.flatnonzero(~np.isfinite(found[:, 0]))
    refuse_beyond(rows.name, [labels.ids[row] for row in without], [labels.wkb[row] for row in without])
    return found


def _finder(rows: Rows, progress: Progress) -> Optional[Places]:
    """Return what finds places of a layer, None with a warning where its CRS tells of none."""
    try:
        return Places(rows.name, rows.wkt)
    except EarthprintError as error:
        progress.warn(str(error))
        return None


def _names(rows: Rows) -> str:
    """Return the columns that could be meant."""
    names: "Sequence[str]" = [column.name for column in rows.columns if not column.name.startswith(EMBEDDING)]
    return ", ".join(names[:16]) + (", …" if len(names) > 16 else "")

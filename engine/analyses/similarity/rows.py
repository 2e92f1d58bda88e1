"""Examples among the rows of a table: those that lie under shapes."""

from __future__ import annotations

from typing import Sequence

import numpy as np
from osgeo import ogr

from ...centres import centres_of
from ...dataset import quiet
from ...errors import InputError
from ...geodesy import Ground
from ...progress import Progress
from ...table.parts import TableChunk
from .examples import Examples, ExampleVectors

_MOST_ROWS = 64


class RowsUnder:
    """Collects, chunk by chunk, the vectors of rows that shapes touch.

    Where the table holds points or lines, a point that touches none stands for the nearest row.
    """

    def __init__(self, examples: Examples, wkt: str, dimensions: int) -> None:
        """Read the shapes."""
        if not examples.shapes:
            raise InputError("examples-empty", "{name} is empty: select some features, or give others.",
                             name=examples.name)
        self._examples = examples
        self._ground = Ground(wkt)
        self._shapes = [ogr.CreateGeometryFromWkb(shape) for shape in examples.shapes]
        self._boxes = [shape.GetEnvelope() for shape in self._shapes]
        self._points = self._ground.places(centres_of(examples.shapes))
        self._is_point = np.array([shape.GetDimension() == 0 for shape in self._shapes])
        count = len(self._shapes)
        self._totals = np.zeros((count, dimensions))
        self._counts = np.zeros(count, dtype=np.int64)
        self._nearest = np.full(count, np.inf)
        self._nearest_vectors = np.zeros((count, dimensions), dtype=np.float32)
        self._members: "list[list[np.ndarray]]" = [[] for _ in range(count)]
        self._flat_rows = False

    def take(self, chunk: TableChunk, centres: np.ndarray) -> None:
        """Look at some rows; `centres` are their middles in the table's CRS."""
        with quiet():
            rows = [ogr.CreateGeometryFromWkb(wkb) if wkb is not None else None for wkb in chunk.wkb]
            boxes = np.array([row.GetEnvelope() if row is not None and not row.IsEmpty() else (np.nan,) * 4
                              for row in rows])
            self._flat_rows |= any(row is not None and row.GetDimension() == 2 for row in rows)
            for number, (shape, box) in enumerate(zip(self._shapes, self._boxes)):
                near = np.flatnonzero((boxes[:, 0] <= box[1]) & (boxes[:, 1] >= box[0]) & (boxes[:, 2] <= box[3])
                                      & (boxes[:, 3] >= box[2]))
                self._add(number, chunk.vectors, [row for row in near.tolist() if shape.Intersects(rows[row])])
        if self._is_point.any() and not self._flat_rows:
            self._look_near(chunk.vectors, self._ground.places(centres))

    def _add(self, number: int, vectors: np.ndarray, rows: "Sequence[int]") -> None:
        """Add rows to an example."""
        found = vectors[list(rows)]
        found = found[found.any(axis=1)]
        self._totals[number] += found.sum(axis=0, dtype=np.float64)
        self._counts[number] += len(found)
        self._members[number].extend(found[:max(0, _MOST_ROWS - len(self._members[number]))])

    def _look_near(self, vectors: np.ndarray, places: np.ndarray) -> None:
        """Remember the row nearest to each point."""
        usable = vectors.any(axis=1) & np.isfinite(places).all(axis=1)
        if not usable.any():
            return
        for number in np.flatnonzero(self._is_point):
            metres = np.where(usable, self._ground.distance(places, self._points[number]), np.inf)
            best = int(np.argmin(metres))
            if metres[best] < self._nearest[number]:
                self._nearest[number] = metres[best]
                self._nearest_vectors[number] = vectors[best]

    def gathered(self, table_name: str, progress: Progress) -> ExampleVectors:
        """Return the examples, or say that none touches a row."""
        if not self._flat_rows:
            for number in np.flatnonzero((self._counts == 0) & np.isfinite(self._nearest)):
                self._add(int(number), self._nearest_vectors[number][None], [0])
        kept = self._counts > 0
        name = self._examples.name
        if not kept.any():
            raise InputError("examples-nowhere", "None of {name} touches a row of {table}: move them onto its "
                             "features, and check their CRS.", name=name, table=table_name)
        if not kept.all():
            progress.warn(f"{int((~kept).sum())} of the {len(kept)} examples of {name} touch no row of {table_name} "
                          "and were left out.")
        means = (self._totals[kept] / self._counts[kept, None]).astype(np.float32)
        chosen = [self._members[number] for number in np.flatnonzero(kept)]
        members = np.concatenate([np.stack(rows) for rows in chosen]).astype(np.float32)
        owners = np.repeat(np.arange(len(chosen)), [len(rows) for rows in chosen])
        shapes = tuple(shape for shape, found in zip(self._examples.shapes, kept) if found)
        return ExampleVectors(means, members, owners, len(np.unique(members, axis=0)), shapes)

"""Similarity that follows the pointer: pictures of a field or table, vectors of examples, and scores."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Callable, Iterator, Optional, Protocol, Sequence

import numpy as np

from ..analyses.similarity.examples import Examples, vectors_of
from ..analyses.similarity.rows import RowsUnder
from ..errors import InputError
from ..grid import Grid
from ..progress import Progress, check
from ..table.parts import CHUNK_ROWS, TableChunk
from .drawn_rows import Outlines
from .scores import Query, score, score_rows
from .view import FieldView
from .view_block import ViewBlock

MOST_TABLE_BYTES = 512 << 20


class Picture(Protocol):
    """What the canvas shows of embeddings: a vector a pixel, north up."""

    extent: "tuple[float, float, float, float]"

    def vector_at(self, x: float, y: float) -> np.ndarray:
        """Return the vector that is shown at a place, or say in words why there is none."""

    def scored(self, query: Query) -> np.ndarray:
        """Return scores `(rows, cols)`, NaN where there is no vector."""


@dataclass(frozen=True)
class FieldPicture:
    """What the canvas shows of a field."""

    name: str
    block: ViewBlock

    @property
    def extent(self) -> "tuple[float, float, float, float]":
        """Return xmin, ymin, xmax, ymax."""
        return self.block.extent

    def vector_at(self, x: float, y: float) -> np.ndarray:
        """Return the vector that is shown at a place, or say in words why there is none."""
        pixel = self.block.pixels_at(np.array([[x, y]]))
        if pixel[0] < 0:
            raise InputError("live-outside", "This place is outside of {name}.", name=self.name)
        return _usable(self.block.vectors_of(pixel)[0])

    def scored(self, query: Query) -> np.ndarray:
        """Return scores `(rows, cols)`, NaN where there is no vector."""
        return score(self.block, query)


@dataclass(frozen=True)
class TablePicture:
    """What the canvas shows of a table: the number of a row a pixel, −1 for none."""

    name: str
    extent: "tuple[float, float, float, float]"
    vectors: np.ndarray
    numbers: np.ndarray

    def vector_at(self, x: float, y: float) -> np.ndarray:
        """Return the vector of the row that is shown at a place, or say in words why there is none."""
        xmin, ymin, xmax, ymax = self.extent
        height, width = self.numbers.shape
        column, row = (x - xmin) / (xmax - xmin) * width, (ymax - y) / (ymax - ymin) * height
        number = self.numbers[int(row), int(column)] if 0 <= column < width and 0 <= row < height else -1
        if number < 0:
            raise InputError("live-no-row", "{name} has no feature at this place.", name=self.name)
        return _usable(self.vectors[number])

    def scored(self, query: Query) -> np.ndarray:
        """Return scores `(rows, cols)`, NaN where there is no row."""
        # The −1 of pixels without a row falls on the number at the end.
        scores = np.append(score_rows(self.vectors, query), np.float32(np.nan))
        return scores[self.numbers]


@dataclass(frozen=True)
class Seen:
    """A picture, or None where it would take long to read for want of overviews."""

    picture: Optional[Picture]


class Live(Protocol):
    """Embeddings that are looked at; any thread may ask."""

    def picture(self, extent: "tuple[float, float, float, float]", width: int, height: int, progress: Progress) -> Seen:
        """Return what a canvas of so many pixels shows of an extent."""

    def vectors_under(self, shapes: "Sequence[bytes]", name: str, progress: Progress) -> np.ndarray:
        """Return one vector a shape (WKB), as the similarity search takes it at full resolution."""


class LiveField:
    """An embedding raster that is looked at; opened when it is first asked."""

    def __init__(self, path: str, name: str) -> None:
        """Say which file, and what messages call it."""
        self.path = path
        self.name = name
        self._view: Optional[FieldView] = None
        self._lock = threading.Lock()

    def picture(self, extent: "tuple[float, float, float, float]", width: int, height: int, progress: Progress) -> Seen:
        """Return what a canvas shows of an extent, unless too much would have to be read for it."""
        view = self._opened()
        if view.lacks_overviews(extent, width, height):
            return Seen(None)
        return Seen(FieldPicture(self.name, view.read(extent, width, height, progress)))

    def vectors_under(self, shapes: "Sequence[bytes]", name: str, progress: Progress) -> np.ndarray:
        """Return the mean of the cells under each shape."""
        return vectors_of(self._opened().field, Examples(name, tuple(shapes)), progress).means

    def _opened(self) -> FieldView:
        """Return the view, the same for all threads."""
        with self._lock:
            if self._view is None:
                self._view = FieldView.open(self.path)
            return self._view


class LiveTable:
    """An embedding table that is looked at; its rows are read once and stay in memory, within a stated limit."""

    def __init__(self, name: str, wkt: str, rows: "Callable[[], Iterator[TableChunk]]",
                 limit: int = MOST_TABLE_BYTES) -> None:
        """Say how to read the rows; the first thread that asks does so."""
        self.name = name
        self._wkt = wkt
        self._rows = rows
        self._limit = limit
        self._vectors: Optional[np.ndarray] = None
        self._outlines: Optional[Outlines] = None
        self._lock = threading.Lock()

    def picture(self, extent: "tuple[float, float, float, float]", width: int, height: int, progress: Progress) -> Seen:
        """Return which rows a canvas shows in an extent."""
        vectors, outlines = self._read(progress)
        xmin, ymin, xmax, ymax = extent
        grid = Grid(width, height, (xmin, (xmax - xmin) / width, 0.0, ymax, 0.0, (ymin - ymax) / height), self._wkt)
        return Seen(TablePicture(self.name, extent, vectors, outlines.drawn(grid, progress)))

    def vectors_under(self, shapes: "Sequence[bytes]", name: str, progress: Progress) -> np.ndarray:
        """Return the mean of the rows that each shape touches; a point beside all points stands for the nearest."""
        vectors, outlines = self._read(progress)
        finder = RowsUnder(Examples(name, tuple(shapes)), self._wkt, vectors.shape[1])
        for start in range(0, len(vectors), CHUNK_ROWS):
            check(progress)
            part = slice(start, start + CHUNK_ROWS)
            finder.take(TableChunk(range(start, start + CHUNK_ROWS), vectors[part], outlines.shapes[part]),
                        outlines.centres[part])
        return finder.gathered(self.name, progress).means

    def _read(self, progress: Progress) -> "tuple[np.ndarray, Outlines]":
        """Return vectors and geometries of all rows."""
        with self._lock:
            if self._vectors is None or self._outlines is None:
                vectors, shapes, size = [], [], 0
                for chunk in self._rows():
                    check(progress)
                    vectors.append(np.asarray(chunk.vectors, dtype=np.float32))
                    shapes.extend(chunk.wkb)
                    size += vectors[-1].nbytes
                    if size > self._limit:
                        raise InputError("live-table-large", "{name} holds more than {limit} MiB of vectors, too much "
                                         "to follow the pointer: use “Find similar features”, or filter the layer.",
                                         name=self.name, limit=self._limit >> 20)
                if not vectors:
                    raise InputError("table-empty", "{name} has no rows: check its filter and selection.",
                                     name=self.name)
                self._outlines = Outlines(shapes)
                self._vectors = np.concatenate(vectors)
            return self._vectors, self._outlines


@dataclass(frozen=True)
class Given:
    """The vectors of examples and counter-examples; None where there are none of a kind."""

    positives: Optional[np.ndarray]
    negatives: Optional[np.ndarray]


@dataclass(frozen=True)
class PictureRequest:
    """What the canvas shows now."""

    live: Live
    extent: "tuple[float, float, float, float]"
    width: int
    height: int


@dataclass(frozen=True)
class GivenRequest:
    """The shapes of examples and counter-examples, WKB in the CRS of what is looked at."""

    live: Live
    positives: "tuple[bytes, ...]"
    negatives: "tuple[bytes, ...]"


@dataclass(frozen=True)
class ScoreRequest:
    """Which picture is compared with what: with a place of its own, or, where that is None, with the examples."""

    picture: Picture
    given: Given
    place: "Optional[tuple[float, float]]" = None


def read_picture(request: PictureRequest, progress: Progress) -> Seen:
    """Read what the canvas shows."""
    return request.live.picture(request.extent, request.width, request.height, progress)


def read_given(request: GivenRequest, progress: Progress) -> Given:
    """Read the vectors of examples at full resolution."""
    live = request.live
    positives = live.vectors_under(request.positives, "the examples", progress) if request.positives else None
    negatives = None
    if request.negatives:
        negatives = live.vectors_under(request.negatives, "the counter-examples", progress)
    return Given(positives, negatives)


def score_picture(request: ScoreRequest, progress: Progress) -> np.ndarray:
    """Return the scores `(rows, cols)` of a picture."""
    check(progress)
    positives = request.given.positives
    if request.place is not None:
        positives = request.picture.vector_at(*request.place)[None]
    if positives is None:
        raise InputError("live-none", "There is no example to look for: click on the map.")
    negatives = request.given.negatives
    return request.picture.scored(Query(positives) if negatives is None else Query(positives, negatives))


def _usable(vector: np.ndarray) -> np.ndarray:
    """Return a vector that has a direction, or say that it has none."""
    if not np.isfinite(vector).all():
        raise InputError("live-nodata", "There is no data at this place.")
    if not vector.any():
        raise InputError("live-zero", "The vector at this place is all zeros, which is like nothing.")
    return vector

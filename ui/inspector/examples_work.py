"""What the page of examples has computed off the main thread: likelihoods of what the map shows, places to go next."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np

from ...engine.inspecting.likelihood import ClassModel, Likelihood, background_of, fit_classes, likelihood
from ...engine.inspecting.nearby import Place, width_of
from ...engine.inspecting.probe import probe_opened
from ...engine.inspecting.suggestions import Labelled, different_places, uncertain_places
from ...engine.inspecting.view import FieldView
from ...engine.inspecting.view_block import ViewBlock
from ...engine.progress import Progress, check

UNCERTAIN, DIFFERENT = "uncertain", "different"
COUNT = 5
# Suggestions keep so large a share of the map's width from each other, and less from what is labelled.
_APART, _FROM_LABELS = 1 / 12, 1 / 36

XY = Tuple[float, float]


class LabelledField:
    """A field with the vectors at its labelled places, each read once, at full resolution."""

    def __init__(self, view: FieldView) -> None:
        """Read through a view; nothing is read yet."""
        self.view = view
        self._vectors: Dict[XY, np.ndarray] = {}
        self._lock = threading.Lock()

    def holds(self, x: float, y: float) -> bool:
        """Tell whether a place in the field's CRS lies on one of its cells."""
        grid = self.view.field.info.grid
        left, dx, _, top, _, dy = grid.transform
        return 0 <= (x - left) / dx < grid.width and 0 <= (y - top) / dy < grid.height

    def vectors_at(self, places: Sequence[XY], progress: Progress) -> np.ndarray:
        """Return vectors `(n, dims)`, NaN where there is none or one of zeros."""
        found = np.full((len(places), self.view.field.space.dimensions), np.nan, dtype=np.float32)
        for number, place in enumerate(places):
            check(progress)
            with self._lock:
                vector = self._vectors.get(place)
            if vector is None:
                probe = probe_opened(self.view.field, *place)
                vector = found[number] if probe is None or not probe.vector.any() else probe.vector
                with self._lock:
                    self._vectors[place] = np.array(vector)
            found[number] = vector
        return found


@dataclass(frozen=True)
class LookRequest:
    """What the map shows of a field, and its labelled places in the field's CRS."""

    field: LabelledField
    extent: Tuple[float, float, float, float]
    width: int
    height: int
    labels: Tuple[str, ...]
    places: Tuple[XY, ...]


@dataclass(frozen=True)
class Looked:
    """What is in view (None: too much to read), the examples' vectors, and the likelihoods where two classes have any.

    `without` counts the places that have no vector.
    """

    block: Optional[ViewBlock]
    vectors: np.ndarray
    places: Tuple[XY, ...]
    without: int
    model: Optional[ClassModel] = None
    found: Optional[Likelihood] = None


@dataclass(frozen=True)
class SuggestRequest:
    """In what was seen, where to label next: UNCERTAIN or DIFFERENT."""

    looked: Looked
    kind: str


@dataclass(frozen=True)
class Suggestion:
    """A place to label next, and the two classes that it is most likely of, where that can be told."""

    place: Place
    rivals: Tuple[str, ...]


def look(request: LookRequest, progress: Progress) -> Looked:
    """Read what the map shows and tell the likelihood of each class there."""
    view = request.field.view
    vectors = request.field.vectors_at(request.places, progress)
    usable = np.isfinite(vectors).all(axis=1)
    without = int((~usable).sum())
    if view.lacks_overviews(request.extent, request.width, request.height):
        return Looked(None, vectors[usable], request.places, without)
    block = view.read(request.extent, request.width, request.height, progress)
    labels = [label for label, counts in zip(request.labels, usable.tolist()) if counts]
    if len(set(labels)) < 2:
        return Looked(block, vectors[usable], request.places, without)
    model = fit_classes(vectors[usable], labels, block.metric, background_of(block))
    return Looked(block, vectors[usable], request.places, without, model, likelihood(block, model, progress))


def suggest(request: SuggestRequest, progress: Progress) -> List[Suggestion]:
    """Return where to label next; what is near to a labelled place is no news."""
    block = request.looked.block
    if block is None or not len(request.looked.vectors):
        return []
    if request.kind == DIFFERENT:
        apart = width_of(block.extent, block.wkt) * _APART
        places = different_places(block, request.looked.vectors, COUNT, apart, progress)
    else:
        places = _doubtful(request.looked, block, progress)
    return [Suggestion(place, _rivals(request.looked.found, place)) for place in places]


def _doubtful(looked: Looked, block: ViewBlock, progress: Progress) -> List[Place]:
    """Return the least certain places."""
    if looked.found is None:
        return []
    width = width_of(block.extent, block.wkt)
    labelled = Labelled(np.array(looked.places, dtype=np.float64), width * _FROM_LABELS)
    return uncertain_places(block, looked.found, COUNT, width * _APART, progress, labelled)


def _rivals(found: Optional[Likelihood], place: Place) -> Tuple[str, ...]:
    """Return the two likeliest classes at a place, the likeliest first."""
    return () if found is None else found.likeliest_at(place.pixel, 2)

"""Three views as an objective: what is learnt, what is predicted of held-out photos, and the verdict on it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

import numpy as np

from ...number_text import score_text
from ...progress import Part, Progress
from ...provenance import Provenance
from ...training.folds import Folds
from ..figures import mean_of, verdict_of
from ..gathered import Gathered
from ..judged import CONSTANT, COORDINATES, ENCODER, NEIGHBOURS, Verdict
from ..objectives.objective import Judgement, Seen
from ..probing import coordinates, neighbours, ridge
from ..request import VIEWS
from .finding import FIRST, by_chance, drawn, ranked
from .lesson import Views, ViewsLesson

FIELD_FINDS_PHOTO, PLACE_FINDS_FIELD = "field finds photo", "place finds field"
_NAMES = {
    ENCODER: "the encoder", COORDINATES: "coordinates and ridge", NEIGHBOURS: "nearest photos on the sphere",
    CONSTANT: "chance"}
_RASTER_NAMES = {ENCODER: "the embedding raster, looked up", CONSTANT: "chance"}
_COMPONENTS = 3


@dataclass(frozen=True, eq=False)
class ViewsObjective:
    """Photos at places over a field, by which a location encoder learns to point where both do."""

    gathered: Gathered
    views: Views
    provenance: "Tuple[Provenance, ...]"
    photo_key: str
    field_key: str
    field_name: str

    name = VIEWS
    unit_norm = True
    strata: "Optional[np.ndarray]" = None

    @property
    def what(self) -> str:
        """Say what is learnt."""
        return f"photos from one another, with what {self.field_name} shows about them"

    @property
    def signals(self) -> np.ndarray:
        """Return the photos' first components, by which blocks are sized."""
        photos = self.views.photos.astype(np.float64)
        photos = (photos - photos.mean(axis=0)) / np.maximum(photos.std(axis=0), 1e-12)
        _, axes = np.linalg.eigh(photos.T @ photos)
        return photos @ axes[:, ::-1][:, :_COMPONENTS]

    def width(self, wanted: int, progress: Progress) -> int:
        """Return what is wanted: the projections fit any width."""
        return wanted

    def lesson(self, torch: Any, rows: np.ndarray, dimensions: int, seed: int, device: Any) -> ViewsLesson:
        """Start a training on some rows."""
        return ViewsLesson(torch, self.views, rows, dimensions, seed, device)

    def predict(self, seen: Seen, progress: Progress) -> "Dict[str, np.ndarray]":
        """Return, for each held-out row, how well its own view is found among others that are held out with it."""
        lesson: Any = seen.lesson
        draw = drawn(self.views.same[seen.held], seen.seed)
        photos, fields = lesson.photos(seen.held), lesson.fields(seen.held)
        standard = lesson.standard(self.views.photos.astype(np.float64))
        known, truth, places = standard[seen.rows], standard[seen.held], self.gathered.places
        here, there = coordinates(places[seen.rows], places[seen.held])
        by_ridge = ridge(here, known, there, seen.inner, Part(progress, 0.0, 0.5))
        nearest, _ = neighbours(places[seen.rows], known, places[seen.held], seen.inner, Part(progress, 0.5, 1.0))
        return {
            ENCODER: ranked(seen.held_vectors, photos, draw),
            COORDINATES: ranked(by_ridge, truth, draw),
            NEIGHBOURS: ranked(nearest, truth, draw),
            CONSTANT: by_chance(draw),
            FIELD_FINDS_PHOTO: ranked(fields, photos, draw),
            PLACE_FINDS_FIELD: ranked(seen.held_vectors, fields, draw)}

    def judge(self, predicted: "Mapping[str, np.ndarray]", folds: Folds) -> Judgement:
        """Judge by recall among the first five; the other figures stand beside it."""
        five = FIRST.index(max(FIRST))
        chance = predicted[CONSTANT]
        by_raster = {ENCODER: predicted[FIELD_FINDS_PHOTO], CONSTANT: chance}
        of_raster = {ENCODER: predicted[PLACE_FINDS_FIELD], CONSTANT: chance}
        verdict = _verdict("photo by its place", "recall@5", predicted, _NAMES, five, folds)
        parts = (
            verdict,
            _verdict("photo by its place, first answer", "recall@1", predicted, _NAMES, 0, folds),
            _verdict("photo by its place, share of others outranked", "outranked", predicted, _NAMES, -1, folds),
            _verdict("photo by the embedding raster", "recall@5", by_raster, _RASTER_NAMES, five, folds),
            _verdict("embedding raster by its place", "recall@5", of_raster, _NAMES, five, folds))
        return Judgement(verdict, parts, tuple(_warnings(verdict)))

    def facts(self) -> "Dict[str, Any]":
        """Return what the card says of the data; the projections of photo and field are not kept."""
        return {"photos": self.gathered.name, "photo_space": self.photo_key, "field": self.field_name,
                "field_space": self.field_key, "rows": len(self.gathered),
                "places": int(len(np.unique(self.views.same)))}

    def digest(self) -> str:
        """Return a digest of places, photos and cells."""
        content = hashlib.sha256()
        field = self.views.field
        for array in (self.gathered.places, self.views.photos, field.vectors, field.taps, field.corners, field.offsets,
                      field.shares):
            content.update(repr(array.shape).encode("ascii"))
            content.update(np.ascontiguousarray(array).tobytes())
        return content.hexdigest()


def _verdict(name: str, score: str, predicted: "Mapping[str, np.ndarray]", names: "Mapping[str, str]", column: int,
             folds: Folds) -> Verdict:
    """Return the figures of one question."""
    scores = {key: mean_of(predicted[key][:, column], folds) for key in names if key in predicted}
    return verdict_of(name, score, scores, len(folds.fold), names)


def _warnings(verdict: Verdict) -> "Sequence[str]":
    """Say where the place tells too little of the photo."""
    found: "List[str]" = []
    own, chance = verdict.value(ENCODER), verdict.value(CONSTANT)
    against = verdict.difference(CONSTANT)
    if against is not None and not against.interval.low > 0:
        found.append(f"In blocks that it has not seen, the encoder finds the right photo by its place no oftener than "
                     f"chance would, as far as these blocks can tell: recall@5 is {score_text(own)}, chance "
                     f"{score_text(chance)}. What these photos show does not follow from where they were taken.")
    neighbours = verdict.value(NEIGHBOURS)
    if np.isfinite(neighbours) and neighbours > own:
        found.append(f"The nearest photos alone find the right one as often or oftener than the encoder (recall@5 "
                     f"{score_text(neighbours)} against {score_text(own)}): within this area, looking at neighbours "
                     "does as well.")
    return found

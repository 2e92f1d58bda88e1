"""Where to label next: the places in view that are least certain, or least like anything labelled so far."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Optional

import numpy as np

from ..analyses.similarity.scores import CosineScorer, score_block
from ..errors import InputError
from ..geodesy import Ground
from ..pipeline import attend
from ..progress import Progress, check
from .likelihood import Likelihood
from .nearby import Place, best_places, leave_out
from .scores import score_to
from .view_block import ViewBlock


@dataclass(frozen=True)
class Labelled:
    """Places `(n, 2)` in the field's CRS that are labelled already: what is nearer than so many metres is no news."""

    points: np.ndarray
    metres: float


def uncertain_places(block: ViewBlock, found: Likelihood, count: int, apart: float, progress: Progress,
                     labelled: Optional[Labelled] = None) -> "list[Place]":
    """Return the places whose two likeliest classes are closest, least certain first, none nearer than `apart` metres.

    A place's score is 1 where two classes are equally likely, and 0 where one is certain.
    """
    doubts = 1 - found.certainties
    if labelled is not None:
        for place in Ground(block.wkt).places(np.asarray(labelled.points, dtype=np.float64).reshape(-1, 2)):
            check(progress)
            leave_out(block, doubts, place, labelled.metres)
    return best_places(block, doubts, count, apart, progress)


def different_places(block: ViewBlock, examples: np.ndarray, count: int, apart: float,
                     progress: Progress) -> "list[Place]":
    """Return the places least like any example `(n, dims)` and any place before, none nearer than `apart` metres.

    A place's score is 1 less its cosine to the nearest of those: 0 for more of the same, 2 for the opposite.
    """
    wide = np.asarray(examples, dtype=np.float64).reshape(-1, block.dimensions)
    wide = wide[np.isfinite(wide).all(axis=1) & wide.any(axis=1)]
    if not len(wide):
        raise InputError("suggestions-empty", "There is no example yet to differ from: click a first place.")
    queries = (wide / np.linalg.norm(wide, axis=1, keepdims=True)).astype(np.float32)
    progress.report(0.0, "Looking for what is different")
    nearest = attend(partial(score_block, block.block, CosineScorer(np.unique(queries, axis=0))), progress)
    open_yet = np.where(np.isfinite(nearest), np.float32(0), np.float32(-np.inf))
    ground = Ground(block.wkt)
    found: "list[Place]" = []
    while len(found) < count:
        check(progress)
        far = np.where(open_yet == 0, 1 - nearest, -np.inf)
        pixel = int(far.argmax())
        if not np.isfinite(far.flat[pixel]):
            break
        x, y = block.places_of(np.array([pixel]))[0].tolist()
        found.append(Place(float(far.flat[pixel]), x, y, float("nan"), pixel))
        open_yet.flat[pixel] = -np.inf
        leave_out(block, open_yet, ground.places(np.array([[x, y]]))[0], apart)
        progress.report(len(found) / count)
        if len(found) < count:
            vector = block.vectors_of(np.array([pixel]))[0]
            nearest = np.fmax(nearest, score_to(block, vector))
    return found

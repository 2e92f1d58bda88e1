"""Whether a candidate does worse in places that lie together: the Geo-Bias of its out-of-fold predictions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

import numpy as np

from ..errors import InputError
from ..progress import Progress
from .candidates import content_of
from .scores import Judged
from .shared_rows import SharedRows
from .store import Piece, ResultStore
from .stored_candidates import Quiet

_LARGE_SHARE = 0.75
_KIND = "geobias"


@dataclass(frozen=True)
class Bias:
    """The score over distance rings, and how likely one as large is where failures lie at random."""

    score: float
    p: float


def failures(found: Judged, shared: SharedRows) -> np.ndarray:
    """Mark the rows that were predicted worst: wrong classes, or the quarter of rows with the largest errors."""
    predicted = found.predicted[0]
    if shared.task.classes:
        return predicted.argmax(axis=1) != shared.judge.truth
    error = np.abs(predicted[:, 0] - shared.judge.truth[:, 0])
    return error > np.quantile(error, _LARGE_SHARE)


def bias_of(found: Judged, shared: SharedRows, store: ResultStore, progress: Progress) -> Optional[Bias]:
    """Return the geo-bias of the worst predictions; None where there are none, or all are bad."""
    from ..geobias import DISTANCE, BiasRequest, geo_bias

    marks = failures(found, shared)
    if not marks.any() or marks.all():
        return None
    request = BiasRequest(scores=(DISTANCE,), seed=shared.task.seed)
    facts = {"marks": content_of(marks), "places": content_of(shared.places), "request": repr(request)}
    piece = store.load(_KIND, facts)
    if piece is None:
        try:
            figure = geo_bias(shared.places, marks, request, Quiet(progress),
                              shared.question.layer).figure(DISTANCE)
        except InputError as error:
            # The same for every candidate, and said once, since these are the same places.
            progress.warn(f"{shared.question.layer}, {shared.question.target}: geo-bias is left out: {error}")
            return None
        piece = Piece({"figures": np.array([figure.value, figure.p])}, {"candidate": found.name})
        store.save(_KIND, facts, piece)
    score, p = piece.arrays["figures"].tolist()
    return Bias(score, p)

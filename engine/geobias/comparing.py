"""Whether one model's failures lie together more than another's, on the same points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple

import numpy as np

from ..errors import InputError
from ..progress import Progress, check
from .aggregate import Aggregate
from .chance import chosen_centres, share_as_large
from .marked_places import MarkedPlaces, marked_places
from .neighbourhood import neighbourhood_for
from .request import UNMARKED, BiasRequest
from .scorer import BlockScorer
from .surroundings import SurroundingsIndex


@dataclass(frozen=True, eq=False)
class BiasComparison:
    """A score of two models and its difference, first minus second.

    `p` is how often models that take turns by chance at every place differ as much, in either direction. A model that
    fails more rarely has another score by chance alone (see `ScoreFigure.chance`): compare models of like accuracy.
    """

    score: str
    first: float
    second: float
    p: float
    swapped: np.ndarray

    @property
    def difference(self) -> float:
        """Return how much larger the first score is."""
        return self.first - self.second


def compare_bias(places: np.ndarray, first: np.ndarray, second: np.ndarray, request: BiasRequest, progress: Progress,
                 name: str = "the layer") -> "Tuple[BiasComparison, ...]":
    """Compare the failures of two models at points `(n, 2)`; rows that either has no mark for are left out.

    At every place the two models change places or not, `request.permutations` times: if it doesn't matter which of
    them predicted where, the difference found is one of those.
    """
    request.check()
    one, other = (np.asarray(marks, dtype=np.float64) for marks in (first, second))
    known = np.isfinite(one) & np.isfinite(other)
    sites = marked_places(places, np.where(known, one, np.nan))
    rivals = marked_places(places, np.where(known, other, np.nan))
    scores = tuple(score for score in request.scores if score != UNMARKED)
    if not len(sites) or not scores:
        raise InputError("bias-compare", "There is nothing to compare for {name}: no point has a place and a mark of "
                         "both models, or no score looks at marks.", name=name)
    settings = neighbourhood_for(sites.upright, request, progress)
    marks = _swapped(sites, rivals, request, progress)
    totals = {score: Aggregate(marks.shape[1]) for score in scores}
    centres = chosen_centres(len(sites), request.centres, request.seed)
    done = 0
    for found in SurroundingsIndex(sites.upright).around(centres, settings.radius):
        scorer = BlockScorer(sites, request, settings, found)
        for score in scores:
            values, saturated = scorer.scores(score, marks, progress)
            totals[score].add(values, scorer.weights(score, marks), saturated)
        check(progress)
        done += len(found.centres)
        progress.report(done / len(centres), f"Comparing {len(centres)} places")
    return tuple(_compared(score, totals[score].means()) for score in scores)


def _swapped(sites: MarkedPlaces, rivals: MarkedPlaces, request: BiasRequest, progress: Progress) -> np.ndarray:
    """Return marks `(places, 2 + 2 · permutations)`: both models, then both after each round of swapping."""
    kind = np.uint8 if sites.binary and rivals.binary else np.float64
    first, second = sites.share.astype(kind), rivals.share.astype(kind)
    found = np.empty((len(first), 2 + 2 * request.permutations), dtype=kind)
    found[:, 0], found[:, 1] = first, second
    chance = np.random.default_rng([request.seed, 3])
    for column in range(2, found.shape[1], 2):
        check(progress)
        turned = chance.random(len(first)) < 0.5
        found[:, column], found[:, column + 1] = np.where(turned, second, first), np.where(turned, first, second)
    return found


def _compared(score: str, means: np.ndarray) -> BiasComparison:
    """Return the comparison of one score."""
    apart = means[2::2] - means[3::2]
    observed = float(means[0] - means[1])
    return BiasComparison(score, float(means[0]), float(means[1]), share_as_large(abs(observed), np.abs(apart)), apart)

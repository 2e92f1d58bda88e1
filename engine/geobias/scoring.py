"""Geo-bias scores: whether a model fails in places that lie together, and more so than chance would have it."""

from __future__ import annotations

from typing import Dict, List, Tuple

import numpy as np

from ..errors import InputError
from ..number_text import counted
from ..progress import Part, Progress, check
from .aggregate import Aggregate
from .chance import chosen_centres, dealt, share_as_large
from .marked_places import MarkedPlaces, marked_places
from .neighbourhood import Neighbourhood, neighbourhood_for
from .relative import shares_around
from .request import ALL, RELATIVE, UNMARKED, BiasRequest
from .result import BiasResult, LocalScore, ScoreFigure
from .scorer import BlockScorer
from .surroundings import Surroundings, SurroundingsIndex

_FEWEST = 10
_HARDLY = 0.1


def geo_bias(places: np.ndarray, failures: np.ndarray, request: BiasRequest, progress: Progress,
             name: str = "the layer") -> BiasResult:
    """Score points `(n, 2)`, longitude and latitude in degrees, by whether each is a failure `(n,)`.

    Rows whose place or mark is NaN are left out. The result doesn't depend on the order of the rows.
    """
    request.check()
    found = marked_places(places, failures)
    _refuse(found, request, name)
    settings = neighbourhood_for(found.upright, request, progress)
    for told in settings.told:
        progress.info(f"Chosen from the data: {told}")
    run = _Run(found, request, settings, name)
    run.judge(Part(progress, 0.0, 0.9))
    run.look(Part(progress, 0.9, 1.0))
    result = run.result()
    for warning in result.warnings:
        progress.warn(warning)
    progress.report(1.0)
    return result


def _refuse(found: MarkedPlaces, request: BiasRequest, name: str) -> None:
    """Refuse what no score can be made of."""
    if not len(found):
        raise InputError("bias-no-places", "No point of {name} has both a place and a mark: check its geometries and "
                         "columns.", name=name)
    rows, failing = int(found.counts.sum()), int(round(float((found.share * found.counts).sum())))
    if failing in (0, rows):
        raise InputError("bias-nothing-to-compare", "{which} of the {rows} points of {name} counts as a failure, so "
                         "there is nothing to compare: {remedy}.", which="None" if not failing else "Every one",
                         rows=rows, name=name,
                         remedy="choose another THRESHOLD, or other columns")
    relative = any(score in RELATIVE for score in request.scores)
    needed = max(_FEWEST, 2 * request.least if relative else 0)
    if len(found) < needed:
        places = counted(len(found), "a single place", "different places")
        if needed > _FEWEST:
            raise InputError("bias-few", "{name} has {places}, too few for parts of {least} to compare: "
                             "give at least {needed}, or lower LEAST.", name=name, places=places,
                             least=request.least, needed=needed)
        raise InputError("bias-few", "{name} has {places}, too few to tell whether failures lie together: give at "
                         "least {needed}.", name=name, places=places, needed=needed)


class _Run:
    """One run over the places: first the centres with all shuffled marks, then all others with their own alone."""

    def __init__(self, places: MarkedPlaces, request: BiasRequest, settings: Neighbourhood, name: str) -> None:
        """Lay out what is collected."""
        self._places, self._request, self._settings, self._name = places, request, settings, name
        self._index = SurroundingsIndex(places.upright)
        self._centres = chosen_centres(len(places), request.centres, request.seed)
        count = len(places)
        self._near = np.zeros(count, dtype=np.int64)
        self._share = np.full(count, np.nan)
        self._values: Dict[str, np.ndarray] = {score: np.full(count, np.nan) for score in request.scores}
        self._p: Dict[str, np.ndarray] = {score: np.full(count, np.nan) for score in request.scores}
        self._totals: Dict[str, Aggregate] = {}

    def judge(self, progress: Progress) -> None:
        """Score the centres, for the true marks and for all shuffled ones."""
        request = self._request
        marks = dealt(self._places, request.permutations, request.seed, progress)
        self._totals = {score: Aggregate(1 if self._unmoved(score) else marks.shape[1]) for score in request.scores}
        done = 0
        for found in self._index.around(self._centres, self._settings.radius):
            self._note(found)
            scorer = BlockScorer(self._places, request, self._settings, found)
            for score in request.scores:
                columns = marks[:, :self._totals[score].columns]
                scores, saturated = scorer.scores(score, columns, progress)
                self._totals[score].add(scores, scorer.weights(score, columns), saturated)
                self._values[score][found.centres] = scores[:, 0]
                self._p[score][found.centres] = self._totals[score].local_p(scores)
            check(progress)
            done += len(found.centres)
            progress.report(done / len(self._centres), f"Scoring {len(self._centres)} places")

    def look(self, progress: Progress) -> None:
        """Look around all other places, without chance; self-information is left to the centres, as it takes long."""
        others = np.setdiff1d(np.arange(len(self._places)), self._centres, assume_unique=True)
        own = self._places.share[:, np.newaxis]
        done = 0
        for found in self._index.around(others, self._settings.radius):
            self._note(found)
            scorer = BlockScorer(self._places, self._request, self._settings, found)
            for score in self._request.scores:
                if score in RELATIVE:
                    scores, _ = scorer.scores(score, own, progress)
                    self._values[score][found.centres] = scores[:, 0]
            check(progress)
            done += len(found.centres)
            progress.report(done / len(others), "Looking around the other places" if done == 0 else None)

    def result(self) -> BiasResult:
        """Put everything together."""
        places = self._places
        figures = tuple(self._figure(score) for score in self._request.scores)
        local = {score: LocalScore(places.spread(self._values[score]), places.spread(self._p[score]))
                 for score in self._request.scores}
        near = places.spread(self._near.astype(np.float64))
        return BiasResult(
            figures, local, np.where(np.isfinite(near), near, 0).astype(np.int64), places.spread(places.share),
            places.spread(self._share), self._settings, int(places.counts.sum()), len(places), places.coincident,
            int(round(float((places.share * places.counts).sum()))), tuple(self._warnings(figures)))

    def _unmoved(self, score: str) -> bool:
        """Tell whether shuffled marks leave a score as it is."""
        return score == UNMARKED and self._request.around == ALL

    def _note(self, found: Surroundings) -> None:
        """Keep how many places there are around, and how many of them fail."""
        self._near[found.centres], self._share[found.centres] = shares_around(found, self._places.share)

    def _figure(self, score: str) -> ScoreFigure:
        """Return the figure of one score over the centres."""
        total = self._totals[score]
        if not total.centres:
            self._refuse_radius(score)
        means = total.means()
        permuted = means[1:]
        known = permuted[np.isfinite(permuted)]
        return ScoreFigure(score, float(means[0]), float(known.mean()) if len(known) else float("nan"),
                           share_as_large(float(means[0]), permuted), permuted, total.centres, total.left_out,
                           total.saturated)

    def _refuse_radius(self, score: str) -> None:
        """Say that no centre has what a score needs."""
        median = int(np.median(self._near[self._centres]))
        if score in RELATIVE:
            raise InputError("bias-radius", "Within RADIUS ({radius:.0f} m) of any place of {name}, no part holds "
                             "LEAST ({least}) places for the score {score}: raise RADIUS (half of the neighbourhoods "
                             "hold {median} places or fewer), make the parts larger, or lower LEAST.",
                             radius=self._settings.radius, name=self._name, least=self._request.least, score=score,
                             median=median)
        raise InputError("bias-variance", "The score {score} is not defined around any place of {name}: its "
                         "neighbourhoods hold {median} places or fewer in half of the cases; raise RADIUS, lower "
                         "NEIGHBOURS, or take VERSION 2.", score=score, name=self._name, median=median)

    def _warnings(self, figures: "Tuple[ScoreFigure, ...]") -> "List[str]":
        """Return what to mind before trusting the figures."""
        found: List[str] = []
        places, looked = self._places, len(self._centres)
        if places.coincident:
            found.append(f"{places.coincident} of {int(places.counts.sum())} points share their place with another; "
                         f"each of the {len(places)} different places counts once, with the share of its points that "
                         "fail.")
        for figure in figures:
            if figure.score in RELATIVE and figure.centres < _HARDLY * looked:
                found.append(f"Hardly any place has neighbours enough for the score {figure.score}: only "
                             f"{figure.centres} of {looked} have a part with {self._request.least} places. Raise "
                             "RADIUS, or lower LEAST.")
            elif figure.score not in RELATIVE and figure.left_out:
                found.append(f"The score {figure.score} is not defined around {figure.left_out} of {looked} places, "
                             "whose neighbourhoods have no positive variance (too few places, or too many neighbours "
                             "for them); they are left out.")
            if figure.saturated:
                found.append(f"The score {figure.score} is as large as it can get around {figure.saturated} of "
                             f"{figure.centres} places, so that its mean hides how much larger it would be: a smaller "
                             "RADIUS or LARGEST helps.")
        return found

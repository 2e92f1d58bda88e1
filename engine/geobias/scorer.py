"""The scores around a block of centres, for any number of columns of marks at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Tuple

import numpy as np

from ..geodesy import MEAN_RADIUS
from ..progress import Progress, check
from .marked_places import MarkedPlaces
from .neighbourhood import Neighbourhood
from .partitions import PARTITIONS
from .relative import relative_information
from .request import ALL, MARKED, RELATIVE, BiasRequest
from .self_information import Links, Surprise, links_of, surprise
from .surroundings import Surroundings


@dataclass(frozen=True, eq=False)
class Linked:
    """The places of a neighbourhood and the links among them; marked and unmarked scores share them."""

    sites: np.ndarray
    links: Links


class BlockScorer:
    """Scores the surroundings of one block of centres."""

    def __init__(self, places: MarkedPlaces, request: BiasRequest, settings: Neighbourhood,
                 found: Surroundings) -> None:
        """Keep the block; links are made when a score needs them."""
        self._places, self._request, self._settings, self._found = places, request, settings, found
        self._counts = found.counts()
        self._linked: Dict[int, Linked] = {}

    def scores(self, score: str, marks: np.ndarray, progress: Progress) -> "Tuple[np.ndarray, np.ndarray]":
        """Return a score `(centres, columns)`, and where it is as large as it can get."""
        if score in RELATIVE:
            part = PARTITIONS[score](self._places, self._found, self._settings)
            scores = relative_information(self._found, part, marks, self._request.least)
            return scores, np.zeros(scores.shape, dtype=bool)
        parts: List[Surprise] = []
        for number in range(len(self._found.centres)):
            check(progress)
            if number not in self._linked:
                self._linked[number] = self._link(number)
            parts.append(self._surprise(score, self._linked[number], marks))
        return np.stack([one.scores for one in parts]), np.stack([one.saturated for one in parts])

    def weights(self, score: str, marks: np.ndarray) -> np.ndarray:
        """Return how much each centre counts: by the places that its score looks at and, where asked, its failures."""
        counts = self._counts
        if score not in RELATIVE and self._request.largest:
            counts = np.minimum(counts, self._request.largest)
        weights = counts.astype(np.float64)[:, np.newaxis]
        return weights if self._request.around == ALL else weights * marks[self._found.centres]

    def _link(self, number: int) -> Linked:
        """Return the nearest places around a centre, and how they are linked."""
        found = self._found
        mine = slice(*np.searchsorted(found.owner, [number, number + 1]))
        sites, distances = found.site[mine], found.distance[mine]
        if self._request.largest:
            sites = sites[np.argsort(distances, kind="stable")[:self._request.largest]]
        sites = np.sort(sites)
        radians = min(self._settings.radius / MEAN_RADIUS, float(np.pi))
        return Linked(sites, links_of(self._places, int(found.centres[number]), sites, radians,
                                      self._request.neighbours))

    def _surprise(self, score: str, linked: Linked, marks: np.ndarray) -> Surprise:
        """Return the self-information of one neighbourhood."""
        if score == MARKED:
            # A place fails where at least half of its rows do.
            values = np.where(marks[linked.sites] >= 0.5, -1.0, 1.0)
        else:
            values = np.ones((len(linked.sites), marks.shape[1]))
        return surprise(linked.links, values, self._request.version)

"""The curve of recall against area, exact for any number of cells: it bends only at the scores of true places."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

# A hair of room, so that sums of areas that should be equal are.
_ROOM = 1e-9


@dataclass(frozen=True, eq=False)
class Curve:
    """Steps of a search in the order it is walked, best scores first.

    Step k holds all ground with one score that some truth has, `areas[k]` in km²; `gaps[k]` is the ground of scores
    between it and the step before, where no truth lies, and the last gap what comes after all steps. Within a step the
    order is chance, so that truth is found in proportion to the ground walked. `truths[k]` is the weight of the truth
    there, and `total` that of all truth, also of what lies on no ground at all.
    """

    scores: np.ndarray
    gaps: np.ndarray
    areas: np.ndarray
    truths: np.ndarray
    total: float

    @cached_property
    def ends(self) -> np.ndarray:
        """Return the area walked when each step is done."""
        return np.cumsum(self.gaps[:-1] + self.areas)

    @cached_property
    def begins(self) -> np.ndarray:
        """Return the area walked when each step begins."""
        return self.ends - self.areas

    @cached_property
    def found(self) -> np.ndarray:
        """Return the recall when each step is done."""
        return np.cumsum(self.truths) / self.total

    @cached_property
    def ground(self) -> float:
        """Return all ground."""
        return float(self.gaps.sum() + self.areas.sum())

    @property
    def reach(self) -> float:
        """Return the recall when all ground is walked; the rest of the truth lies elsewhere."""
        return float(self.found[-1]) if len(self.found) else 0.0

    def recall(self, areas: np.ndarray) -> np.ndarray:
        """Return the share of the truth that is found after so much ground; NaN beyond all ground."""
        areas = np.asarray(areas, dtype=np.float64)
        steps, shares = self.position(areas)
        before = np.append(0.0, self.found)
        within = np.append(self.truths / self.total, 0.0)
        recall = before[steps] + shares * within[steps]
        return np.where(areas <= self.ground * (1 + _ROOM), recall, np.nan)

    def area(self, recall: float) -> float:
        """Return the least area after which so much of the truth is found; NaN where it never is."""
        step = int(np.searchsorted(self.found, recall * (1 - _ROOM)))
        if step >= len(self.found):
            return float("nan")
        before = float(self.found[step - 1]) if step else 0.0
        share = (recall - before) / (float(self.found[step]) - before)
        return float(self.begins[step] + min(max(share, 0.0), 1.0) * self.areas[step])

    def score(self, recall: float) -> float:
        """Return the score down to which one must walk to find so much of the truth; NaN where it is never found."""
        step = int(np.searchsorted(self.found, recall * (1 - _ROOM)))
        return float(self.scores[step]) if step < len(self.scores) else float("nan")

    def position(self, areas: np.ndarray) -> "tuple[np.ndarray, np.ndarray]":
        """Return the step that one is in, or the next one, after so much ground, and the share of it walked."""
        steps = np.searchsorted(self.ends, areas, "right")
        begins, lengths = np.append(self.begins, self.ground), np.append(self.areas, 1.0)
        return steps, np.clip((areas - begins[steps]) / np.where(lengths > 0, lengths, 1.0)[steps], 0.0, 1.0)

    @cached_property
    def earliness(self) -> np.ndarray:
        """Return, for a truth in each step, the mean over all areas of having found it: 1 first of all, 0 last."""
        return 1.0 - (self.begins + self.areas / 2) / self.ground

    @property
    def under(self) -> float:
        """Return the area under recall against the share of the ground; half the reach is chance."""
        return float((self.earliness * self.truths).sum() / self.total)

    def under_log(self, least: float) -> float:
        """Return the mean recall over the logarithm of the share of the ground, from a least share to all of it."""
        start = least * self.ground
        knots = np.unique(np.clip(np.concatenate([[start], self.begins, self.ends, [self.ground]]), start,
                                  self.ground))
        recall = self.recall(knots)
        low, high = knots[:-1], knots[1:]
        slope = np.diff(recall) / np.diff(knots)
        whole = ((recall[:-1] - slope * low) * np.log(high / low) + slope * (high - low)).sum()
        return float(whole / -np.log(least))


def chance_under_log(least: float) -> float:
    """Return what `under_log` is where recall is the share of the ground."""
    return (1.0 - least) / -float(np.log(least))

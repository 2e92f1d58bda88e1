"""What is asked of a geo-bias run: which scores, over which neighbourhoods, and how chance is judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple

from ..errors import InputError

GRID = "grid"
DISTANCE = "distance"
DIRECTION = "direction"
MARKED = "marked"
UNMARKED = "unmarked"
SCORES = (GRID, DISTANCE, DIRECTION, MARKED, UNMARKED)
RELATIVE = (GRID, DISTANCE, DIRECTION)
ALL = "all"
FAILURES = "failures"
AROUND = (ALL, FAILURES)
PUBLISHED, CURRENT = 1, 2


@dataclass(frozen=True)
class BiasRequest:
    """The scores and their settings; lengths are metres on the ground, and 0 leaves the choice to the data.

    `centres` is how many places are judged against chance at most (0: all), `around` whether all of them count or
    those where the model fails; `largest` limits the neighbourhoods of the self-information scores to so many nearest
    places (0: no limit); `least` is how many places a part needs to be compared.
    """

    scores: Tuple[str, ...] = RELATIVE
    radius: float = 0.0
    lag: float = 0.0
    sectors: int = 0
    scale: float = 0.0
    neighbours: int = 4
    largest: int = 100
    least: int = 20
    version: int = CURRENT
    permutations: int = 199
    centres: int = 2000
    around: str = ALL
    seed: int = 0

    def check(self) -> None:
        """Raise where the request can't be meant."""
        wrong = [score for score in self.scores if score not in SCORES]
        if wrong or not self.scores:
            raise InputError("bias-score", "SCORES: “{score}” is no geo-bias score: choose among {known}, separated by "
                             "semicolons.", score=wrong[0] if wrong else "", known=", ".join(SCORES))
        if self.version not in (PUBLISHED, CURRENT):
            raise InputError("bias-version", "VERSION: {version} is neither 1 nor 2: give 1 for the score of the "
                             "published tables, 2 for the current one.", version=self.version)
        if self.around not in AROUND:
            raise InputError("bias-around", "AROUND: “{around}” is not one of {known}.", around=self.around,
                             known=", ".join(AROUND))
        for name in ("radius", "lag", "scale", "sectors", "largest", "permutations", "centres", "seed"):
            if not getattr(self, name) >= 0:
                raise InputError("bias-negative", "{name}: {number} is less than 0: give 0 or more.",
                                 name=name.upper(), number=getattr(self, name))
        for name in ("neighbours", "least"):
            if getattr(self, name) < 1:
                raise InputError("bias-none", "{name}: {number} is less than 1: give 1 or more.", name=name.upper(),
                                 number=getattr(self, name))

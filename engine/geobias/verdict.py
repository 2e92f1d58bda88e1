"""The answer in a sentence: whether the model does worse in places that lie together, as far as points can show."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Optional

import numpy as np

from ..number_text import number_text
from .result import BiasResult, ScoreFigure

LEVEL = 0.05
FEW = 10
_Z = 1.96


@dataclass(frozen=True)
class Verdict:
    """Whether failures lie together (None: not judged), the sentence that says so, and how many scores it looks at."""

    found: Optional[bool]
    sentence: str
    looks: int = 1


def verdict_of(result: BiasResult, by_sign: bool = False) -> Verdict:
    """Judge by the smallest p-value, times the number of scores that were judged."""
    judged = [figure for figure in result.figures if figure.judged]
    thing = "predicts too high" if by_sign else "does worse"
    if not judged:
        return Verdict(None, f"Whether the model {thing} in places that lie together was not judged against chance: "
                       "take a score that looks at marks, and PERMUTATIONS above 0.")
    best = min(judged, key=lambda figure: figure.p)
    # Four squares as wide as the radius are four sectors: that is one score, looked at once.
    looks = len({(np.round(np.append(figure.permuted, figure.value), 10) + 0.0).tobytes() for figure in judged})
    together = min(1.0, best.p * looks)
    times = f", {number_text(together, 2)} for {looks} scores looked at" if looks > 1 else ""
    shown = f"{figure_text(best)}{times}"
    if together <= LEVEL:
        return Verdict(True, f"The model {thing} in places that lie together: {shown}.", looks)
    return Verdict(False, f"No sign that these {result.places:,} places can show that the model {thing} in places that "
                   f"lie together: {shown}.", looks)


def figure_text(figure: ScoreFigure) -> str:
    """Return a score beside chance."""
    if not figure.judged:
        return f"{figure.score} score {number_text(figure.value, 3)}"
    return (f"{figure.score} score {number_text(figure.value, 3)}; by chance {number_text(figure.chance, 3)}; "
            f"p {number_text(figure.p, 2)}")


def worst_text(result: BiasResult, places: np.ndarray) -> str:
    """Say where most fail among the neighbourhoods that are large enough, empty where none is.

    That is where the lower end of the share's interval is highest, so that ten of ten don't outdo ninety of a hundred.
    """
    shares = np.where(result.near >= FEW, result.share_near, np.nan)
    if not np.isfinite(shares).any():
        return ""
    row = int(np.nanargmax(_at_least(shares, np.maximum(result.near, 1))))
    overall = result.failures / max(result.rows, 1)
    longitude, latitude = (float(value) for value in places[row])
    return (f"Overall {100 * overall:.0f} % of the points do. Most do around {_degrees(latitude, 'N', 'S')}, "
            f"{_degrees(longitude, 'E', 'W')}: {100 * shares[row]:.0f} % of the {int(result.near[row])} places there.")


def _at_least(share: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Return the lower end of Wilson's 95 % interval of a share."""
    square = _Z * _Z / count
    return (share + square / 2 - _Z * np.sqrt(share * (1 - share) / count + square / (4 * count))) / (1 + square)


def _degrees(value: float, plus: str, minus: str) -> str:
    """Write an angle."""
    return f"{abs(value):.3f}° {plus if value >= 0 else minus}"


def smallest_possible(permutations: int) -> float:
    """Return the least p-value that so many shuffles can give."""
    return 1 / (1 + permutations) if permutations else math.nan

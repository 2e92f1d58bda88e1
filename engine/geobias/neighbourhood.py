"""How large neighbourhoods and their parts are, chosen from the data where nobody said."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Tuple

import numpy as np

from ..number_text import metres_text
from ..progress import Progress
from .request import BiasRequest
from .surroundings import count_within, reach_of

# So many parts of the least size shall fit into a neighbourhood, with room for parts that hold fewer than others.
_PARTS, _FEWEST_PARTS = 15, 5
_ROOM = 1.5
_SECTORS = (12, 8, 4)
_MOST_RINGS, _MOST_SQUARES = 10, 10
_NEARLY = 0.8


@dataclass(frozen=True)
class Neighbourhood:
    """Radius, width of rings, number of sectors and side of squares; lengths in metres. `told` says what was chosen."""

    radius: float
    lag: float
    sectors: int
    scale: float
    told: Tuple[str, ...] = ()


def neighbourhood_for(upright: np.ndarray, request: BiasRequest, progress: Progress) -> Neighbourhood:
    """Return what was asked, and fill in what was left to the data."""
    told = []
    wanted = wanted_places(len(upright), request.least)
    radius = request.radius
    if radius <= 0:
        radius = _rounded(reach_of(upright, wanted, request.seed, progress))
        told.append(f"RADIUS {metres_text(radius)}: half of the places have {wanted} others within it"
                    + (", so a neighbourhood is most of the layer." if 2 * wanted > len(upright) else "."))
        around = wanted
    else:
        around = max(1, count_within(upright, radius, request.seed, progress))
    lag, sectors, scale = request.lag, request.sectors, request.scale
    if lag <= 0:
        rings = int(np.clip(round(around / (2 * _ROOM * request.least)), 2, _MOST_RINGS))
        lag = radius / rings
        told.append(f"LAG {metres_text(lag)}: {rings} rings.")
    if sectors <= 0:
        sectors = next((many for many in _SECTORS if around / many >= _ROOM * request.least), _SECTORS[-1])
        told.append(f"SECTORS {sectors}.")
    if scale <= 0:
        share = max(math.sqrt(math.pi * _ROOM * request.least / around), 1 / _MOST_SQUARES)
        # Squares nearly as wide as the radius would leave slivers beyond them.
        scale = radius if share > _NEARLY else _rounded(radius * share)
        told.append(f"SCALE {metres_text(scale)}: the side of the squares"
                    + (", four around each place." if scale >= radius else "."))
    return Neighbourhood(radius, lag, sectors, scale, tuple(told))


def wanted_places(places: int, least: int) -> int:
    """Return how many other places a neighbourhood shall hold: enough for many parts, yet a third of all at most.

    In small layers it takes enough for a few parts, whatever share of all places that is.
    """
    return max(1, min(places - 1, max(_FEWEST_PARTS * least, min(_PARTS * least, places // 3))))


def _rounded(metres: float) -> float:
    """Return a length with two digits."""
    if not metres > 0:
        return 1.0
    step = 10.0 ** (math.floor(math.log10(metres)) - 1)
    return math.ceil(metres / step - 1e-9) * step

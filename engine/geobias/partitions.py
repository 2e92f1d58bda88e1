"""How a neighbourhood is parted: rings of distance, sectors of direction, squares on the ground."""

from __future__ import annotations

from typing import Callable, Dict

import numpy as np

from ..geodesy import MEAN_RADIUS
from .marked_places import MarkedPlaces
from .neighbourhood import Neighbourhood
from .request import DIRECTION, DISTANCE, GRID
from .surroundings import Surroundings

# No part: the centre itself has no direction, and lies where four squares meet.
NOWHERE = -1
Partition = Callable[[MarkedPlaces, Surroundings, Neighbourhood], np.ndarray]


def rings(places: MarkedPlaces, found: Surroundings, settings: Neighbourhood) -> np.ndarray:
    """Return the ring of each pair: [0, lag), [lag, 2 lag) … around the centre."""
    return np.floor(found.distance * MEAN_RADIUS / settings.lag).astype(np.int64)


def sectors(places: MarkedPlaces, found: Surroundings, settings: Neighbourhood) -> np.ndarray:
    """Return the sector of each pair, counted clockwise from north; none for the centre itself."""
    turn = np.mod(bearings(places, found), 2 * np.pi)
    part = np.minimum(np.floor(turn / (2 * np.pi) * settings.sectors).astype(np.int64), settings.sectors - 1)
    return np.where(found.distance > 0, part, NOWHERE)


def squares(places: MarkedPlaces, found: Surroundings, settings: Neighbourhood) -> np.ndarray:
    """Return the square of each pair, on a plane that keeps distance and direction from the centre.

    Four squares meet at the centre, which itself is in none; the circle of the radius cuts those at its rim.
    """
    bearing = bearings(places, found)
    metres = found.distance * MEAN_RADIUS
    column = np.floor(metres * np.sin(bearing) / settings.scale).astype(np.int64)
    row = np.floor(metres * np.cos(bearing) / settings.scale).astype(np.int64)
    half = int(np.ceil(settings.radius / settings.scale)) + 1
    return np.where(found.distance > 0, (row + half) * 2 * half + column + half, NOWHERE)


def bearings(places: MarkedPlaces, found: Surroundings) -> np.ndarray:
    """Return in radians, from north over east, where each place lies as seen from its centre."""
    angles = np.radians(places.places)
    centre = found.centres[found.owner]
    turn = angles[found.site, 0] - angles[centre, 0]
    here, there = angles[centre, 1], angles[found.site, 1]
    east = np.sin(turn) * np.cos(there)
    north = np.cos(here) * np.sin(there) - np.sin(here) * np.cos(there) * np.cos(turn)
    return np.arctan2(east, north)


PARTITIONS: "Dict[str, Partition]" = {GRID: squares, DISTANCE: rings, DIRECTION: sectors}

"""Towns, villages and the houses in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple

import numpy as np

from .frame import CELL, Frame, rotated
from .noise import generator, hashed, smooth_noise
from .surfaces import Surface

_STREAM = 23


@dataclass(frozen=True)
class Settlement:
    """A built-up place: where it is, how far it reaches, which way its streets run and how densely it is built."""

    key: int
    centre: Tuple[float, float]
    radius: float
    degrees: float
    block: Tuple[float, float]
    density: float


def built_reach(frame: Frame, place: Settlement, seed: int) -> np.ndarray:
    """Return the distance from the centre as a share of the (uneven) reach: below 1 is built up."""
    east, south = frame.coordinates()
    rng = generator(seed, _STREAM, place.key)
    distance = np.hypot(east - place.centre[0], south - place.centre[1]) / place.radius
    wide = smooth_noise(frame.shape, 0.75 * place.radius / CELL, rng)
    narrow = smooth_noise(frame.shape, 0.25 * place.radius / CELL, rng)
    return distance + 0.20 * np.clip(wide, -1.5, 1.5) + 0.10 * np.clip(narrow, -1.5, 1.5)


def build(frame: Frame, place: Settlement, inside: np.ndarray, reach: np.ndarray, seed: int) -> np.ndarray:
    """Return the surfaces of the cells inside a settlement, in the mask's order: streets, houses, gardens, yards."""
    east, south = frame.coordinates()
    rng = generator(seed, _STREAM, place.key, 1)
    bend = 0.35 * place.block[0]
    east = (east + bend * smooth_noise(frame.shape, 420 / CELL, rng))[inside]
    south = (south + bend * smooth_noise(frame.shape, 420 / CELL, rng))[inside]
    reach = reach[inside]
    u, v = rotated(east, south, place.centre, place.degrees)

    column = np.floor(u / place.block[0])
    shifted = v + 0.4 * place.block[1] * hashed(seed + place.key, column)
    row = np.floor(shifted / place.block[1])
    in_u, in_v = u - column * place.block[0], shifted - row * place.block[1]
    street = (in_u < 7) | (in_v < 6)
    quarter = hashed(seed + place.key + 1, column, row)

    surface = np.full(u.shape, Surface.GARDEN, dtype=np.uint8)
    core = np.clip(1.15 - reach, 0, 1) * place.density
    _houses(surface, u, v, seed + place.key, core)
    works = (quarter < 0.04) & (reach > 0.45) | (u > 0.45 * place.radius) & (v > 0.1 * place.radius) & (quarter < 0.85)
    works &= place.density > 0.8
    _works(surface, u, v, seed + place.key, works)
    park = (quarter > 0.94) & (reach < 0.85) & (place.density > 0.8)
    surface[park] = Surface.MEADOW
    surface[park & (hashed(seed + place.key + 2, np.floor(u / 15), np.floor(v / 15)) < 0.45)] = Surface.BROADLEAF
    surface[street] = Surface.ROAD
    return surface


def _houses(surface: np.ndarray, u: np.ndarray, v: np.ndarray, seed: int, core: np.ndarray) -> None:
    """Put a house on most lots: small ones in gardens at the rim, closed rows with paved yards in the core."""
    lot_u, lot_v = np.floor(u / 23), np.floor(v / 27)
    draw = hashed(seed + 3, lot_u, lot_v)
    in_u, in_v = (u - lot_u * 23 - 23 * ((draw * 61) % 1)) % 23, (v - lot_v * 27 - 9 * ((draw * 17) % 1)) % 27
    depth = 8 + 9 * core
    house = (in_u < depth) & (in_v < depth + 3) & (draw < 0.62 + 0.4 * core)
    surface[core * (0.6 + 0.8 * draw) > 0.62] = Surface.YARD
    roof = np.where((draw * 97) % 1 < 0.62, Surface.RED_ROOF, Surface.GREY_ROOF).astype(np.uint8)
    surface[house] = roof[house]


def _works(surface: np.ndarray, u: np.ndarray, v: np.ndarray, seed: int, works: np.ndarray) -> None:
    """Put large halls on paved yards."""
    plot_u, plot_v = np.floor(u / 110), np.floor(v / 80)
    draw = hashed(seed + 4, plot_u, plot_v)
    in_u, in_v = u - plot_u * 110, v - plot_v * 80
    hall = (in_u > 18) & (in_u < 55 + 40 * draw) & (in_v > 14) & (in_v < 40 + 25 * ((draw * 31) % 1))
    surface[works] = Surface.YARD
    surface[works & (draw < 0.12)] = Surface.MEADOW
    roof = np.where((draw * 53) % 1 < 0.3, Surface.BRIGHT_ROOF, Surface.GREY_ROOF).astype(np.uint8)
    halls = works & hall & (draw >= 0.12)
    surface[halls] = roof[halls]

"""The landscape of the demo: hills, a river and its plain, a lake, woods, farmland, a town, a quarry; at two dates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Tuple

import numpy as np

from .frame import CELL, Frame, dense_line, rotated
from .noise import fractal_noise, generator, smooth_noise
from .parcels import Parcels, divide
from .settlements import Settlement, build, built_reach
from .surfaces import CANOPY_HEIGHT, Surface

_TERRAIN, _RIVER, _LAKE, _WOODS, _ROADS, _MIX, _QUARRY, _CHANGE, _STANDS = range(31, 40)


@dataclass(frozen=True)
class Landscape:
    """What lies where on the fine grid, before and after, with all that a picture of it needs."""

    frame: Frame
    terrain: np.ndarray
    before: np.ndarray
    after: np.ndarray
    mix_before: np.ndarray
    mix_after: np.ndarray
    canopy_before: np.ndarray
    canopy_after: np.ndarray
    changes: Dict[str, np.ndarray]
    """Kind of change → the cells where it truly happened."""


@dataclass(frozen=True)
class _Ground:
    """The lie of the land, before anybody lives in it."""

    terrain: np.ndarray
    river: np.ndarray
    """Metres from the river's middle."""
    width: np.ndarray
    """Half the river's width in metres."""
    plain: np.ndarray
    """1 on the flood plain, 0 in the hills."""


def make_landscape(frame: Frame, seed: int) -> Landscape:
    """Grow the landscape; the same frame and seed give the same one."""
    ground = _ground(frame, seed)
    parcels = divide(frame, seed, block_size=820.0, strip=(150.0, 400.0))
    surface = _farmland(frame, ground, parcels, seed)
    suitable = _wood_suitability(frame, ground, parcels, seed)
    woods = suitable > 0.0
    surface[woods] = Surface.BROADLEAF
    surface[woods & _conifer_stands(frame, ground, seed)] = Surface.CONIFER
    _meadows_and_banks(surface, frame, ground, seed)
    lake = _lake_depth(frame, seed)
    _quarry(surface, _quarry_reach(frame, seed), 1.0, parcels)
    places = _places(frame)
    road, motorway = _roads(frame, places, seed)
    wet = (ground.river < ground.width) | (lake > -0.03)
    for place in places:
        reach = built_reach(frame, place, seed)
        inside = (reach < 1) & ~wet
        surface[inside] = build(frame, place, inside, reach, seed)
    after = surface.copy()
    changes = _change(after, frame, lake, parcels, places, seed)
    for painted, level in ((surface, 0.0), (after, 0.055)):
        _water(painted, frame, ground, lake, level)
        painted[road] = Surface.ROAD
        painted[motorway] = Surface.ROAD
    changes = {kind: cells & (surface != after) for kind, cells in changes.items()}
    changes["lower lake"] = (surface == Surface.LAKE) & (after != Surface.LAKE)
    crowns = _crowns(frame, seed)
    return Landscape(
        frame=frame,
        terrain=ground.terrain,
        before=surface,
        after=after,
        mix_before=_mix(frame, surface, parcels, seed, 0),
        mix_after=_mix(frame, after, parcels, seed, 1),
        canopy_before=_canopy(surface, crowns),
        canopy_after=_canopy(after, crowns),
        changes=changes,
    )


def _ground(frame: Frame, seed: int) -> _Ground:
    """Return hills, and the valley that a meandering river has laid between them."""
    rng = generator(seed, _RIVER)
    line = _meanders(frame, rng)
    river = frame.distance_to([line], reach=0.62 * frame.span)
    width = 42 * (1 + 0.16 * smooth_noise(frame.shape, 500 / CELL, rng))
    rng = generator(seed, _TERRAIN)
    hills = fractal_noise(frame.shape, 0.26 * frame.span / CELL, 6, 0.50, rng)
    detail = fractal_noise(frame.shape, 360 / CELL, 4, 0.5, rng)
    rim = 0.10 * frame.span * (1 + 0.35 * smooth_noise(frame.shape, 0.15 * frame.span / CELL, rng))
    rise = np.clip((river - rim) / (0.30 * frame.span), 0, 1)
    rise = rise * rise * (3 - 2 * rise)
    terrain = 120 + 70 * rise + (7 + 85 * rise) * hills + 5 * rise * detail
    return _Ground(terrain.astype(np.float32), river, width, 1 - np.clip((river - rim) / (0.05 * frame.span), 0, 1))


def _meanders(frame: Frame, rng: np.random.Generator) -> np.ndarray:
    """Return the river's middle: a sine-generated curve (its direction, not its place, is a sine of the way along)."""
    way = np.arange(0, 3.0 * frame.columns * 10, 2.0)
    long_bend, short_bend = 0.36 * frame.span, 0.135 * frame.span
    swell = 0.75 + 0.35 * np.sin(2 * np.pi * way / (2.7 * long_bend) + rng.uniform(0, 6))
    direction = 0.55 * np.sin(2 * np.pi * way / (2.2 * long_bend) + rng.uniform(0, 6)) + swell * 1.15 * np.sin(
        2 * np.pi * way / (1.9 * short_bend) + 0.8 * np.sin(2 * np.pi * way / (3.1 * short_bend)) + rng.uniform(0, 6)
    )
    east, south = np.cumsum(np.cos(direction)) * 2.0, np.cumsum(np.sin(direction)) * 2.0
    keep = east < 1.12 * frame.columns * 10
    east, south = east[keep], south[keep]
    start, end = frame.place(-0.05, 0.62), frame.place(1.05, 0.40)
    south = south - np.interp(east, [east[0], east[-1]], [south[0], south[-1]])
    east = start[0] + (east - east[0]) * (end[0] - start[0]) / (east[-1] - east[0])
    south = start[1] + (end[1] - start[1]) * (east - start[0]) / (end[0] - start[0]) + south
    fine = np.linspace(0, east.size - 1, 3 * east.size)
    return np.stack([np.interp(fine, np.arange(east.size), axis) for axis in (east, south)], axis=1)


def _farmland(frame: Frame, ground: _Ground, parcels: Parcels, seed: int) -> np.ndarray:
    """Return the crop of every parcel, meadows where it is wet or steep, and tracks and hedges along the blocks."""
    wetness = ground.plain * np.exp(-ground.river / (0.05 * frame.span))
    wet = frame.lookup(wetness, parcels.centre_east, parcels.centre_south)
    height = frame.lookup(ground.terrain, parcels.centre_east, parcels.centre_south)
    meadow_share = 0.12 + 0.75 * wet + 0.30 * np.clip((height - 190) / 80, 0, 1)
    surface = np.full(frame.shape, Surface.CLOVER, dtype=np.uint8)
    low = 0.0
    for crop, share in _CROP_SHARES:
        surface[(parcels.crop_draw >= low) & (parcels.crop_draw < low + share)] = crop
        low += share
    surface[parcels.draw < meadow_share] = Surface.MEADOW
    patchy = smooth_noise(frame.shape, 70 / CELL, generator(seed, _MIX, 7))
    surface[(parcels.block_edge < 9) & (patchy > 0.25)] = Surface.HEDGE
    surface[parcels.block_edge < 3.2] = Surface.TRACK
    return surface


_CROP_SHARES = (
    (Surface.WHEAT, 0.36),
    (Surface.RAPESEED, 0.15),
    (Surface.MAIZE, 0.25),
    (Surface.BEET, 0.12),
    (Surface.CLOVER, 0.12),
)


def _wood_suitability(frame: Frame, ground: _Ground, parcels: Parcels, seed: int) -> np.ndarray:
    """Return where woods stand (above 0): on high and broken ground, cut off along parcels; copses between fields."""
    rng = generator(seed, _WOODS)
    chance = fractal_noise(frame.shape, 900 / CELL, 5, 0.55, rng)
    wish = 0.011 * (ground.terrain - 205) + 0.55 * chance - 0.9 * ground.plain
    of_parcel = frame.lookup(wish, parcels.centre_east, parcels.centre_south)
    ragged = 0.10 * smooth_noise(frame.shape, 45 / CELL, rng)
    copse = np.where(parcels.draw > 0.955, 0.75, 0.0)
    return 0.35 * wish + 0.65 * of_parcel + ragged + copse


def _conifer_stands(frame: Frame, ground: _Ground, seed: int) -> np.ndarray:
    """Return where conifers are: planted compartments, more of them higher up."""
    stands = divide(frame, seed + 101, block_size=640.0, strip=(230.0, 330.0))
    lean = smooth_noise(frame.shape, 1500 / CELL, generator(seed, _STANDS))
    share = 0.36 + 0.16 * frame.lookup(lean, stands.centre_east, stands.centre_south)
    return stands.draw < share


def _meadows_and_banks(surface: np.ndarray, frame: Frame, ground: _Ground, seed: int) -> None:
    """Paint the river's near plain: meadows, alder and willow along the bank, an old arm here and there."""
    rng = generator(seed, _RIVER, 2)
    belt = smooth_noise(frame.shape, 240 / CELL, rng)
    beyond = ground.river - ground.width
    surface[(beyond < 90 + 70 * belt) & (beyond > 0)] = Surface.MEADOW
    trees = smooth_noise(frame.shape, 55 / CELL, rng) + 0.7 * belt
    surface[(beyond > 0) & (beyond < 26 + 14 * belt) & (trees > -0.2)] = Surface.BROADLEAF
    bars = smooth_noise(frame.shape, 130 / CELL, rng)
    surface[(beyond < 9) & (bars > 1.0)] = Surface.SHORE


def _lake_depth(frame: Frame, seed: int) -> np.ndarray:
    """Return the depth of the lake's bed (1 in the middle, 0 at the first date's shore, negative on land)."""
    east, south = frame.coordinates()
    rng = generator(seed, _LAKE)
    u, v = rotated(east, south, frame.place(0.80, 0.70), -24)
    size = 0.075 * frame.span
    ring = np.hypot(u / (1.75 * size), v / size)
    shore = fractal_noise(frame.shape, 0.10 * frame.span / CELL, 5, 0.55, rng)
    return 1 - ring + 0.30 * shore


def _water(surface: np.ndarray, frame: Frame, ground: _Ground, lake: np.ndarray, level: float) -> None:
    """Fill river and lake; a lower level leaves a bare shore."""
    surface[(lake > -0.02) & (lake <= 0.0)] = Surface.SHORE
    surface[(lake > 0.0) & (lake <= level)] = Surface.SHORE
    surface[lake > level] = Surface.LAKE
    surface[ground.river < ground.width] = Surface.RIVER


def _quarry_reach(frame: Frame, seed: int) -> np.ndarray:
    """Return the distance from the quarry's middle as a share of its uneven reach."""
    east, south = frame.coordinates()
    u, v = rotated(east, south, frame.place(0.30, 0.16), 30)
    radius = 0.030 * frame.span
    edge = fractal_noise(frame.shape, 1.1 * radius / CELL, 3, 0.5, generator(seed, _QUARRY))
    return np.hypot(u / 1.5, v) / radius * (1 + 0.22 * edge)


def _quarry(surface: np.ndarray, reach: np.ndarray, limit: float, parcels: Parcels) -> None:
    """Dig the quarry to its limit, with a pond on its floor."""
    surface[(reach < limit + 0.18) & (surface != Surface.BROADLEAF)] = Surface.CLEARING
    surface[reach < limit] = Surface.QUARRY
    surface[reach < 0.26] = Surface.POND


def _places(frame: Frame) -> List[Settlement]:
    """Return the town and its villages."""
    town = Settlement(1, frame.place(0.43, 0.40), 0.115 * frame.span, 24, (95, 130), 1.0)
    spots = (
        (0.12, 0.36, 0.030, 70),
        (0.68, 0.16, 0.034, 10),
        (0.90, 0.26, 0.026, 45),
        (0.17, 0.86, 0.036, 33),
        (0.52, 0.80, 0.032, 80),
        (0.72, 0.90, 0.022, 15),
        (0.64, 0.58, 0.020, 55),
    )
    villages = [
        Settlement(10 + k, frame.place(across, down), size * frame.span, degrees, (85, 110), 0.5)
        for k, (across, down, size, degrees) in enumerate(spots)
    ]
    return [town, *villages]


def _roads(frame: Frame, places: List[Settlement], seed: int) -> Tuple[np.ndarray, np.ndarray]:
    """Return the cells of country roads between the places, and of the motorway that passes the town."""
    rng = generator(seed, _ROADS)
    town = places[0].centre
    at = {place.key: place.centre for place in places}
    routes = [
        [town, at[10], frame.place(-0.02, 0.33)],
        [town, at[11], at[12], frame.place(1.02, 0.22)],
        [town, at[14], at[13], frame.place(0.10, 1.02)],
        [at[14], at[15], frame.place(0.80, 1.02)],
        [town, at[16], frame.place(1.02, 0.51)],
        [town, frame.place(0.36, -0.02)],
        [at[11], frame.place(0.66, -0.02)],
    ]
    roads = [dense_line(route, 0.35, rng) for route in routes]
    fast = [frame.place(-0.02, 0.10), frame.place(0.28, 0.27), frame.place(0.58, 0.30), frame.place(1.02, 0.50)]
    motorway = dense_line(fast, 0.12, rng)
    return frame.distance_to(roads, 40) < 5.5, frame.distance_to([motorway], 40) < 12.5


def _change(
    after: np.ndarray, frame: Frame, lake: np.ndarray, parcels: Parcels, places: List[Settlement], seed: int
) -> Dict[str, np.ndarray]:
    """Paint what people did between the dates, and return where."""
    rng = generator(seed, _CHANGE)
    edge = fractal_noise(frame.shape, 180 / CELL, 3, 0.5, rng)
    east, south = frame.coordinates()
    changes: Dict[str, np.ndarray] = {}

    felled = np.zeros(frame.shape, dtype=bool)
    woods = (after == Surface.BROADLEAF) | (after == Surface.CONIFER)
    for across, down, length, width, degrees in _CLEARINGS:
        u, v = rotated(east, south, frame.place(across, down), degrees)
        box = np.maximum(np.abs(u) / (length * frame.span), np.abs(v) / (width * frame.span))
        felled |= (box + 0.10 * edge < 1) & woods
    after[felled] = Surface.CLEARING
    changes["clearing"] = felled

    town = places[0]
    estate = Settlement(2, town.centre, town.radius, town.degrees, (60, 75), 0.62)
    u, v = rotated(east, south, frame.place(0.327, 0.415), town.degrees)
    plot = np.maximum(np.abs(u) / (0.036 * frame.span), np.abs(v) / (0.027 * frame.span)) + 0.05 * edge < 1
    plot &= np.isin(after, [Surface.MEADOW, *(crop for crop, _ in _CROP_SHARES), Surface.HEDGE, Surface.TRACK])
    after[plot] = build(frame, estate, plot, np.full(frame.shape, 0.6, np.float32), seed)
    changes["new housing"] = plot

    reach = _quarry_reach(frame, seed)
    dug = (reach < 1.38) & (reach >= 1.0) & (east > frame.place(0.30, 0)[0])
    after[dug] = Surface.QUARRY
    changes["quarry extension"] = dug
    return changes


_CLEARINGS = ((0.25, 0.06, 0.034, 0.020, 20), (0.86, 0.08, 0.026, 0.020, -35), (0.33, 0.95, 0.030, 0.018, 10))


def _mix(frame: Frame, surface: np.ndarray, parcels: Parcels, seed: int, season: int) -> np.ndarray:
    """Return where between its two spectra each cell lies: by parcel, by soil and by furrow."""
    rng = generator(seed, _MIX, season)
    soil = fractal_noise(frame.shape, 160 / CELL, 4, 0.6, generator(seed, _MIX, 5))
    furrow = np.sin(parcels.across * np.float32(2 * np.pi / 36)) * 0.06
    farm = 0.55 * ((parcels.draw * 777 + 0.31 * season) % 1) + 0.22 + 0.15 * soil + furrow
    grain = rng.standard_normal(frame.shape, dtype=np.float32)
    other = 0.5 + 0.20 * smooth_noise(frame.shape, 400 / CELL, rng) + 0.10 * soil + 0.16 * grain
    crops = (surface >= Surface.MEADOW) & (surface <= Surface.CLOVER)
    water = (surface == Surface.RIVER) | (surface == Surface.LAKE)
    mix = np.where(crops, farm + 0.05 * grain, other)
    mix = np.where(water, 0.5 + 0.25 * smooth_noise(frame.shape, 600 / CELL, rng) + 0.03 * grain, mix)
    return np.clip(mix, 0, 1).astype(np.float32)


def _crowns(frame: Frame, seed: int) -> np.ndarray:
    """Return the unevenness of a canopy: crowns of about 10 m and clumps of about 40 m."""
    rng = generator(seed, _WOODS, 3)
    return 0.5 * smooth_noise(frame.shape, 2.0, rng) + 0.5 * fractal_noise(frame.shape, 9, 2, 0.7, rng)


def _canopy(surface: np.ndarray, crowns: np.ndarray) -> np.ndarray:
    """Return metres above the ground of trees and houses."""
    table = np.zeros(len(Surface), dtype=np.float32)
    for kind, height in CANOPY_HEIGHT.items():
        table[kind] = height
    rough = np.zeros(len(Surface), dtype=np.float32)
    rough[[Surface.BROADLEAF, Surface.CONIFER, Surface.HEDGE]] = 2.2, 1.6, 1.0
    return table[surface] + rough[surface] * crowns

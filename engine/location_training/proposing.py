"""Proposes the scales of an encoder from where the data lie; what a user sets stands, and every proposal is told."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Callable, Dict, Tuple

import numpy as np

from ..locations.settings import Settings
from .spread import KM_PER_DEGREE, Spread

SCALES = 16
FREQUENCIES = 128
ANCHORS = 200
_DFS_SCALES = 8
_MOST_DEGREES, _FEWEST_DEGREES = 20, 5
_ROWS_A_DEGREE = 5.0
_MOST_DOUBLINGS = 16
_ROWS_A_TILE = 20
_ROWS_AN_ANCHOR = 5
_NEIGHBOURS_IN_REACH = 50.0
_SHORTEST_SHARE, _SHORTEST = 0.01, 100.0
_REACH_SHARE, _LONGEST_REACH = 0.1, 1000.0
# The shortest wave that is proposed, as a multiple of the way to the next place, and the longest one of the extent. On
# the plane, where waves run in a few directions only, shorter ones are learnt by heart.
_FINEST, _FINEST_PLANAR, _COARSEST = 4.0, 8.0, 2.0
# The first wave of the doubling series is half a turn of the unit sphere's coordinates long: 2 rad.
_LONGEST_DOUBLING = float(np.degrees(2.0))


@dataclass(frozen=True)
class Proposal:
    """Complete settings, and a sentence for each that came from the data or deserves a word."""

    settings: Settings
    told: "Tuple[str, ...]"
    warnings: "Tuple[str, ...]" = ()


def propose(kind: str, given: Settings, spread: Spread, seed: int) -> Proposal:
    """Fill in what was left open."""
    proposer = _PROPOSERS.get(kind)
    if proposer is None:
        return Proposal(given, ())
    return proposer(given, spread, seed)


def _length_text(km: float) -> str:
    """Return a length as people say it."""
    return f"{km * 1000:.3g} m" if km < 1 else f"{km:.3g} km" if km < 1000 else f"{km:.0f} km"


def _basis(spread: Spread) -> str:
    """Return what proposals rest on."""
    return f"places are {_length_text(spread.spacing)} apart (median) over {_length_text(spread.extent)}"


def _finest(spread: Spread, times: float = _FINEST) -> float:
    """Return the shortest wave worth having in km.

    It is an eighth of the extent at most, where places are few, and where they are many no less than a hundredth of it,
    or 100 km: what is finer is learnt by heart, and tells nothing of ground without places.
    """
    least = min(_SHORTEST_SHARE * spread.extent, _SHORTEST)
    return max(min(max(times * spread.spacing, least), spread.extent / 8), 1e-4)


def _coarsest(spread: Spread) -> float:
    """Return the longest wave worth having in km, once around the globe at most."""
    return float(np.clip(_COARSEST * spread.extent, 2 * _finest(spread), 360 * KM_PER_DEGREE))


def _too_fine(finest: float, spread: Spread) -> "Tuple[str, ...]":
    """Warn of waves that are shorter than places are apart."""
    if finest >= 0.999 * spread.spacing:
        return ()
    return (f"The finest scale that was asked for is {_length_text(finest)}, less than the places are apart "
            f"({_length_text(spread.spacing)}, median): what is finer than the data only adds noise.",)


def _radii(per_radius: float, given: Settings, spread: Spread, scales: int, times: float = _FINEST) -> Proposal:
    """Propose radii of waves that are `per_radius` degrees long for each unit of radius."""
    low, high = (length / KM_PER_DEGREE / per_radius for length in (_finest(spread, times), _coarsest(spread)))
    found = replace(given, scales=given.scales or scales, min_radius=given.min_radius or min(
        low, given.max_radius / 2 if given.max_radius else low), max_radius=given.max_radius or max(
        high, 2 * given.min_radius))
    waves = [radius * per_radius * KM_PER_DEGREE for radius in (found.min_radius, found.max_radius)]
    told = [] if given.min_radius and given.max_radius else [
        f"Scales: {_basis(spread)}, so waves from {_length_text(waves[0])} to {_length_text(waves[1])} are taken "
        f"(radii {found.min_radius:.4g} to {found.max_radius:.4g}, {found.scales} scales)."]
    return Proposal(found, tuple(told), _too_fine(waves[0], spread) if given.min_radius else ())


def _space2vec(given: Settings, spread: Spread, seed: int) -> Proposal:
    """Propose radii in degrees, whose waves are 2π as long."""
    return _radii(2 * np.pi, given, spread, SCALES, _FINEST_PLANAR)


def _sphere2vec(given: Settings, spread: Spread, seed: int) -> Proposal:
    """Propose radii in radians: a radius of 1 is a wave around the globe."""
    return _radii(360.0, given, spread, SCALES)


def _dfs(given: Settings, spread: Spread, seed: int) -> Proposal:
    """Propose radii for the encoder whose size grows with the square of its scales."""
    return _radii(360.0, given, spread, _DFS_SCALES)


def _nerf(given: Settings, spread: Spread, seed: int) -> Proposal:
    """Propose how often the frequency doubles: until the waves are as short as the data allow."""
    if given.scales:
        finest = _LONGEST_DOUBLING * 0.5 ** (given.scales - 1) * KM_PER_DEGREE
        return Proposal(given, (), _too_fine(finest, spread))
    doublings = int(np.floor(np.log2(_LONGEST_DOUBLING * KM_PER_DEGREE / _finest(spread))))
    scales = int(np.clip(doublings + 1, 2, _MOST_DOUBLINGS))
    finest = _LONGEST_DOUBLING * 0.5 ** (scales - 1) * KM_PER_DEGREE
    return Proposal(replace(given, scales=scales), (
        f"Scales: {_basis(spread)}, so {scales} doublings are taken; the shortest wave is {_length_text(finest)}.",))


def _harmonics(given: Settings, spread: Spread, seed: int) -> Proposal:
    """Propose the degrees L, of L² harmonics: as many as places over the whole globe so dense would bear.

    Over a small part of it, few degrees and the network's own waves tell more than many harmonics that are all alike.
    """
    if given.scales:
        return Proposal(given, (), _too_fine(360 * KM_PER_DEGREE / given.scales, spread))
    by_rows = int(np.sqrt(spread.places * spread.share) / _ROWS_A_DEGREE)
    by_spacing = int(360 * KM_PER_DEGREE / max(_finest(spread), 1e-9))
    degrees = int(np.clip(min(by_rows, by_spacing), _FEWEST_DEGREES, _MOST_DEGREES))
    return Proposal(replace(given, scales=degrees), (
        f"Degrees: {spread.places} places in a box of {spread.share:.2g} of the globe bear L = {degrees} "
        f"({degrees ** 2} harmonics); {_basis(spread)}.",))


def _fourier(given: Settings, spread: Spread, seed: int) -> Proposal:
    """Propose the length scale of random waves: a tenth of the extent, or where places are few what fifty lie within.

    With a shorter one an encoder of many places knows them by heart and nothing between distant ones.
    """
    scales = given.scales or FREQUENCIES
    found = replace(given, scales=scales, seed=given.seed or seed)
    if given.length:
        return Proposal(found, (), _too_fine(given.length, spread))
    area = max(spread.width * np.cos(np.radians(spread.middle_latitude)), 1e-9) * max(spread.height, 1e-9)
    reach = float(np.sqrt(area * _NEIGHBOURS_IN_REACH / spread.places / np.pi)) * KM_PER_DEGREE
    reach = max(reach, min(_REACH_SHARE * spread.extent, _LONGEST_REACH))
    length = float(np.clip(reach, 2 * max(spread.spacing, 1e-4), max(spread.extent / 4, 1e-3)))
    length = float(f"{length:.3g}")
    return Proposal(replace(found, length=length), (
        f"Length scale: {_basis(spread)}, so {_length_text(length)} is taken ({scales} frequencies).",))


def _rbf(given: Settings, spread: Spread, seed: int) -> Proposal:
    """Propose anchors and how far each reaches: half as far again as anchors are apart."""
    anchors = given.scales or int(np.clip(spread.places // _ROWS_AN_ANCHOR, 2, ANCHORS))
    found = replace(given, scales=anchors)
    if given.length:
        return Proposal(found, (), _too_fine(given.length, spread))
    area = max(spread.width * np.cos(np.radians(spread.middle_latitude)), 1e-9) * max(spread.height, 1e-9)
    length = float(f"{1.5 * np.sqrt(area / anchors) * KM_PER_DEGREE:.3g}")
    length = max(length, spread.spacing, 1e-3)
    return Proposal(replace(found, length=length), (
        f"Anchors: {anchors} places of the training data, each with a reach (sigma) of {_length_text(length)}; "
        f"{_basis(spread)}.",))


def _tile(given: Settings, spread: Spread, seed: int) -> Proposal:
    """Propose tiles that hold some twenty places each, over the extent of the data."""
    margin = 1e-6 + 1e-3 * max(spread.width, spread.height)
    extent = given.extent or _box(spread, margin)
    found = replace(given, extent=extent)
    if given.cell:
        return Proposal(found, (), _too_fine(given.cell * KM_PER_DEGREE, spread))
    area = (extent[2] - extent[0]) * (extent[3] - extent[1])
    cell = float(f"{np.sqrt(area * _ROWS_A_TILE / max(spread.places, 1)):.3g}")
    return Proposal(replace(found, cell=cell), (
        f"Tiles: {cell:g}° wide, so that one holds some {_ROWS_A_TILE} places; {_basis(spread)}.",))


def _box(spread: Spread, margin: float) -> "Tuple[float, ...]":
    """Return west, south, east and north around all places; the whole turn where they cross 180°."""
    west, east = spread.west - margin, spread.west + spread.width + margin
    if west < -180.0 or east > 180.0:
        west, east = -180.0, 180.0
    return (west, max(-90.0, spread.south - margin), east, min(90.0, spread.south + spread.height + margin))


_PROPOSERS: "Dict[str, Callable[[Settings, Spread, int], Proposal]]" = {
    "space2vec-grid": _space2vec, "space2vec-theory": _space2vec, "sphere2vec-c": _sphere2vec,
    "sphere2vec-c-plus": _sphere2vec, "sphere2vec-m": _sphere2vec, "sphere2vec-m-plus": _sphere2vec,
    "sphere2vec-dfs": _dfs, "nerf": _nerf, "spherical-harmonics": _harmonics, "fourier-planar": _fourier,
    "fourier-sphere": _fourier, "rbf": _rbf, "tile": _tile}


def anchors_among(places: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Return so many distinct places by chance, for rbf."""
    distinct = np.unique(places, axis=0)
    count = min(count, len(distinct))
    return distinct[np.sort(np.random.default_rng((seed, 41)).choice(len(distinct), count, replace=False))]

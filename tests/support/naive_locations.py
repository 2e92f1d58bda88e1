"""Location encoders once more, one place at a time in plain loops, in the words of the papers."""

from __future__ import annotations

import math
from typing import Callable, Dict, List

import numpy as np

from earthprint.engine.locations import Settings


def radii(settings: Settings) -> List[float]:
    last, ratio = settings.scales - 1, settings.max_radius / settings.min_radius
    return [settings.min_radius * math.pow(ratio, k / last) for k in range(last + 1)]


def grid(lon: float, lat: float, s: Settings) -> List[float]:
    return [wave(c / r) for c in (lon, lat) for r in radii(s) for wave in (math.sin, math.cos)]


def theory(lon: float, lat: float, s: Settings) -> List[float]:
    directions = [(math.cos(turn), math.sin(turn)) for turn in (0, 2 * math.pi / 3, 4 * math.pi / 3)]
    return [wave((lon * x + lat * y) / r) for r in radii(s) for x, y in directions for wave in (math.sin, math.cos)]


def sphere_c(lon: float, lat: float, s: Settings) -> List[float]:
    found = []
    for r in radii(s):
        a, b = math.radians(lon) / r, math.radians(lat) / r
        found += [math.sin(b), math.cos(b) * math.cos(a), math.cos(b) * math.sin(a)]
    return found


def sphere_c_plus(lon: float, lat: float, s: Settings) -> List[float]:
    found = []
    for r in radii(s):
        a, b = math.radians(lon) / r, math.radians(lat) / r
        found += [math.sin(b), math.cos(b), math.sin(a), math.cos(a), math.cos(b) * math.cos(a),
                  math.cos(b) * math.sin(a)]
    return found


def last_four(lon: float, lat: float, r: float) -> List[float]:
    one, two = math.radians(lon), math.radians(lat)
    return [math.cos(two / r) * math.cos(one), math.cos(two) * math.cos(one / r),
            math.cos(two / r) * math.sin(one), math.cos(two) * math.sin(one / r)]


def sphere_m(lon: float, lat: float, s: Settings) -> List[float]:
    return [number for r in radii(s) for number in [math.sin(math.radians(lat) / r), *last_four(lon, lat, r)]]


def sphere_m_plus(lon: float, lat: float, s: Settings) -> List[float]:
    return sphere_m_plus_of(lon, lat, radii(s))


def sphere_m_plus_of(lon: float, lat: float, lengths: List[float]) -> List[float]:
    found = []
    for r in lengths:
        a, b = math.radians(lon) / r, math.radians(lat) / r
        found += [math.sin(b), math.cos(b), math.sin(a), math.cos(a), *last_four(lon, lat, r)]
    return found


def dfs(lon: float, lat: float, s: Settings) -> List[float]:
    a, b = [math.radians(lon) / r for r in radii(s)], [math.radians(lat) / r for r in radii(s)]
    across = [math.sin(x) for x in a] + [math.cos(x) for x in a]
    up = [math.sin(x) for x in b] + [math.cos(x) for x in b]
    alone = [number for x, y in zip(a, b) for number in (math.sin(y), math.cos(y), math.sin(x), math.cos(x))]
    return [x * y for x in across for y in up] + alone


def xyz(lon: float, lat: float, s: Settings) -> List[float]:
    a, b = math.radians(lon), math.radians(lat)
    return [math.cos(b) * math.cos(a), math.cos(b) * math.sin(a), math.sin(b)]


def wrap(lon: float, lat: float, s: Settings) -> List[float]:
    return [math.sin(math.radians(lon)), math.sin(math.radians(lat)), math.cos(math.radians(lon)),
            math.cos(math.radians(lat))]


def nerf(lon: float, lat: float, s: Settings) -> List[float]:
    return [wave(c * math.pi * 2 ** k) for wave in (math.sin, math.cos) for c in xyz(lon, lat, s)
            for k in range(s.scales)]


def planar(lon: float, lat: float, s: Settings) -> List[float]:
    chance = np.random.RandomState(s.seed)
    w = chance.standard_normal((s.scales, 2)) * (6371.0088 * math.pi / 2 / s.length)
    b = chance.random_sample(s.scales) * 2 * math.pi
    return [math.sqrt(2 / s.scales) * math.cos(lon / 180 * x + lat / 90 * y + p) for (x, y), p in zip(w, b)]


def on_the_sphere(lon: float, lat: float, s: Settings) -> List[float]:
    w = np.random.RandomState(s.seed).standard_normal((s.scales, 3)) * (6371.0088 / s.length)
    angles = [sum(x * y for x, y in zip(row, xyz(lon, lat, s))) for row in w]
    return [wave(angle) / math.sqrt(s.scales) for wave in (math.cos, math.sin) for angle in angles]


def harmonics(lon: float, lat: float, s: Settings) -> List[float]:
    from scipy.special import sph_harm

    found = []
    for degree in range(s.scales):
        for order in range(-degree, degree + 1):
            value = complex(sph_harm(abs(order), degree, math.radians(lon), math.radians(90 - lat)))
            # scipy's has the Condon-Shortley sign.
            value *= (-1) ** order * (math.sqrt(2) if order else 1)
            found.append(value.imag if order < 0 else value.real)
    return found


NAIVE: "Dict[str, Callable[[float, float, Settings], List[float]]]" = {
    "xyz": xyz, "wrap": wrap, "wrap-ffn": wrap, "spherical-harmonics": harmonics, "space2vec-grid": grid,
    "space2vec-theory": theory, "sphere2vec-c": sphere_c, "sphere2vec-c-plus": sphere_c_plus, "sphere2vec-m": sphere_m,
    "sphere2vec-m-plus": sphere_m_plus, "sphere2vec-dfs": dfs, "fourier-planar": planar,
    "fourier-sphere": on_the_sphere, "nerf": nerf}

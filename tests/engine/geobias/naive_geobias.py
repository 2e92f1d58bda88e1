"""Geo-bias scores by plain loops over dense matrices, as they are written down; for small data."""

from __future__ import annotations

import math
from typing import List, Sequence, Tuple

EARTH = 6_371_008.8
Place = Tuple[float, float]


def haversine(one: Place, other: Place) -> float:
    """Return radians between longitudes and latitudes in degrees."""
    a, b = math.radians(one[1]), math.radians(other[1])
    turn = math.radians(other[0] - one[0])
    half = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(turn / 2) ** 2
    return 2 * math.asin(min(1.0, math.sqrt(half)))


def azimuth(one: Place, other: Place) -> float:
    """Return degrees from north over east, 0 to 360."""
    a, b = math.radians(one[1]), math.radians(other[1])
    turn = math.radians(other[0] - one[0])
    angle = math.atan2(math.sin(turn) * math.cos(b),
                       math.cos(a) * math.sin(b) - math.sin(a) * math.cos(b) * math.cos(turn))
    return math.degrees(angle) % 360.0


def sites(places: Sequence[Place], failures: Sequence[float]) -> "Tuple[List[Place], List[float]]":
    """Return different places and the share of failures at each."""
    found: dict = {}
    for place, failure in zip(places, failures):
        found.setdefault(tuple(place), []).append(float(failure))
    return list(found), [sum(values) / len(values) for values in found.values()]


def part_of(kind: str, one: Place, other: Place, settings: dict) -> object:
    """Return the part of a place as seen from another, None for no part."""
    metres = haversine(one, other) * EARTH
    if kind == "distance":
        return math.floor(metres / settings["lag"])
    if metres == 0:
        return None
    turn = azimuth(one, other)
    if kind == "direction":
        return math.floor(turn / (360.0 / settings["sectors"]))
    x, y = metres * math.sin(math.radians(turn)), metres * math.cos(math.radians(turn))
    return math.floor(x / settings["scale"]), math.floor(y / settings["scale"])


def relative(kind: str, places: Sequence[Place], share: Sequence[float], centre: int, settings: dict) -> float:
    """Return the relative information around one place."""
    inside = [i for i in range(len(places)) if haversine(places[centre], places[i]) * EARTH <= settings["radius"]]
    whole = sum(share[i] for i in inside) / len(inside)
    parts: dict = {}
    for i in inside:
        part = part_of(kind, places[centre], places[i], settings)
        if part is not None:
            parts.setdefault(part, []).append(share[i])
    score, any_part = 0.0, False
    for members in parts.values():
        if len(members) < settings["least"]:
            continue
        any_part = True
        own = sum(members) / len(members)
        divergence = 0.0
        for p, q in ((whole, own), (1 - whole, 1 - own)):
            if p > 0:
                divergence += p * math.log(p / (q + 1e-8))
        score += len(members) / len(inside) * divergence
    return score if any_part else math.nan


def background(centre: Place, count: int, radians: float) -> "List[Place]":
    """Return polar rings of places."""
    density = math.ceil(5 * count / (math.pi * radians ** 2))
    spacing = 1 / math.sqrt(density)
    found = []
    lon, lat = (math.radians(value) for value in centre)
    for ring in range(1, math.ceil(radians / spacing) + 1):
        many = math.ceil(2 * math.pi * ring)
        for number in range(many):
            bearing, away = math.radians(-180 + 360 * number / many), ring * spacing
            there = math.asin(math.sin(lat) * math.cos(away) + math.cos(lat) * math.sin(away) * math.cos(bearing))
            turn = math.atan2(math.sin(bearing) * math.sin(away) * math.cos(lat),
                              math.cos(away) - math.sin(lat) * math.sin(there))
            found.append((math.degrees(lon + turn), math.degrees(there)))
    return found


def self_information(places: Sequence[Place], share: Sequence[float], centre: int, settings: dict, marked: bool,
                     version: int) -> float:
    """Return the self-information around one place, by a dense matrix of weights and sums over classes."""
    radians = settings["radius"] / EARTH
    near = sorted((haversine(places[centre], places[i]), i) for i in range(len(places))
                  if haversine(places[centre], places[i]) <= radians)
    chosen = [i for _, i in near[:settings["largest"] or None]]
    everything = [places[i] for i in chosen] + background(places[centre], len(chosen), radians)
    own = [(-1.0 if share[i] >= 0.5 else 1.0) if marked else 1.0 for i in chosen]
    x = own + [0.0] * (len(everything) - len(own))
    size, k = len(x), settings["neighbours"]
    weights = [[0.0] * size for _ in range(size)]
    for i in range(size):
        order = sorted((haversine(everything[i], everything[j]), j) for j in range(size) if j != i)
        # The rings put some places as far from each other as from the centre: of equally near ones the first counts.
        limit = order[k - 1][0]
        nearer = [j for d, j in order if d < limit * (1 - 1e-7)]
        tied = sorted(j for d, j in order if abs(d - limit) <= limit * 1e-7)
        for j in (nearer + tied)[:k]:
            weights[i][j] = 1.0
    mean = sum(x) / size
    statistic = sum(weights[i][j] * (x[i] - mean) * (x[j] - mean) for i in range(size) for j in range(size))
    classes = sorted(set(x))
    n = {c: x.count(c) for c in classes}
    most = max(classes, key=lambda c: n[c])
    mu = var = 0.0
    for a in classes:
        for b in classes:
            m = k * n[a] * n[b] / size if a != b else k * n[a] * (n[a] - 1) / size - 1
            mu += (a - mean) * (b - mean) * m
            if most in (a, b):
                continue
            if a != b:
                v = k * n[a] * n[b] / size * (1 - k * max(n[a], n[b]) / size)
                q = ((a - mean) * (b - mean) - 2 * (a - mean) * (most - mean) + (most - mean) ** 2) ** 2
            else:
                v = 2 * k * n[a] * (n[a] - 1) / size * (1 - k * (2 * n[a] - 1) / (3 * size))
                q = (a - most) ** 4
            var += q * v
    if version == 1:
        if var <= 0:
            return math.nan
        return -math.log(math.exp(-(statistic - mu) ** 2 / (2 * var)) / math.sqrt(2 * math.pi * var) + 1e-256)
    if var < 0:
        return math.nan
    z = (min(statistic, 2 * mu - statistic) - mu) / (math.sqrt(var) + 1)
    return -math.log(2 * 0.5 * math.erfc(-z / math.sqrt(2)) + 1e-256)


def aggregate(scores: Sequence[float], counts: Sequence[int]) -> float:
    """Return the mean weighted by the places around each centre."""
    known = [(s, c) for s, c in zip(scores, counts) if not math.isnan(s)]
    return sum(s * c for s, c in known) / sum(c for _, c in known)

"""What a search is worth, in sentences: for the log, and for the top of the report."""

from __future__ import annotations

import math
from typing import List, Optional, Sequence

from ..number_text import number_text
from .comparing import difference, same_truths
from .judged import Judged
from .truth import POINTS

_FEW = 20
_UNLIKE = 0.01


def area_text(area: float) -> str:
    """Write an area given in km² in the unit that suits it."""
    if not math.isfinite(area):
        return number_text(area)
    if area == 0 or area >= 0.1:
        return f"{number_text(area, 3)} km²"
    return f"{number_text(area * 100, 3)} ha" if area >= 0.001 else f"{number_text(area * 1e6, 3)} m²"


def percent(share: float) -> str:
    """Write a share as a percentage, finer where it is small."""
    if not math.isfinite(share):
        return number_text(share)
    value = share * 100
    if value >= 99.95:
        return "100 %"
    return f"{value:.0f} %" if value >= 10 or value == 0 else f"{number_text(value, 2)} %"


def verdict(judged: Judged, wanted: float) -> str:
    """Say in how much ground a query finds so much of the truth, and how much chance needs."""
    area, least, most = judged.needed(wanted)
    share = percent(wanted)
    if not math.isfinite(area):
        return (f"“{judged.name}” never finds {share} of the truth: only {percent(judged.curve.reach)} of it lies on "
                f"cells that have a score. {_after_a_tenth(judged)} {against_chance(judged)}")
    chance = judged.by_chance(wanted)
    between = f"at least {area_text(least)}" if not math.isfinite(most) else (
        f"{area_text(least)} to {area_text(most)}")
    ground = judged.curve.ground
    text = (f"“{judged.name}” finds {share} of the truth in {area_text(area)}, {percent(area / ground)} of the ground "
            f"({between} with other truths like these); chance needs {percent(chance / ground)} of it.")
    return f"{text} {against_chance(judged)}"


def verdict_of_all(judged: Judged, queries: int, wanted: float) -> str:
    """Say the same of queries as one, each walked on its own ground."""
    area, least, most = judged.needed(wanted)
    share = percent(wanted)
    if not math.isfinite(area):
        return (f"Over all {queries:,} queries, {share} of the truth is never found: only "
                f"{percent(judged.curve.reach)} of it lies on cells that have a score. {_after_a_tenth(judged)} "
                f"{against_chance(judged)}")
    between = f"at least {area_text(least)}" if not math.isfinite(most) else (
        f"{area_text(least)} to {area_text(most)}")
    return (f"Over all {queries:,} queries, {share} of the truth is found in {area_text(area)} of each ({between} with "
            f"other queries like these); chance needs {area_text(judged.by_chance(wanted))}. {against_chance(judged)}")


def _after_a_tenth(judged: Judged) -> str:
    """Say how much is found after a tenth of the ground, for searches that never find all they should."""
    found = judged.at(judged.curve.ground / 10)
    if found is None:
        return ""
    recall, low, high, chance = found
    return (f"After 10 % of the ground it has found {percent(recall)} ({percent(low)} to {percent(high)} with other "
            f"truths like these), chance {percent(chance)}.")


def against_chance(judged: Judged) -> str:
    """Say whether the score does better than a search at random."""
    middle = judged.chance_under
    low, high = judged.under
    shown = _counted(judged)
    if judged.drawing.count < 2:
        return "A single truth says nothing about others."
    if low > middle:
        return f"That is better than chance, by more than the luck of {shown}."
    if high < middle:
        return "That is worse than chance: look whether HIGHER is right."
    return f"That is no better than chance, as far as {shown} can show."


def _counted(judged: Judged) -> str:
    """Say how many truths there are."""
    return f"{judged.count.used:,} truths" if judged.count.used != 1 else "one truth"


def comparison(queries: "Sequence[Judged]", wanted: float) -> str:
    """Say which of several queries finds its truth soonest; empty where there is one query."""
    if len(queries) < 2:
        return ""
    best, *others = sorted(queries, key=lambda one: -one.curve.under)
    if not all(same_truths(best, other) for other in others):
        soonest = min(queries, key=lambda one: _or_endless(one.curve.area(wanted) / one.curve.ground))
        return (f"“{soonest.name}” finds {percent(wanted)} of its truth in the smallest share of its ground; the "
                "queries have truths of their own, so they aren't compared further.")
    clear = [other for other in others if difference(best, other).clear]
    alike = [other for other in others if other not in clear]
    parts: "List[str]" = []
    if clear:
        parts.append(f"“{best.name}” finds the truth sooner than {_named(clear)}.")
    if alike:
        parts.append(f"Between “{best.name}” and {_named(alike)} there is no difference that {_counted(best)} can "
                     "show.")
    return " ".join(parts)


def _named(queries: "Sequence[Judged]") -> str:
    """Name queries."""
    names = [f"“{one.name}”" for one in queries]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _or_endless(area: float) -> float:
    """Return an area, or infinity where there is none."""
    return area if math.isfinite(area) else float("inf")


def cautions(queries: "Sequence[Judged]", together: Optional[Judged]) -> "List[str]":
    """Return what one must know before trusting the curves; how few truths there are, of all queries as one if so."""
    found: "List[str]" = []
    for one in queries if together is None else (together,):
        if one.count.used < _FEW:
            found.append(f"“{one.name}”: {_counted(one)} {'say' if one.count.used != 1 else 'says'} little; the band "
                         "shows how little.")
        elif together is None and one.drawing.least:
            found.append(f"“{one.name}”: truths are found alike over such distances that the band may still be too "
                         "narrow, unless they are a random sample of all there are.")
    for one in queries:
        count = one.count
        if count.lost > 1e-9:
            parts = [f"{number} {text}" for number, text in (
                (count.outside, "beyond the raster"), (count.empty, "on cells without a score")) if number]
            of_them = f" ({', '.join(parts)} of {count.used:,})" if parts else ""
            found.append(f"“{one.name}”: {percent(count.lost)} of the truth lies on no ground{of_them} and counts as "
                         "never found.")
        if not one.exact:
            found.append(f"“{one.name}”: the truth covers so many cells that the curve is exact at "
                         f"{len(one.curve.scores):,} scores, and straight between them.")
    grounds = [one.curve.ground for one in queries]
    if max(grounds) > min(grounds) * (1 + _UNLIKE):
        found.append(f"The queries have different ground, {area_text(min(grounds))} to {area_text(max(grounds))}: "
                     "compare shares, or limit all to the same EXTENT.")
    return found


def notes(queries: "Sequence[Judged]") -> "List[str]":
    """Return what is worth knowing of each query's truth and band."""
    found: "List[str]" = []
    for one in queries:
        count = one.count
        kind = "points" if count.kind == POINTS else "polygons, counted by their area"
        text = f"“{one.name}”: {count.used:,} {kind}, on {area_text(one.curve.ground)} of ground."
        if count.left_out:
            text += f" {count.left_out:,} features that lie on none of the ground that counts were left out."
        if one.drawing.clustered:
            text += (f" Neighbours are found alike, so the band draws {one.drawing.count:,} groups of neighbours: "
                     f"these truths tell as much as {number_text(one.drawing.independent, 2)} that have nothing to do "
                     "with each other. If they are a random sample of all there are, choose SPREAD alone.")
        found.append(text)
    return found

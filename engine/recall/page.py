"""The report: a verdict in words, the curves, and the figures that people ask for."""

from __future__ import annotations

import math
from typing import List, Sequence

from ..charts import COLOURS
from ..number_text import number_text
from ..report import Aligned, Report
from .curve import chance_under_log
from .curve_chart import curve_chart
from .judged import LEAST_SHARE, Judged
from .request import AREAS, SHARES, RecallRequest, RecallResult
from .telling import area_text, notes, percent

_MOST_LEADS = 4


def write_page(request: RecallRequest, result: RecallResult) -> None:
    """Write the page."""
    report = Report("Recall against area")
    queries = result.queries if result.together is None else (result.together, *result.queries)
    for text in result.verdicts[:_MOST_LEADS]:
        report.lead(text)
    for text in result.verdicts[_MOST_LEADS:]:
        report.paragraph(text)
    for text in result.warnings:
        report.warning(text)
    report.figure(curve_chart(queries, request.wanted), _caption(queries, request.wanted))
    report.heading("How much is found after so much ground")
    report.table(["Query", *(f"{number_text(area)} km²" for area in AREAS)],
                 [[one.name, *(_recall(one, area) for area in AREAS)] for one in queries],
                 "A dash: there is less ground than that.")
    report.table(["Query", *(percent(share) for share in SHARES)],
                 [[one.name, *(_recall(one, share * one.curve.ground) for share in SHARES)] for one in queries],
                 "After a share of the ground. A search at random finds as much of what lies on ground.")
    report.heading("How much ground it takes")
    shares = sorted({0.5, 0.8, 0.9, request.wanted})
    report.table(["Query", "Ground", *(f"for {percent(share)}" for share in shares)],
                 [[one.name, Aligned(area_text(one.curve.ground)), *(_needed(one, share) for share in shares)]
                  for one in queries], "A dash: that much is never found.")
    report.heading("In one number")
    report.table(["Query", "Area under the curve", "by chance", "on a logarithm", "by chance"],
                 [_numbers(one) for one in queries])
    report.explanation(
        "The area under the curve is the mean recall over all areas, up to the whole ground: 1 finds all truth at "
        "once, chance has half. On a logarithm (from 0.1 % of the ground to all of it) the first few km² count as much "
        "as all the rest, as they do for whoever has to walk them.")
    report.heading("How to read this")
    report.listing([*notes(result.queries), *_method(request)])
    report.write(request.report)


def _caption(queries: "Sequence[Judged]", wanted: float) -> str:
    """Say what the picture shows."""
    text = ("The share of the truth that is found when ground is walked from the best scores down. Shaded: where the "
            "curve would lie with other truths of the same kind, 95 times of 100. Dashed: a search at random, with "
            f"the luck it may have. Rings: {percent(wanted)} of the truth.")
    if len(queries) > len(COLOURS):
        text += f" The first {len(COLOURS)} of {len(queries)} curves."
    return text if len(queries) < 2 else f"{text} Chance is that of the query with the most ground."


def _recall(one: Judged, area: float) -> Aligned:
    """Write recall at an area with its range."""
    found = one.at(area)
    if found is None:
        return Aligned(number_text(float("nan")))
    recall, lower, upper, _ = found
    return Aligned(percent(recall), f"{percent(lower)} to {percent(upper)}")


def _needed(one: Judged, share: float) -> Aligned:
    """Write the area that finds a share of the truth, with its range."""
    area, least, most = one.needed(share)
    if not math.isfinite(area):
        return Aligned(number_text(area))
    end = area_text(most) if math.isfinite(most) else "more than there is"
    return Aligned(area_text(area), f"{area_text(least)} to {end}")


def _numbers(one: Judged) -> "List[object]":
    """Write the areas under a curve."""
    reach = one.curve.reach
    return [one.name, Aligned(f"{one.curve.under:.3f}", f"{one.under[0]:.3f} to {one.under[1]:.3f}"),
            Aligned(f"{one.chance_under:.3f}"), Aligned(f"{one.under_log:.3f}"),
            Aligned(f"{chance_under_log(LEAST_SHARE) * reach:.3f}")]


def _method(request: RecallRequest) -> "List[str]":
    """Say how it was computed."""
    way = "high" if request.higher else "low"
    return [
        f"Good scores are {way} ones. Cells with the same score are walked in an order that is chance, so that recall "
        "grows evenly over them.",
        "Areas are those of the ground on the ellipsoid, in every CRS, whatever its cells measure on paper. Cells "
        "without a score are no ground; truth on them, or beyond the raster, counts as never found.",
        f"The band comes from {request.draws:,} draws of the truths, with replacement; truths that lie together are "
        "drawn together where they are found alike. It is never narrower than Wilson's interval for as many "
        "independent truths, since truths that were all found leave drawing without a doubt.",
        "Truths that the score was made from, such as the examples of a search, are found first and flatter it: judge "
        "by others.",
    ]

"""The page: the answer first, then the scores beside chance, the map, and what every word means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Tuple

import numpy as np

from ..map_charts import value_map, wrong_map
from ..map_paper import MapPlaces
from ..number_text import metres_text, number_text
from ..report import Aligned, Figure, Report
from .chance_chart import chance_chart
from .marking import Marks
from .request import ALL, DIRECTION, DISTANCE, GRID, MARKED, PUBLISHED, RELATIVE, UNMARKED, BiasRequest
from .result import BiasResult
from .verdict import FEW, LEVEL, Verdict, worst_text

MEANINGS = {
    GRID: "Squares around each place are compared with its whole neighbourhood: do they hold other shares of failures?",
    DISTANCE: "The same with rings: do failures become more or fewer with the distance from a place?",
    DIRECTION: "The same with sectors: do failures lie to one side of a place, such as the east?",
    MARKED: "How surprising it is, around each place, that right and wrong predictions lie as they do, among places "
            "of an even background. It is large where points lie close together as well, so read it beside chance.",
    UNMARKED: "The same without looking at what is right: it tells how close together the points lie, and nothing "
              "about the model. Chance can't be set beside it.",
}


@dataclass(frozen=True, eq=False)
class Told:
    """All that the page tells."""

    layer: str
    request: BiasRequest
    places: np.ndarray
    marks: Marks
    result: BiasResult
    verdict: Verdict
    warnings: Tuple[str, ...]
    left_out: int


def write_report(path: str, told: Told) -> None:
    """Write the page, whole or not at all."""
    bias_report(told).write(path)


def bias_report(told: Told) -> Report:
    """Return the page."""
    result = told.result
    report = Report("Does the model fail in places that lie together?")
    report.lead(told.verdict.sentence)
    for warning in told.warnings:
        report.warning(warning)
    worst = worst_text(result, told.places)
    more = f"; {told.left_out:,} more could not be judged" if told.left_out else ""
    report.paragraph(f"A point counts as a failure where {told.marks.told}: {result.failures:,} of {result.rows:,} "
                     f"points of {told.layer}{more}. {worst}")
    _tell_scores(report, told)
    _tell_maps(report, told)
    _tell_local(report, told)
    _tell_settings(report, told)
    return report


def _tell_scores(report: Report, told: Told) -> None:
    """List the scores beside chance."""
    result = told.result
    report.heading("The scores, and what chance gives")
    rows = [[figure.score, Aligned(number_text(figure.value, 3)), Aligned(number_text(figure.chance, 3)),
             Aligned(number_text(figure.p, 2)), figure.centres, MEANINGS[figure.score]] for figure in result.figures]
    report.table(["Score", "Found", "By chance", "p", "Places", "What it asks"], rows)
    judged = [figure for figure in result.figures if figure.judged]
    if not judged:
        return
    times = len(judged[0].permuted)
    report.figures([Figure(chance_chart(figure), f"Score {figure.score}: bars are {times} shuffles, the line is the "
                           "layer as it is.") for figure in judged])
    report.explanation(
        f"By chance: the same failures were dealt out anew among the same places {times} times, and this is the mean "
        "score. p is how often, the layer itself counted, that gave a score as large or larger: a small one says that "
        "failures lie together more than chance would have it, not how much that matters. For how much, compare the "
        "score with chance and look at the map. "
        + ("Several scores were looked at, so the sentence at the top multiplies the smallest p by their number. "
           if told.verdict.looks > 1 else "")
        + f"Up to {LEVEL} counts as a finding. A large p doesn't show that the model is fair, only that these points "
        "can't show otherwise.")


def _tell_maps(report: Report, told: Told) -> None:
    """Show where it fails, and the first local score that looks at marks."""
    result = told.result
    known = np.isfinite(result.share)
    enough = known & (result.near >= FEW)
    whole = _map_places(told.places, known)
    report.heading("Where it fails")
    report.figure(value_map(_map_places(told.places, enough), result.share_near, "share failing"),
                  f"The share of failures among the places within {metres_text(result.neighbourhood.radius)} of each "
                  f"place. Places with fewer than {FEW} around them ({int((known & ~enough).sum()):,}) are not shown.")
    shown = next((figure.score for figure in result.figures if figure.score != UNMARKED), "")
    figures = [Figure(wrong_map(whole, np.nan_to_num(told.marks.failures)), "The points that fail.")]
    if shown:
        local = result.local[shown]
        scored = _map_places(told.places, enough & np.isfinite(local.values))
        figures.insert(0, Figure(
            value_map(scored, local.values if shown == MARKED else np.maximum(local.values, 0.0), shown),
            f"The score {shown} around each place: high where its surroundings hold parts that fail much more, or "
            "much less, than the rest."))
    report.figures(figures)


def _tell_local(report: Report, told: Told) -> None:
    """Say how many places stand out by themselves, and how many would by chance."""
    rows = []
    for score, local in told.result.local.items():
        known = np.isfinite(local.p)
        if known.any():
            rows.append([score, int(known.sum()), int((local.p[known] <= LEVEL).sum()),
                         int(round(LEVEL * known.sum()))])
    if rows:
        report.table(["Score", "Points with a p-value", f"p up to {LEVEL}", "As many by chance"], rows,
                     "Each point has a p-value of its own. Neighbours share most of their surroundings, so theirs are "
                     "alike: read patches, not single points, and only where there are many more than by chance.")


def _tell_settings(report: Report, told: Told) -> None:
    """Say what was asked and chosen."""
    result, request, chosen = told.result, told.request, told.result.neighbourhood
    report.heading("How it was done")
    lines: List[str] = [f"Chosen from the data: {one}" for one in chosen.told]
    lines.append(f"Neighbourhoods: all places within {metres_text(chosen.radius)} on the globe; on the median "
                 f"{int(np.median(result.near[np.isfinite(result.share)]))} places.")
    if any(score in RELATIVE for score in request.scores):
        lines.append(f"Parts: squares of {metres_text(chosen.scale)}, rings of {metres_text(chosen.lag)}, "
                     f"{chosen.sectors} sectors; parts with fewer than {request.least} places are not compared.")
        lines.append("Scores grid, distance and direction: spatial relative information, in nats. 0 means that all "
                     "parts fail as often as the whole. Rare failures raise it by chance alone, as small parts often "
                     "hold none.")
    if any(score not in RELATIVE for score in request.scores):
        version = "1, as in the published tables" if request.version == PUBLISHED else "2"
        lines.append(f"Scores marked and unmarked: spatial self-information, version {version}, of the "
                     f"{request.largest or 'all'} nearest places, each linked to {request.neighbours}; right counts "
                     "1, wrong −1, background 0.")
    around = "all" if request.around == ALL else "those that fail"
    centres = max(figure.centres for figure in result.figures)
    lines.append(f"Places judged against chance: {around}, {centres:,} of {result.places:,}; each counts by the places "
                 "around it.")
    lines.append(f"Shuffles: {request.permutations}, seed {request.seed}. Places change their marks as a whole.")
    report.listing(lines)


def _map_places(places: np.ndarray, shown: np.ndarray) -> MapPlaces:
    """Return points for a map, without those not shown; layers across ±180° stay in one piece."""
    points = np.where(shown[:, np.newaxis], places, np.nan)
    longitudes = np.sort(points[np.isfinite(points[:, 0]), 0])
    if len(longitudes) > 1:
        gaps = np.diff(longitudes)
        widest = int(np.argmax(gaps))
        if gaps[widest] > 360.0 - (longitudes[-1] - longitudes[0]):
            points[:, 0] = np.where(points[:, 0] <= longitudes[widest], points[:, 0] + 360.0, points[:, 0])
    return MapPlaces(points, degrees=True)

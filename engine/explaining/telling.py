"""The page that explains a predictor: what it rests on, what moves it, and what a place's prediction resembles."""

from __future__ import annotations

import math
from pathlib import Path
from typing import List

import numpy as np

from ..charts import Series, line_chart
from ..dataset import spatial_reference
from ..geodesy import Ground
from ..map_charts import part_maps
from ..map_paper import MapPlaces
from ..number_text import number_text, score_text
from ..report import Aligned, Report, Shaded
from ..score_charts import Bar, whisker_chart
from ..space import parse_key
from ..training.report import Importance, Measure
from ..training.report.background import tell_importance
from ..training.sites import some_rows
from ..training.telling import kind_name
from .account import Explained
from .band_chart import band_chart
from .dependence import Dependence
from .dimension_chart import dimension_chart
from .feature_groups import COLUMN, PART, WHOLE, span_text
from .importance import GroupImportance
from .nearest_examples import PlaceExamples

_MOST_LINES = 6
_MOST_TARGETS = 4
_MOST_MAPS = 6
_MOST_DOTS = 1000
_PATTERN = 0.05


def write_explanation(path: str, found: Explained) -> None:
    """Write the page, whole or not at all."""
    report = Report(f"What “{found.card.name}” predicts from")
    report.lead(lead_sentence(found))
    for warning in found.warnings:
        report.warning(warning)
    _tell_importances(report, found)
    _tell_dependences(report, found)
    _tell_examples(report, found)
    _tell_dimensions(report, found)
    _tell_background(report, found)
    report.write(path)


def most_important(found: Explained) -> GroupImportance:
    """Return the part or column that matters most; the embedding as a whole where it is compared with columns only."""
    groups = found.importances.groups
    several = any(one.group.kind == PART for one in groups)
    return max((one for one in groups if not (several and one.group.kind == WHOLE)), key=lambda one: one.loss.value)


def lead_sentence(found: Explained) -> str:
    """Return the one thing to take home."""
    name, best = found.judgement.score_name, most_important(found)
    loss = best.loss
    if not loss.value > 0:
        return f"Nothing that was shuffled makes the {name} of {score_text(found.importances.score)} worse."
    what = {COLUMN: f"The column “{best.group.name}”", PART: f"The part “{best.group.name}” of the embedding"}.get(
        best.group.kind, "The embedding")
    more = " matters most" if len(found.importances.groups) > 1 else " is what it predicts from"
    return (f"{what}{more}: without it the {name} of {score_text(found.importances.score)} falls by "
            f"{score_text(loss.value)} ({score_text(loss.low)} to {score_text(loss.high)}).")


def _tell_importances(report: Report, found: Explained) -> None:
    """Show what the groups are worth."""
    name, error = found.judgement.score_name, found.judgement.error_name
    groups = found.importances.groups
    tell_importance(report, tuple(Importance(one.group.name, Measure(one.loss.value, one.loss.low, one.loss.high))
                                  for one in groups), f"loss of {name} when shuffled")
    several = len(found.card.target.names) > 1 and not found.card.classes
    errors = [f"{error} of {target}" for target in found.card.target.names] if several else [error]
    body = [[one.group.name, {WHOLE: "whole embedding", PART: "part of the embedding", COLUMN: "further column"}[
        one.group.kind], span_text(one.group.features) if one.group.kind != COLUMN else "–",
        Aligned(score_text(one.loss.value), f"{score_text(one.loss.low)} to {score_text(one.loss.high)}"),
        *(Aligned(_gain(float(value))) for value in one.errors)] for one in groups]
    report.table(["Group", "What it is", "Dimensions", f"Loss of {name}", *(f"Growth of {one}" for one in errors)],
                 body)
    at = ", ".join(f"{one} {number_text(float(value), 3)}" for one, value in zip(errors, found.importances.errors))
    report.explanation(
        f"As they are, the rows are predicted with {name} {score_text(found.importances.score)}, {at}. Then the values "
        f"of a group were dealt out anew among all rows, all its features together, {found.request.repeats} times; the "
        "figures are means. The ranges hold the loss in 19 of 20 samples of the labelled features and of the "
        "shufflings; where near features are alike, true ones are wider. Groups that tell the same stand in for each "
        "other: each then loses little alone, so losses don't add up. What is worthless here may matter elsewhere.")


def _gain(value: float) -> str:
    """Write a growth with its sign."""
    return ("+" if value > 0 else "") + number_text(value, 3)


def _tell_dependences(report: Report, found: Explained) -> None:
    """Show how predictions move with each further column."""
    if not found.dependences:
        return
    report.heading("How predictions change with the further columns")
    for one in found.dependences:
        if found.card.classes:
            _tell_class_dependence(report, found, one)
        else:
            _tell_value_dependence(report, found, one)
    report.explanation(
        "Each value was put into all rows (1,000 of them at most), everything else left as it is; points lie closest "
        "where most rows are. The line or bar is the mean of what is predicted then, the band or whisker holds the "
        "middle 80 % of the rows. Combinations that never occur are among them, and it is the predictor that is shown, "
        "not the world: a column that stands for another moves predictions as well.")


def _tell_value_dependence(report: Report, found: Explained, one: Dependence) -> None:
    """Show the mean of each target over a column."""
    target_plan = found.card.target
    for index, target in enumerate(target_plan.names[:_MOST_TARGETS]):
        unit = f" ({target_plan.units[index]})" if target_plan.units and target_plan.units[index] else ""
        if one.numeric:
            chart = band_chart([float(str(value)) for value in one.values], one.mean[:, index].tolist(),
                               one.low[:, index].tolist(), one.high[:, index].tolist(), one.column,
                               f"predicted {target}{unit}")
            report.figure(chart, f"{target} as predicted over {one.column}.")
        else:
            bars = [Bar(f"{value} ({count:,} rows)", float(mean), float(low), float(high)) for value, count, mean, low,
                    high in zip(one.values, one.rows, one.mean[:, index], one.low[:, index], one.high[:, index])]
            report.figure(whisker_chart(bars, f"predicted {target}{unit}", -math.inf, decimals=False),
                          f"{target} as predicted with each value of {one.column}.")


def _tell_class_dependence(report: Report, found: Explained, one: Dependence) -> None:
    """Show the probability of classes over a column."""
    classes = found.card.target.classes
    if one.numeric:
        span = np.ptp(one.mean, axis=0)
        shown = np.sort(np.argsort(-span, kind="stable")[:_MOST_LINES])
        x = [float(str(value)) for value in one.values]
        chart = line_chart([Series(classes[place].name, x, one.mean[:, place].tolist()) for place in shown.tolist()],
                           one.column, "mean probability")
        most = f" The {_MOST_LINES} classes that change most." if len(classes) > _MOST_LINES else ""
        report.figure(chart, f"Probability of classes over {one.column}.{most}")
        return
    body = [[str(value), count, *(Shaded(f"{100 * float(share):.0f} %", float(share)) for share in means)]
            for value, count, means in zip(one.values, one.rows, one.mean)]
    report.table([one.column, "Rows", *(part.name for part in classes)], body,
                 f"Mean probability of classes with each value of {one.column}.")


def _tell_examples(report: Report, found: Explained) -> None:
    """Show what each place resembles."""
    if not found.examples:
        return
    cosine = parse_key(found.card.space_key).metric == "cosine"
    report.heading("Predicted from these")
    report.explanation(
        "For each place the labelled rows that are most alike in embedding, one a feature. Distance is "
        + ("1 less the cosine of the two vectors" if cosine else "the Euclidean distance of the two vectors")
        + ": 0 is the same. A predictor by nearest neighbours does little but average such rows; others learnt from "
        "all rows, and these show what it knows of ground like this.")
    for one in found.examples:
        _tell_place(report, found, one)


def _tell_place(report: Report, found: Explained, one: PlaceExamples) -> None:
    """Show a place's examples."""
    card, rows = found.card, found.rows
    report.subheading(f"Place {one.place}: {number_text(one.point[0], 8)}, {number_text(one.point[1], 8)}")
    said = "Its further columns are not known, so it is not predicted here." if one.predicted is None else (
        f"Predicted: {_answer(found, one.predicted)}.")
    own = "" if one.own is None else f" Its vector is that of row {one.own}, which is not among its own examples."
    report.paragraph(said + own)
    body: "List[List[object]]" = []
    for rank, row in enumerate(one.rows.tolist()):
        truth = rows.truth[row]
        body.append([
            rank + 1, str(rows.ids[row]), Aligned(number_text(float(one.distances[rank]), 3)),
            Aligned(number_text(float(one.metres[rank]), 3)),
            card.target.classes[int(truth)].name if card.classes else _values(found, truth),
            _answer(found, one.row_predictions[rank]),
            Aligned(f"{number_text(float(rows.points[row, 0]), 8)}, {number_text(float(rows.points[row, 1]), 8)}")])
    report.table(["Rank", "Row", "Distance", "Metres away", "True", "Predicted", "Where"], body)
    if one.place <= _MOST_MAPS and np.isfinite(rows.points[one.rows]).all():
        # Among too many points the few examples could not be seen.
        shown = np.union1d(one.rows, some_rows(len(rows), _MOST_DOTS, found.request.seed))
        own = np.where(np.isin(shown, one.rows), 0, -1)
        degrees = Ground(rows.wkt).geographic
        metres = math.nan if degrees or not rows.wkt else spatial_reference(rows.wkt).GetLinearUnits()
        report.figure(part_maps(MapPlaces(rows.points[shown], degrees, metres), own,
                                [f"Examples of place {one.place}"]),
                      "Where the examples lie (dark) among the labelled rows.")


def _answer(found: Explained, predicted: np.ndarray) -> str:
    """Write a prediction."""
    if not found.card.classes:
        return _values(found, predicted)
    best = int(predicted.argmax())
    return f"{found.card.target.classes[best].name} ({100 * float(predicted[best]):.0f} %)"


def _values(found: Explained, values: np.ndarray) -> str:
    """Write a value for each target."""
    target = found.card.target
    units = target.units or ("",) * len(target.names)
    texts = [f"{number_text(float(value))} {unit}".strip() for value, unit in zip(values, units)]
    if len(texts) == 1:
        return texts[0]
    return ", ".join(f"{name} {text}" for name, text in zip(target.names, texts))


def _tell_dimensions(report: Report, found: Explained) -> None:
    """Show how the dimensions lie in space."""
    if not found.morans:
        return
    values = [one.value for one in found.morans]
    alike = sum(one.z > 0 and one.p < _PATTERN for one in found.morans)
    report.heading("How its dimensions lie in space")
    report.figure(dimension_chart(values, found.morans[0].expected),
                  f"Moran's I of each dimension over the 8 nearest rows: 1 = neighbours are alike; the dashed "
                  f"line is chance. {alike} of {len(values)} dimensions are "
                  "more alike among neighbours than chance would have it. A dimension that varies smoothly tells "
                  "where a place is as well as what it is like.")


def _tell_background(report: Report, found: Explained) -> None:
    """Show what was asked."""
    request, card = found.request, found.card
    report.heading("What was asked, and of what")
    asked = [["Predictor", Path(request.predictor).name], ["Model", kind_name(card.kind)],
             ["Target", ", ".join(card.target.names)], ["Labels", found.rows.name],
             ["Rows", f"{len(found.rows):,}"], ["Embedding", f"{card.dimensions} dimensions"]]
    if card.columns.groups:
        asked.append(["Further columns", ", ".join(card.columns.groups)])
    if request.groups.strip():
        asked.append(["Groups", request.groups])
    asked += [["Shufflings", str(request.repeats)], ["Seed", str(request.seed)]]
    report.table(["", ""], asked)
    report.listing(found.rows.told)
    sources = tuple(dict.fromkeys(item.sentence() for item in (*found.rows.identity.provenance, *card.provenance)))
    if sources:
        report.heading("Where the data come from")
        report.paragraph("Their licences ask you to say so wherever you show the predictions.")
        report.listing(list(sources))

"""The section on what comes out right and wrong: observed against predicted, confusion, and where errors lie."""

from __future__ import annotations

import numpy as np

from ...map_charts import error_maps, wrong_map
from ...report import Aligned, Figure, Report, Shaded
from ...score_charts import agreement_chart, agreement_range
from .input import ClassesTold, ReportInput, TargetTold
from .validation import map_places, with_places
from .words import F1, explained, measure_cell

_MOST_TARGETS = 4
_MOST_CLASSES = 20
_MOST_CONFUSED = 15


def tell_errors(report: Report, told: ReportInput) -> None:
    """Show the errors of every target, or of the classes."""
    if not told.targets and told.classes is None:
        return
    report.heading("What comes out right and wrong")
    for target in told.targets[:_MOST_TARGETS]:
        _tell_target(report, told, target)
    if told.classes is not None:
        _tell_classes(report, told, told.classes)


def _tell_target(report: Report, told: ReportInput, target: TargetTold) -> None:
    """Show one target's errors."""
    if len(told.targets) > 1:
        report.subheading(target.name)
    observed, predicted = np.asarray(target.observed, dtype=float), np.asarray(target.predicted, dtype=float)
    known = np.isfinite(observed) & np.isfinite(predicted)
    low, high = agreement_range(observed[known], predicted[known])
    beyond = int((((observed < low) | (observed > high) | (predicted < low) | (predicted > high)) & known).sum())
    caption = (f"{target.name}, predicted by a model that had not seen the place, against what was observed. On the "
               "dashed line the two are equal.")
    if known.sum() > 1500:
        caption += " Darker: more places."
    if beyond:
        caption += f" {beyond:,} places lie beyond the frame."
    report.figure(agreement_chart(observed, predicted, target.unit), caption)
    if target.transform:
        report.explanation(f"The model learnt {target.transform}, and its predictions are turned back: all figures and "
                           "charts are in the target's own unit.")
    if with_places(told) and told.places is not None:
        report.figure(error_maps(map_places(told.places), predicted - observed, target.unit),
                      "Where the errors lie. Dark patches are regions where the model is off as a whole.")
    if target.moran:
        report.paragraph(target.moran)


def _tell_classes(report: Report, told: ReportInput, classes: ClassesTold) -> None:
    """Show the confusion, the classes one by one, and where the wrong ones lie."""
    if len(classes.names) <= _MOST_CLASSES:
        _tell_confusion(report, classes)
    else:
        _tell_most_confused(report, classes)
    if classes.f1:
        _tell_each(report, classes)
    if classes.merged:
        report.listing(classes.merged)
    if with_places(told) and told.places is not None:
        wrong = np.asarray(classes.truth) != np.asarray(classes.predicted)
        report.figures([Figure(wrong_map(map_places(told.places), wrong), "Where the predicted class is wrong.")])
    if classes.moran:
        report.paragraph(classes.moran)


def _tell_confusion(report: Report, classes: ClassesTold) -> None:
    """Show what was taken for what."""
    counts = np.asarray(classes.confusion, dtype=np.float64)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    # Letters, since names are often numbers themselves.
    letters = [chr(ord("A") + number) for number in range(len(classes.names))]
    head = ["Is really", *letters, "All"]
    body = [[f"{letters[row]}: {name}",
             *(Shaded(f"{counts[row, column]:,.0f}", float(shares[row, column]), row == column)
               for column in range(len(classes.names))), int(counts[row].sum())]
            for row, name in enumerate(classes.names)]
    report.table(head, body, "Rows: what it is; columns: what it was predicted to be, by the letters of the rows. "
                 "Framed: right. The darker, the larger the share of its row.")


def _tell_most_confused(report: Report, classes: ClassesTold) -> None:
    """List what is taken for something else most often, where a table would be too large to read."""
    counts = np.array(classes.confusion, dtype=np.float64)
    totals = counts.sum(axis=1)
    np.fill_diagonal(counts, 0)
    order = np.argsort(-counts, axis=None)[:_MOST_CONFUSED]
    body = []
    for place in order.tolist():
        row, column = divmod(place, len(classes.names))
        if counts[row, column]:
            share = f"{100 * counts[row, column] / max(totals[row], 1):.0f} %"
            body.append([classes.names[row], classes.names[column], int(counts[row, column]), Aligned(share)])
    report.table(["Is really", "Taken for", "Rows", "Of all such"], body, "What is confused most often.")


def _tell_each(report: Report, classes: ClassesTold) -> None:
    """List how well each class is told."""
    counts = np.asarray(classes.confusion, dtype=np.float64)
    right = np.diag(counts)
    found, true = right / np.maximum(counts.sum(axis=1), 1), right / np.maximum(counts.sum(axis=0), 1)
    body = [[name, int(counts[row].sum()), Aligned(f"{100 * found[row]:.0f} %"), Aligned(f"{100 * true[row]:.0f} %"),
             measure_cell(F1, measure)]
            for row, (name, measure) in enumerate(zip(classes.names, classes.f1))]
    report.table(["Class", "Rows", "Of them found", "Of those so called, right", "F1"], body)
    report.explanation(explained((F1,)))

"""The page: the number to expect first, then what to mind, then everything that stands behind the two."""

from __future__ import annotations

import os

from ...report import Report
from .background import tell_background, tell_importance, tell_models
from .errors import tell_errors
from .input import ReportInput
from .scores import own_row, simplest_row, tell_scores
from .trust import tell_trust
from .validation import tell_validation
from .words import headline_sentence, meaning, typical_error


def write_training_report(path: "str | os.PathLike[str]", told: ReportInput) -> None:
    """Write the page, whole or not at all."""
    training_report(told).write(path)


def training_report(told: ReportInput) -> Report:
    """Return the page."""
    report = Report(told.title)
    report.lead(headline_sentence(told.headline))
    for warning in told.warnings:
        report.warning(warning)
    plain = " ".join(sentence for sentence in (meaning(told.headline), *_typical_errors(told)) if sentence)
    if plain:
        report.paragraph(plain)
    tell_training(report, told)
    return report


def tell_training(report: Report, told: ReportInput) -> None:
    """Tell all that stands behind the number and the warnings; pages of other analyses hold this, too."""
    tell_scores(report, told)
    tell_validation(report, told)
    tell_errors(report, told)
    tell_trust(report, told)
    tell_models(report, told)
    tell_importance(report, told.importance, told.importance_label)
    tell_background(report, told)


def _typical_errors(told: ReportInput) -> "list[str]":
    """Return how far off predictions of each target are."""
    found = []
    for table in told.scores:
        own = own_row(table)
        if own is not None:
            target = table.target if len(told.scores) > 1 else ""
            found.append(typical_error(table.figures, own, simplest_row(table), table.unit, target))
    return found

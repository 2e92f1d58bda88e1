"""The section on how good it is: the model beside random folds and the baselines."""

from __future__ import annotations

from typing import Optional

from ...report import Aligned, Report
from ...score_charts import Bar, whisker_chart
from .input import BASELINE, MODEL, RANDOM, FoldScores, ReportInput, ScoreRow, ScoreTable
from .words import explained, is_score, measure_cell, size_of, value_text

_MOST_FOLDS = 30


def own_row(table: ScoreTable) -> Optional[ScoreRow]:
    """Return the model's row."""
    return next((row for row in table.rows if row.role == MODEL), None)


def simplest_row(table: ScoreTable) -> Optional[ScoreRow]:
    """Return the baseline that needs no input."""
    return next((row for row in table.rows if row.role == BASELINE), None)


def tell_scores(report: Report, told: ReportInput) -> None:
    """Show the figures, of every target where there are several."""
    if not told.scores:
        return
    report.heading("How good it is, and beside what")
    report.paragraph("Every number is from rows that the model had not seen: they were kept out, a part at a time, "
                     "and predicted by a model trained on the others. What was kept in the end is trained on all rows.")
    for table in told.scores:
        _tell_table(report, table, len(told.scores) > 1)
    figures = tuple(dict.fromkeys(figure for table in told.scores for figure in table.figures))
    report.explanation(explained(figures) + " Beneath a figure: the interval that the true one lies in with 95 % "
                       "confidence, as far as the folds tell.")


def _tell_table(report: Report, table: ScoreTable, several: bool) -> None:
    """Draw the first figure and list all of them."""
    if several and table.target:
        report.subheading(table.target)
    first = table.figures[0]
    bars = [Bar(row.name, row.measures[0].value, row.measures[0].low, row.measures[0].high, row.role == MODEL)
            for row in table.rows if row.measures]
    label = first + (f" of {table.target}" if table.target else "")
    report.figure(whisker_chart(bars, label, decimals=is_score(first)), _caption(table))
    head = ["", *(f"{figure} ({table.unit})" if table.unit and not is_score(figure) else figure
                  for figure in table.figures)]
    size = size_of(table.figures, ([measure.value for measure in row.measures] for row in table.rows))
    body = [[row.name, *(measure_cell(figure, measure, size) for figure, measure
                         in zip(table.figures, row.measures))] for row in table.rows]
    report.table(head, body, own=[index for index, row in enumerate(table.rows) if row.role == MODEL])


def _caption(table: ScoreTable) -> str:
    """Say how to read the bars."""
    roles = {row.role for row in table.rows}
    told = "The dark bar is what to expect; whiskers are its interval over the folds."
    if RANDOM in roles:
        told += " Random folds test right beside training places, so they promise more than holds elsewhere."
    if BASELINE in roles:
        told += " A baseline that comes near the dark bar means that the embeddings add little."
    return told


def tell_folds(report: Report, scores: FoldScores) -> None:
    """List the figures of every fold, none of which is the one to quote."""
    size = size_of(scores.figures, scores.values)
    shown = range(min(len(scores.names), _MOST_FOLDS))
    body = [[scores.names[index], scores.sizes[index],
             *(Aligned(value_text(figure, value, size)) for figure, value in zip(scores.figures, scores.values[index]))]
            for index in shown]
    more = len(scores.names) - len(shown)
    caption = "Every fold by itself" + (f"; {more} more are left out here." if more > 0 else ".")
    report.table(["Fold", "Rows", *scores.figures], body, caption)

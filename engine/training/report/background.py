"""The last sections: what the model uses, what else was tried, what was asked, and where the data come from."""

from __future__ import annotations

from ...report import Report
from ...score_charts import Bar, whisker_chart
from .input import Importance, ReportInput
from .words import measure_cell

_MOST_IMPORTANT = 20


def tell_models(report: Report, told: ReportInput) -> None:
    """List the models that were compared."""
    if not told.compared:
        return
    report.heading("Models that were compared")
    figure = told.headline.figure
    body = [[one.name + (" (chosen)" if one.chosen else ""), measure_cell(figure, one.measure), one.settings]
            for one in told.compared]
    report.table(["Model", figure, "Settings"], body, own=[index for index, one in enumerate(told.compared)
                                                           if one.chosen])
    report.explanation("The figure at the top of this page is not the best of this list: in every fold the model was "
                       "chosen anew without looking at the rows kept out.")


def tell_importance(report: Report, importance: "tuple[Importance, ...]", label: str) -> None:
    """Draw what the predictions rest on."""
    if not importance:
        return
    report.heading("What it uses")
    shown = sorted(importance, key=lambda one: -one.measure.value)[:_MOST_IMPORTANT]
    bars = [Bar(one.name, one.measure.value, one.measure.low, one.measure.high) for one in shown]
    more = f" The {len(shown)} of {len(importance)} that matter most." if len(importance) > len(shown) else ""
    report.figure(whisker_chart(bars, label or "how much worse without it", decimals=False),
                  "How much worse predictions get when a group of inputs is shuffled among the rows: what stays near 0 "
                  f"could as well be left out.{more}")


def tell_background(report: Report, told: ReportInput) -> None:
    """Show what was asked and where it comes from."""
    if told.asked or told.counts or told.notes:
        report.heading("What was asked, and of what")
    if told.asked:
        report.table(["", ""], [list(pair) for pair in told.asked])
    if told.counts or told.notes:
        report.listing([*told.counts, *told.notes])
    if told.provenance:
        report.heading("Where the data come from")
        report.paragraph("Their licences ask you to say so wherever you show the predictions.")
        report.listing(list(told.provenance))
    if told.versions:
        report.explanation("Made with " + ", ".join(f"{name} {version}" for name, version in told.versions) + ".")

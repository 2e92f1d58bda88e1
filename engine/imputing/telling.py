"""The report of filled values: what was filled in each column, and how good its model is where the truth is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional, Sequence

from ..number_text import score_text
from ..report import Aligned, Report
from ..training.account import Account
from ..training.report import tell_training
from ..training.report.words import headline_sentence
from ..training.telling import told as training_told

_WHY_MISSING = ("The figures come from rows whose value is known, so they hold for gaps that came about by chance. "
                "Values that are missing for a reason of their own, because they were small, secret or hard to reach, "
                "may lie beyond them, and nothing here can show that.")


@dataclass(frozen=True)
class ToldColumn:
    """What became of a column: cells filled, left empty, and filled where the model has seen nothing alike."""

    name: str
    filled: int
    left: int
    outside: int
    account: Optional[Account]
    warnings: "tuple[str, ...]"
    rounded: bool = False

    def sentence(self) -> str:
        """Return it as a sentence."""
        told = f"{self.filled:,} missing values of “{self.name}” were filled"
        if self.rounded:
            told += ", rounded since the column holds whole numbers"
        return f"{told}; {self.outside:,} of them where nothing alike has a value."


def write_report(path: str, layer: str, columns: "Sequence[ToldColumn]") -> None:
    """Write the page."""
    report = Report(f"Missing values of {', '.join(one.name for one in columns)}")
    learnt = [one for one in columns if one.account is not None]
    if len(columns) == 1 and learnt:
        report.lead(f"{learnt[0].sentence()} {headline_sentence(training_told(_account(learnt[0])).headline)}")
    else:
        report.lead(f"{sum(one.filled for one in columns):,} missing values of {layer} were filled in "
                    f"{len(learnt)} columns.")
    for one in columns:
        for warning in one.warnings:
            report.warning(f"{one.name}: {warning}" if len(columns) > 1 else warning)
    if learnt:
        report.paragraph(_WHY_MISSING)
    if len(columns) > 1:
        _tell_columns(report, columns)
    for one in learnt:
        if len(columns) > 1:
            report.heading(f"The column {one.name}")
            report.paragraph(headline_sentence(training_told(_account(one)).headline))
        tell_training(report, training_told(_account(one)))
    report.write(path)


def _tell_columns(report: Report, columns: "Sequence[ToldColumn]") -> None:
    """List the columns."""
    rows: "List[List[object]]" = []
    for one in columns:
        score = "–" if one.account is None else f"{one.account.score_name} {score_text(one.account.model.score)}"
        rows.append([one.name, one.filled, one.left, one.outside, Aligned(score)])
    report.table(["Column", "Filled", "Left empty", "Unlike the known", "Score out of fold"], rows)


def _account(told: ToldColumn) -> Account:
    """Return the account of a column that was learnt."""
    if told.account is None:
        raise ValueError("nothing was learnt of this column")
    return told.account

"""The report of a training: one HTML page that says how good the predictions will be, and why one may believe it."""

from __future__ import annotations

from .input import (
    Applicability,
    ClassesTold,
    Compared,
    Coverage,
    FoldScores,
    FoldsTold,
    Headline,
    Importance,
    Measure,
    PlacesTold,
    Reliability,
    ReportInput,
    ScoreRow,
    ScoreTable,
    TargetTold,
)
from .page import tell_training, training_report, write_training_report

__all__ = [
    "Applicability", "ClassesTold", "Compared", "Coverage", "FoldScores", "FoldsTold", "Headline", "Importance",
    "Measure", "PlacesTold", "Reliability", "ReportInput", "ScoreRow", "ScoreTable", "TargetTold",
    "tell_training", "training_report", "write_training_report",
]

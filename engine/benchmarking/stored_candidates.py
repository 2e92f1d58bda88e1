"""Embeddings that lie ready: rasters under the labels, tables joined to them, and vectors that the labels carry."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any, Callable, Mapping, Optional

import numpy as np

from ..partial import file_facts
from ..progress import Part, Progress
from ..table import Rows
from ..training.gathering.field_source import from_field
from ..training.gathering.found import Found
from ..training.gathering.joins import key_columns
from ..training.gathering.table_source import from_layer, from_table
from .candidates import FIELD, OWN, TABLE, Vectors, shapes_digest
from .questions import Question


@dataclass(frozen=True)
class FieldCandidate:
    """An embedding raster, or any raster whose bands are taken as they are."""

    name: str
    path: str
    kind: str = FIELD

    def facts(self, question: Question) -> "Mapping[str, Any]":
        """Return the file and where it is looked up."""
        return {"file": file_facts(self.path), "labels": shapes_digest(question),
                "sampling": question.gather.sampling}

    def vectors(self, question: Question, progress: Progress) -> Vectors:
        """Look the labels up: the mean of the cells of a polygon, one vector a label."""
        return _timed(lambda: from_field(self.path, question.labels, question.gather, progress), question)


@dataclass(frozen=True)
class TableCandidate:
    """An embedding table that is joined to the labels by place or by key."""

    name: str
    rows: Rows
    kind: str = TABLE

    def facts(self, question: Question) -> "Optional[Mapping[str, Any]]":
        """Return nothing: rows may be filtered, selected or edited, so their vectors themselves must tell."""
        return None

    def vectors(self, question: Question, progress: Progress) -> Vectors:
        """Join."""
        keys = key_columns(question.gather, self.rows)
        labels = question.labels
        if keys is not None:
            cells = (labels.targets if keys[0].name == question.target and question.classification
                     else labels.columns[keys[0].name])
            labels = replace(labels, keys=list(cells))
        return _timed(lambda: from_table(self.rows, keys, labels, question.gather, progress), question)


@dataclass(frozen=True)
class OwnCandidate:
    """The vectors that the labelled layer carries itself."""

    name: str = "own vectors"
    kind: str = OWN

    def facts(self, question: Question) -> "Optional[Mapping[str, Any]]":
        """Return nothing: what the rows hold tells."""
        return None

    def vectors(self, question: Question, progress: Progress) -> Vectors:
        """Decode them."""
        return _timed(lambda: from_layer(question.labels, question.gather, progress), question)


class Quiet(Part):
    """A progress that moves, but leaves out what readers of files say of each of them, but for warnings."""

    def __init__(self, whole: Progress) -> None:
        """Pass fractions and warnings on."""
        super().__init__(whole, 0.0, 1.0)

    def info(self, text: str) -> None:
        """Keep it to itself."""


def _timed(work: "Callable[[], Found]", question: Question) -> Vectors:
    """Return what was found as vectors, one a label and in their order, with the time that it took."""
    started = time.perf_counter()
    found = work()
    seconds = time.perf_counter() - started
    there = np.zeros(len(question.labels), dtype=bool)
    there[found.labels] = True
    order = np.argsort(found.labels, kind="stable")
    return Vectors(np.ascontiguousarray(found.vectors[order], dtype=np.float32), there, seconds)

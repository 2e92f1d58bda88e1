"""Predicts for the rows of an embedding table: new columns beside the attributes and vectors, which stay."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional

import numpy as np

from ..progress import Part, Progress, check
from ..provenance import merged
from ..registry import Registry
from ..table import ColumnSpec, Table, TableChunk, TableWriter
from ..table.kept_names import kept_names
from ..table.parts import Identity
from .asking import APPLICABLE, PREDICTED, Answers, answers_of, tell_share
from .card import PredictorCard
from .column_gaps import ColumnGaps
from .predictor import Predicted, open_predictor
from .request import PredictResult, PredictTableRequest


def predict_table(table: Table, request: PredictTableRequest, progress: Progress,
                  registry: Optional[Registry] = None) -> PredictResult:
    """Write the table with its predictions."""
    name = Path(request.predictor).name
    predictor = open_predictor(request.predictor, progress)
    predictor.require_space(table.space_key, table.name)
    card = predictor.card
    answers = answers_of(card, request.options, name, progress)
    spelled = card.columns.spelled(table.columns, table.name)
    renamed = kept_names(table.name, table.columns, answers.names, progress)
    columns = [ColumnSpec(renamed.get(column.name, column.name), column.type) for column in table.columns]
    columns += [ColumnSpec(column, _type(column, card)) for column in answers.names]
    gaps = ColumnGaps(card.columns)
    done = outside = 0
    rest = Part(progress, 0.02, 1.0)
    with TableWriter(request.output, table.wkt, table.geometry_type, columns, _identity(table, card),
                     registry=registry) as writer:
        for chunk in table.chunks():
            check(progress)
            rest.report(done / max(table.count, 1), "Predicting")
            features = _features(chunk, card, spelled, gaps)
            predicted = predictor.predict(features, answers.wanted)
            values: "Dict[str, Any]" = {renamed.get(name, name): cells for name, cells in chunk.columns.items()}
            values.update(zip(answers.names, _cells(card, answers, predicted)))
            writer.write(chunk.wkb, values, chunk.vectors)
            done += len(chunk.vectors)
            if predicted.applicable is not None:
                outside += int((~predicted.applicable).sum())
    progress.report(1.0)
    gaps.tell(progress)
    outside = outside if answers.wanted.applicability else -1
    tell_share("rows", done, outside, name, progress)
    classes = tuple((value, one.name, one.colour) for value, one in zip(_class_values(card), card.target.classes))
    return PredictResult(request.output, done, outside, values=classes)


def _features(chunk: TableChunk, card: PredictorCard, spelled: "Mapping[str, str]",
              gaps: ColumnGaps) -> np.ndarray:
    """Return `(D + C, n)` of vectors and encoded columns; counts the cells that training has no number for."""
    vectors = np.ascontiguousarray(chunk.vectors.T)
    if not spelled:
        return vectors
    values = {name: chunk.columns[own] for name, own in spelled.items()}
    gaps.count(values)
    return np.concatenate([vectors, np.ascontiguousarray(card.columns.encode(values).T)])


def _cells(card: PredictorCard, answers: Answers, predicted: Predicted) -> "List[List[Any]]":
    """Return the cells of the new columns in order; classes by their values in the labels."""
    rows = answers.rows(predicted)
    found: "List[List[Any]]" = [[value if np.isfinite(value) else None for value in row.astype(np.float64).tolist()]
                                for row in rows]
    if predicted.classes is not None:
        values = _class_values(card)
        found[0] = [values[number] for number in predicted.classes.tolist()]
    if predicted.applicable is not None:
        found[answers.names.index(APPLICABLE)] = [bool(value) for value in predicted.applicable]
    return found


def _class_values(card: PredictorCard) -> "List[Any]":
    """Return the classes as they stood in the labels."""
    codes = card.target.codes
    return [one.value for one in card.target.classes] if codes is None else list(codes)


def _type(column: str, card: PredictorCard) -> str:
    """Return the type of a new column."""
    if column == APPLICABLE:
        return "boolean"
    if column == PREDICTED and card.target.classes:
        return "text" if card.target.codes is None else "integer64"
    return "real"


def _identity(table: Table, card: PredictorCard) -> Identity:
    """Return the table's space; its provenance names what the predictor was trained on, too."""
    found = table.identity()
    return replace(found, provenance=merged(found.provenance, card.provenance))

"""Labelled rows as a predictor sees them: encoded by its own card, with the truth in its units or classes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, List, Tuple

import numpy as np

from ..errors import InputError
from ..predictors.card import REGRESSION, PredictorCard
from ..predictors.predictor import Predictor
from ..progress import Part, Progress
from ..table.parts import Identity, key_text
from ..table.schema import column_named
from ..training.columns import level_of
from ..training.gathering.field_source import from_field
from ..training.gathering.found import NO_VECTOR, Found
from ..training.gathering.joins import key_columns
from ..training.gathering.labels import Labels, ReadLabels, read_labels
from ..training.gathering.table_source import from_layer, from_table
from ..training.gathering.vectors import vectors_missing
from .request import FEWEST_ROWS, ExplainRequest


@dataclass(frozen=True)
class LabelledRows:
    """Rows to explain by: features `(F, n)` float32 as the predictor takes them, embedding first.

    `truth` is `(n, T)` in the targets' units or `(n,)` class indices; `points` `(n, 2)` lie in the CRS of `wkt`, NaN
    where there is none; `units` are the numbers of the layer's features, which several rows may share, and `ids` what
    they are called.
    """

    name: str
    features: np.ndarray
    dimensions: int
    truth: np.ndarray
    points: np.ndarray
    wkt: str
    units: np.ndarray
    ids: "List[Any]"
    identity: Identity
    told: "Tuple[str, ...]"

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.features.shape[1]

    @property
    def vectors(self) -> np.ndarray:
        """Return the embeddings `(D, n)`."""
        return self.features[:self.dimensions]


def labelled_rows(request: ExplainRequest, predictor: Predictor, progress: Progress) -> LabelledRows:
    """Read labels, find their vectors, and encode them as the predictor does; what is left out is counted and told."""
    card = predictor.card
    rows = request.rows
    target = _target(request, card)
    spelled = card.columns.spelled(rows.columns, rows.name)
    gathering = request.gathering(target, tuple(spelled.values()), card.task)
    gathering.check()
    table = gathering.embeddings
    keys = None if table is None or isinstance(table, (str, os.PathLike)) else key_columns(gathering, table)
    read = read_labels(gathering, None if keys is None else keys[0], Part(progress, 0.0, 0.3))
    labels, truth, unknown = _truth(read, card)
    whole = Part(progress, 0.3, 1.0)
    if table is None:
        found = from_layer(labels, gathering, whole)
    elif isinstance(table, (str, os.PathLike)):
        found = from_field(os.fspath(table), labels, gathering, whole)
    else:
        found = from_table(table, keys, labels, gathering, whole)
    where = embeddings_name(request)
    predictor.require_space(key_text(found.identity, "f4"), where)
    owners = found.labels
    _require_enough(found, owners, where, request)
    values = {name: labels.columns[own] for name, own in spelled.items()}
    features = np.ascontiguousarray(found.vectors.T, dtype=np.float32)
    if spelled:
        features = np.concatenate([features, np.ascontiguousarray(card.columns.encode(values)[owners].T)])
    kept = truth[owners]
    _require_variety(kept, card, request)
    told = _told(read, unknown, len(np.unique(owners)), len(owners), request)
    for text in told[1:]:
        progress.info(text)
    return LabelledRows(rows.name, features, card.dimensions, kept, found.points, rows.wkt, labels.rows[owners],
                        [labels.ids[owner] for owner in owners.tolist()], found.identity, told)


def embeddings_name(request: ExplainRequest) -> str:
    """Return what messages call the source of vectors."""
    source = request.embeddings
    if source is None:
        return request.rows.name
    return os.fspath(source) if isinstance(source, (str, os.PathLike)) else source.name


def _target(request: ExplainRequest, card: PredictorCard) -> "Tuple[str, ...]":
    """Return the columns of truths: those named, or those that the card names."""
    names = card.target.names
    if request.target and len(request.target) != len(names):
        raise InputError("explain-targets", "TARGET names {given} columns, and {predictor} predicts {count} ({names}): "
                         "name one for each, in this order.", given=len(request.target), predictor=request.predictor,
                         count=len(names), names=", ".join(names))
    both = next((name for name in request.target if name.lower() in {one.lower() for one in card.columns.groups}), None)
    if both is not None:
        raise InputError("explain-target-column", "TARGET names “{column}”, which {predictor} predicts from: name the "
                         "column that holds the true values.", column=both, predictor=request.predictor)
    if request.target:
        return request.target
    for name in names:
        if column_named(request.rows.columns, name) is None:
            raise InputError("explain-target", "{layer} has no column “{column}”, which {predictor} predicts: name the "
                             "column that holds the true values in TARGET.", layer=request.rows.name, column=name,
                             predictor=request.predictor)
    return names


def _truth(read: ReadLabels, card: PredictorCard) -> "Tuple[Labels, np.ndarray, int]":
    """Return the labels whose truth the predictor could say, that truth, and how many it could not."""
    if card.task == REGRESSION:
        return read.labels, np.asarray(read.labels.targets, dtype=np.float64), 0
    index = {one.value: number for number, one in enumerate(card.target.classes)}
    merged = card.target.merged
    texts = [str(level_of(value)) for value in read.labels.targets]
    found = np.array([index.get(merged.get(text, text), -1) for text in texts], dtype=np.int64)
    if not (found >= 0).any():
        raise InputError("explain-classes", "No value of “{target}” is a class that the predictor knows ({known}; the "
                         "layer has {given}): name the column of classes in TARGET.", target=read.fields.target[0].name,
                         known=_first([one.value for one in card.target.classes]), given=_first(sorted(set(texts))))
    return read.labels.part(found >= 0), found[found >= 0], int((found < 0).sum())


def _require_enough(found: Found, owners: np.ndarray, where: str, request: ExplainRequest) -> None:
    """Refuse too few rows, and say why there are none."""
    name, count = request.rows.name, len(owners)
    if not count and (found.fates == NO_VECTOR).all():
        raise vectors_missing(where)
    if not count:
        raise InputError("explain-outside", "No label of {name} has a vector in {where}: check that the two overlap, "
                         "or name the columns to join by in KEY and EMBEDDINGS_KEY.", name=name, where=where)
    if count < FEWEST_ROWS:
        raise InputError("explain-few", "Only {count} rows of {name} have a true value and a vector: shuffling them "
                         "tells nothing, so give at least {least}.", count=count, name=name, least=FEWEST_ROWS)


def _require_variety(truth: np.ndarray, card: PredictorCard, request: ExplainRequest) -> None:
    """Refuse truths that are all the same, against which no prediction can be judged."""
    columns = truth[:, np.newaxis] if truth.ndim == 1 else truth
    for name, column in zip(card.target.names, columns.T):
        if (column == column[0]).all():
            raise InputError("explain-constant", "“{target}” of {name} is the same in all {count} rows that can be "
                             "used: give rows that differ.", target=name, name=request.rows.name, count=len(column))


def _told(read: ReadLabels, unknown: int, used: int, samples: int, request: ExplainRequest) -> "Tuple[str, ...]":
    """Return what became of the features."""
    name = request.rows.name
    first = f"{used:,} of {read.read:,} features of {name} are used"
    found = [first + (f", with {samples:,} samples." if samples != used else ".")]
    reasons = ((read.without_target, "have no true value"), (read.infinite, "have an infinite value"),
               (unknown, "are of classes that the predictor doesn't know"),
               (len(read.labels) - unknown - used, "have no vector"))
    found += [f"{count:,} features of {name} {words}." for count, words in reasons if count]
    return tuple(found)


def _first(values: "List[str]", most: int = 8) -> str:
    """Return the first few values."""
    return ", ".join(values[:most]) + (", …" if len(values) > most else "")

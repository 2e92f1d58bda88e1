"""Gathers samples: labels read, vectors found, further columns encoded, targets transformed or made classes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, List, Optional, Sequence, Tuple

import numpy as np

from ...dataset import longitude_latitude
from ...errors import InputError
from ...features.placing import stated
from ...progress import Part, Progress
from ..columns import ColumnPlan, fit_columns, level_of
from ..samples import SampleCounts, Samples
from ..target import TargetPlan
from ..transforms import NONE, fit_transform
from .classes import classes_of, merging, require_classes, target_plan, tell_small
from .field_source import from_field
from .found import MASKED, NO_PLACE, NO_VECTOR, OUTSIDE, Found
from .joins import key_columns
from .labels import Fields, Labels, ReadLabels, read_labels
from .request import DROP, REGRESSION, GatherRequest
from .table_source import from_layer, from_table
from .vectors import vectors_missing

_NO_GROUP = "(none)"


def gather(request: GatherRequest, progress: Progress) -> Samples:
    """Return the samples of a request, and tell what was left out and why."""
    request.check()
    table = None if request.embeddings is None or isinstance(request.embeddings, (str, os.PathLike)) else (
        request.embeddings)
    keys = None if table is None else key_columns(request, table)
    read = read_labels(request, None if keys is None else keys[0], Part(progress, 0.0, 0.2))
    _check_targets(read.labels, read.fields, request)
    labels, dropped = _complete(read, request)
    whole = Part(progress, 0.2, 0.95)
    if request.embeddings is None:
        found = from_layer(labels, request, whole)
    elif table is not None:
        found = from_table(table, keys, labels, request, whole)
    else:
        found = from_field(os.fspath(request.embeddings), labels, request, whole)
    _require_some(found, labels, request)
    used = np.zeros(len(labels), dtype=bool)
    used[found.labels] = True
    goal = _goal(labels, used, found.labels, read.fields, request, progress)
    kept = goal.kept[found.labels]
    owners = found.labels[kept]
    plan, encoded, filled = _columns(labels, used & goal.kept, read.fields, request, progress)
    counts = SampleCounts(
        read=read.read, used=int((used & goal.kept).sum()), without_target=read.without_target,
        outside=int((found.fates == OUTSIDE).sum()), without_vector=int((found.fates == NO_VECTOR).sum()),
        infinite=read.infinite, without_place=int((found.fates == NO_PLACE).sum()), columns_filled=filled,
        columns_dropped=dropped, too_small=int((used & ~goal.kept).sum()), without_weight=read.without_weight,
        masked=int((found.fates == MASKED).sum()))
    groups, names = _groups(labels, owners)
    weights = labels.weights[owners]
    _tell(counts, len(owners), request, progress)
    progress.report(1.0)
    points = found.points[kept]
    return Samples(
        request.rows.name, np.ascontiguousarray(found.vectors[kept], dtype=np.float32), encoded[owners],
        goal.targets[owners], weights / weights.mean(), points, _places(request.rows.wkt, points), request.rows.wkt,
        labels.rows[owners], groups, names, [labels.ids[owner] for owner in owners.tolist()], found.identity, plan,
        goal.plan, counts)


@dataclass(frozen=True)
class _Goal:
    """The targets of all labels, those that are not used among them, and which may stay."""

    targets: np.ndarray
    plan: TargetPlan
    kept: np.ndarray


def _check_targets(labels: Labels, fields: Fields, request: GatherRequest) -> None:
    """Refuse targets that can't be learnt before any vector is read."""
    if request.task == REGRESSION:
        _require_varied(labels.targets, fields, request)
        for index, column in enumerate(fields.target):
            fit_transform(request.transform, labels.targets[:, index], column.name)
    else:
        texts = require_classes(labels.targets, fields.target[0], request.rows.name)
        merging(request.merge, sorted(set(texts)), request.rows.name)


def _require_varied(targets: np.ndarray, fields: Fields, request: GatherRequest) -> None:
    """Refuse a target that is the same everywhere."""
    for index, column in enumerate(fields.target):
        values = targets[:, index]
        if (values == values[0]).all():
            raise InputError("target-constant", "The target “{target}” of {name} is {value:g} in all {count} rows that "
                             "can be used: choose a column that varies.", target=column.name, name=request.rows.name,
                             value=float(values[0]), count=len(values))


def _complete(read: ReadLabels, request: GatherRequest) -> "Tuple[Labels, int]":
    """Return the labels without those that lack a further column, where these are to be dropped, and how many."""
    if request.missing != DROP or not read.fields.columns:
        return read.labels, 0
    plan = fit_columns(read.fields.columns, read.labels.columns)
    whole = ~plan.missing(read.labels.columns).any(axis=1)
    if not whole.any():
        raise InputError("columns-missing", "Every row of {name} lacks a value in at least one of {columns}: leave a "
                         "column out, or let missing values be imputed.", name=request.rows.name,
                         columns=", ".join(request.columns))
    return read.labels.part(whole), int((~whole).sum())


def _require_some(found: Found, labels: Labels, request: GatherRequest) -> None:
    """Say why no label has a vector."""
    if len(found.labels):
        return
    name, embeddings = request.rows.name, request.embeddings
    fates = np.bincount(found.fates, minlength=5)
    if fates[MASKED] == len(labels) or (fates[MASKED] and not fates[NO_VECTOR]):
        raise InputError("labels-masked", "No label of {name} lies in the mask: choose another mask, or none.",
                         name=name)
    if embeddings is None:
        raise vectors_missing(name)
    where = embeddings if isinstance(embeddings, str) else getattr(embeddings, "name", str(embeddings))
    if fates[NO_PLACE] == len(labels):
        raise InputError("labels-placeless", "No label of {name} has a geometry with a place in its CRS: check them, "
                         "or join by KEY.", name=name)
    if fates[NO_VECTOR] and not isinstance(embeddings, str):
        raise vectors_missing(where)
    if fates[NO_VECTOR]:
        raise InputError("labels-empty", "All labels of {name} that lie on {field} lie on cells without a value: check "
                         "its nodata value.", name=name, field=where)
    raise InputError("labels-outside", "All {count} labels of {name} lie outside of {field}: check their CRS and that "
                     "the two overlap.", count=len(labels), name=name, field=where)


def _goal(labels: Labels, used: np.ndarray, owners: np.ndarray, fields: Fields, request: GatherRequest,
          progress: Progress) -> _Goal:
    """Fit transforms, or make classes, on the labels that have a vector."""
    if request.task == REGRESSION:
        _require_varied(labels.targets[used], fields, request)
        transforms = tuple(fit_transform(request.transform, labels.targets[used, index], column.name)
                           for index, column in enumerate(fields.target))
        for column, transform in zip(fields.target, transforms):
            if transform.kind != NONE:
                progress.info(f"“{column.name}” is learnt as {transform.in_words()}; predictions are in its own units.")
            elif request.transform != NONE:
                progress.info(f"“{column.name}” needs no transform.")
        plan = TargetPlan(tuple(column.name for column in fields.target), transforms,
                          request.units if len(request.units) == len(transforms) else ())
        return _Goal(plan.forward(labels.targets), plan, np.ones(len(labels), dtype=bool))
    texts = [str(level_of(value)) for value in labels.targets]
    places = np.flatnonzero(used)
    require_classes([labels.targets[place] for place in places.tolist()], fields.target[0], request.rows.name)
    classes = classes_of([texts[place] for place in places.tolist()], request)
    tell_small(classes, request, progress)
    index = np.full(len(labels), -1, dtype=np.int64)
    index[places] = classes.index
    sampled = index[owners]
    counts = np.bincount(sampled[sampled >= 0], minlength=len(classes.values))
    return _Goal(index, target_plan(classes, counts, request, fields.target[0]), index >= 0)


def _columns(labels: Labels, kept: np.ndarray, fields: Fields, request: GatherRequest,
             progress: Progress) -> "Tuple[ColumnPlan, np.ndarray, int]":
    """Return the plan of the further columns, the columns of all labels encoded, and how many cells were filled."""
    if not fields.columns:
        return ColumnPlan(), np.zeros((len(labels), 0), dtype=np.float32), 0
    used = labels.part(kept)
    plan = fit_columns(fields.columns, used.columns)
    missing = plan.missing(used.columns).sum(axis=0)
    for column, count in zip(plan.columns, missing.tolist()):
        if count:
            value = f"their median, {column.median:g}" if hasattr(column, "median") else "a level of its own"
            progress.info(f"{count} missing values of “{column.name}” were given {value}.")
    encoded = plan.encode(labels.columns)
    still = np.ptp(encoded[kept], axis=0) == 0
    for name, part in plan.groups.items():
        if still[part].all():
            progress.warn(f"The column “{name}” has one value in all rows, so it says nothing: leave it out.")
    return plan, encoded, int(missing.sum())


def _groups(labels: Labels, owners: np.ndarray) -> "Tuple[Optional[np.ndarray], Tuple[str, ...]]":
    """Return the group of each sample as a number, and the groups' names."""
    if labels.groups is None:
        return None, ()
    texts = [level_of(value) or _NO_GROUP for value in labels.groups]
    names, index = np.unique(np.array([texts[owner] for owner in owners.tolist()]), return_inverse=True)
    return index.astype(np.int64), tuple(str(name) for name in names)


def _places(wkt: str, points: np.ndarray) -> np.ndarray:
    """Return longitudes and latitudes, NaN where there is none."""
    found = np.full(points.shape, np.nan)
    there = np.isfinite(points).all(axis=1)
    if there.any():
        found[there] = longitude_latitude(stated(wkt), points[there])
    return found


def _tell(counts: SampleCounts, samples: int, request: GatherRequest, progress: Progress) -> None:
    """Say how many labels are used, and why others are not."""
    where = "the field" if isinstance(request.embeddings, str) else "the table"
    outside = "outside of the field" if isinstance(request.embeddings, str) else "without a row in the table"
    reasons: "List[str]" = [f"{count} {text}" for count, text in _reasons(counts, outside, where) if count]
    text = f"{counts.used} of {counts.read} labels of {request.rows.name} are used"
    if samples != counts.used:
        text += f", with {samples} samples"
    if not reasons:
        progress.info(text + ".")
        return
    told = f"{text}; left out are {_in_row(reasons)}."
    # A label without a value was not meant to be learnt from; all else is worth a look.
    (progress.info if counts.left_out == counts.without_target else progress.warn)(told)


def _reasons(counts: SampleCounts, outside: str, where: str) -> "Sequence[Tuple[int, Any]]":
    """Return how many were left out for which reason."""
    return ((counts.without_target, "without a target"), (counts.infinite, "with an infinite value"),
            (counts.without_weight, "with no weight or a weight of 0"),
            (counts.columns_dropped, "with a missing value in a further column"),
            (counts.masked, "outside of the mask"), (counts.without_place, "without a place"),
            (counts.outside, outside), (counts.without_vector, f"without a vector in {where}"),
            (counts.too_small, "of classes that are too small"))


def _in_row(parts: "Sequence[str]") -> str:
    """Return parts as a list in a sentence."""
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]

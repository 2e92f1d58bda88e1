"""Learns columns: numbers by Huber's loss, classes by cross-entropy, several at once, values missing where they are."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Tuple

import numpy as np

from ...errors import InputError
from ...progress import Part, Progress
from ...provenance import Provenance
from ...table import ColumnSpec, Rows
from ...training.columns import NUMERIC_TYPES, level_of
from ...training.folds import Folds, inner_folds
from ..figures import ACCURACY, R2, balanced, squared, together, verdict_of
from ..gathered import Gathered
from ..judged import CONSTANT, COORDINATES, ENCODER, NEIGHBOURS, Verdict
from ..probing import coordinates, neighbours, ridge
from ..reading import named_column, read_rows
from ..request import AUTOMATIC, CLASSIFICATION, REGRESSION, TARGET, TASKS, TrainLocationRequest
from .objective import Judgement, Seen
from .warnings import target_warnings

_HUBER = 2.0
_MOST_CLASSES = 200
# Sums of fourth powers of such numbers are still numbers, and so are those of what it takes to scale them back.
_LARGEST = 1e60
_HEAD_STREAM = 71


@dataclass(frozen=True, eq=False)
class TargetColumn:
    """A column to learn: numbers `(n,)` with NaN where missing, or the codes of classes with −1 where missing."""

    name: str
    classes: "Tuple[str, ...]"
    values: np.ndarray

    @property
    def known(self) -> np.ndarray:
        """Tell which rows have a value."""
        return self.values >= 0 if self.classes else np.isfinite(self.values)

    @property
    def width(self) -> int:
        """Return how many numbers predict it."""
        return len(self.classes) or 1

    def hot(self) -> np.ndarray:
        """Return the numbers `(n, width)` that a probe learns: the values, or 1 in the column of the class."""
        if not self.classes:
            return self.values[:, np.newaxis]
        return np.eye(len(self.classes))[np.maximum(self.values, 0)]


class TargetObjective:
    """Teaches the columns of a layer."""

    name = TARGET
    unit_norm = False
    provenance: "Tuple[Provenance, ...]" = ()

    def __init__(self, gathered: Gathered, columns: "List[TargetColumn]") -> None:
        """Take what was read."""
        self.gathered = gathered
        self.columns = columns
        self.what = ", ".join(column.name for column in columns)
        self.signals = np.concatenate([_signal(column) for column in columns], axis=1)
        only = columns[0] if len(columns) == 1 and columns[0].classes else None
        self.strata: "Optional[np.ndarray]" = None if only is None else only.values

    def width(self, wanted: int, progress: Progress) -> int:
        """Return what is wanted: any width will do."""
        return wanted

    def lesson(self, torch: Any, rows: np.ndarray, dimensions: int, seed: int, device: Any) -> "TargetLesson":
        """Start a training: values are standardised by its own rows."""
        return TargetLesson(torch, self.columns, rows, dimensions, seed, device)

    def predict(self, seen: Seen, progress: Progress) -> "Dict[str, np.ndarray]":
        """Return for each way the numbers `(held, widths)` of all columns side by side."""
        places = self.gathered.places
        here, there = coordinates(places[seen.rows], places[seen.held])
        found: "Dict[str, List[np.ndarray]]" = {ENCODER: [], COORDINATES: [], NEIGHBOURS: [], CONSTANT: []}
        for index, column in enumerate(self.columns):
            part = Part(progress, index / len(self.columns), (index + 1) / len(self.columns))
            known = np.flatnonzero(column.known[seen.rows])
            if not len(known):
                for parts in found.values():
                    parts.append(np.zeros((len(seen.held), column.width)))
                continue
            y, inner = column.hot()[seen.rows][known], inner_folds(seen.inner[known])
            weights = _even_weights(column, seen.rows[known])
            found[ENCODER].append(ridge(seen.vectors[known], y, seen.held_vectors, inner, Part(part, 0.0, 0.3),
                                        weights))
            found[COORDINATES].append(ridge(here[known], y, there, inner, Part(part, 0.3, 0.5), weights))
            found[NEIGHBOURS].append(neighbours(places[seen.rows[known]], y, places[seen.held], inner,
                                                Part(part, 0.5, 1.0))[0])
            # The commonest class of the other folds is by design the one that a fold lacks, so all rows tell it.
            mean = column.hot()[column.known].mean(axis=0) if column.classes else y.mean(axis=0)
            found[CONSTANT].append(np.repeat(mean[np.newaxis], len(seen.held), axis=0))
        return {key: np.concatenate(parts, axis=1) for key, parts in found.items()}

    def judge(self, predicted: "Mapping[str, np.ndarray]", folds: Folds) -> Judgement:
        """Judge each column, and their mean."""
        verdicts: "List[Verdict]" = []
        start = 0
        for column in self.columns:
            part = slice(start, start + column.width)
            start += column.width
            scores = {key: balanced(column.values, values[:, part].argmax(axis=1), folds) if column.classes
                      else squared(column.values, values[:, start - 1], folds) for key, values in predicted.items()}
            verdicts.append(verdict_of(column.name, ACCURACY if column.classes else R2, scores,
                                       int(column.known.sum())))
        names = list(dict.fromkeys(verdict.score_name for verdict in verdicts))
        whole = together(verdicts, self.what, " and ".join(names) if len(names) == 1 else
                         "mean of " + " and ".join(names))
        return Judgement(whole, tuple(verdicts), target_warnings(verdicts, self.columns))

    def facts(self) -> "Mapping[str, Any]":
        """Return what was learnt, for the card."""
        return {"targets": [{"column": column.name, "known": int(column.known.sum()),
                             **({"classes": list(column.classes)} if column.classes else {})}
                            for column in self.columns]}

    def digest(self) -> str:
        """Return a digest of places and values."""
        content = hashlib.sha256(np.ascontiguousarray(self.gathered.places).tobytes())
        for column in self.columns:
            content.update("\0".join((column.name, *column.classes)).encode("utf-8"))
            content.update(np.ascontiguousarray(column.values).tobytes())
        return content.hexdigest()


class TargetLesson:
    """A linear layer on the vectors, whose loss is the mean over the columns."""

    def __init__(self, torch: Any, columns: "List[TargetColumn]", rows: np.ndarray, dimensions: int, seed: int,
                 device: Any) -> None:
        """Standardise, and start with small weights."""
        self._torch = torch
        chance = np.random.default_rng((seed, _HEAD_STREAM))
        widths = [column.width for column in columns]
        bound = np.sqrt(6.0 / (dimensions + sum(widths)))
        weight = chance.uniform(-bound, bound, (sum(widths), dimensions)).astype(np.float32)
        self._weight = torch.from_numpy(weight).to(device).requires_grad_(True)
        self._bias = torch.zeros(sum(widths), device=device, requires_grad=True)
        self.parameters = [self._weight, self._bias]
        self._parts = np.split(np.arange(sum(widths)), np.cumsum(widths)[:-1])
        self._targets: "List[Tuple[bool, Any, Any]]" = []
        for column in columns:
            if column.classes:
                self._targets.append((True, torch.from_numpy(column.values.astype(np.int64)).to(device), None))
                continue
            seen = column.values[rows][np.isfinite(column.values[rows])]
            mean, deviation = (float(seen.mean()), float(seen.std())) if len(seen) else (0.0, 1.0)
            scaled = (column.values - mean) / (deviation or 1.0)
            self._targets.append((False, torch.from_numpy(np.nan_to_num(scaled).astype(np.float32)).to(device),
                                  torch.from_numpy(np.isfinite(scaled)).to(device)))

    def loss(self, vectors: Any, rows: np.ndarray) -> Any:
        """Return the mean loss of the columns, each over the rows that have a value."""
        torch = self._torch
        functional = torch.nn.functional
        predicted = functional.linear(vectors, self._weight, self._bias)
        index = torch.from_numpy(np.ascontiguousarray(rows)).to(vectors.device)
        total = predicted.sum() * 0.0
        for part, (classes, targets, known) in zip(self._parts, self._targets):
            mine, truth = predicted[:, part[0]:part[-1] + 1], targets[index]
            if classes:
                losses, there = functional.cross_entropy(mine, truth.clamp(min=0), reduction="none"), truth >= 0
            else:
                losses, there = functional.huber_loss(mine[:, 0], truth, reduction="none", delta=_HUBER), known[index]
            total = total + (losses * there).sum() / there.sum().clamp(min=1)
        return total / len(self._parts)


def target_objective(request: TrainLocationRequest, progress: Progress) -> TargetObjective:
    """Read the columns of a request, or say what is wrong with them."""
    rows = request.rows
    if rows is None:
        raise InputError("location-input", "INPUT is missing: give the points whose TARGET is to be learnt.")
    if request.task not in TASKS:
        raise InputError("gather-word", "“{value}” is no task: choose one of {known}.", value=request.task,
                         known=", ".join(TASKS))
    specs = [named_column(rows, name, "TARGET") for name in request.targets]
    names = [spec.name for spec in specs]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError("gather-twice", "TARGET names “{column}” twice: name each column once.", column=twice)
    read = read_rows(rows, specs, request.seed, progress)
    columns = [_column(spec, read.cells[spec.name], read.ids, request.task, rows) for spec in specs]
    some = np.zeros(len(read.wkb), dtype=bool)
    for column in columns:
        some |= column.known
    if not some.all():
        progress.info(f"{int((~some).sum())} rows of {rows.name} have no value of {', '.join(names)} and are left "
                      "out.")
    columns = [TargetColumn(column.name, column.classes, column.values[some]) for column in columns]
    for column in columns:
        _require_varied(column, rows)
        missing = int((~column.known).sum())
        if missing:
            progress.info(f"{missing} values of “{column.name}” are missing: those rows teach the other columns.")
        progress.info(f"“{column.name}” is learnt as {len(column.classes)} classes." if column.classes else
                      f"“{column.name}” is learnt as numbers.")
    return TargetObjective(read.part(some).gathered, columns)


def _column(spec: ColumnSpec, cells: "List[Any]", ids: "List[Any]", task: str, rows: Rows) -> TargetColumn:
    """Read a column as numbers or as classes."""
    numeric = spec.type in NUMERIC_TYPES
    if task == CLASSIFICATION or task == AUTOMATIC and not numeric and spec.type in ("text", "boolean"):
        return _classes(spec, cells, rows)
    if not numeric and not (task == REGRESSION and spec.type in ("text", "boolean")):
        raise InputError("target-type", "The target “{column}” of {name} holds {kind} values, which can't be learnt: "
                         "choose a column of numbers, texts or yes and no.", column=spec.name, name=rows.name,
                         kind=spec.type)
    values = np.full(len(cells), np.nan)
    for row, cell in enumerate(cells):
        if cell is None or cell == "":
            continue
        try:
            values[row] = float(cell)
        except (TypeError, ValueError) as error:
            raise InputError("target-text", "The target “{column}” of {name} holds “{cell}” (row {row}), which is no "
                             "number: choose a column of numbers, or let it be learnt as classes.", column=spec.name,
                             name=rows.name, cell=cell, row=ids[row]) from error
    values[~np.isfinite(values)] = np.nan
    return TargetColumn(spec.name, (), values)


def _classes(spec: ColumnSpec, cells: "List[Any]", rows: Rows) -> TargetColumn:
    """Number the classes of a column in their order."""
    texts = [level_of(cell) for cell in cells]
    names = sorted({text for text in texts if text is not None})
    if len(names) > _MOST_CLASSES:
        raise InputError("location-classes", "The target “{column}” of {name} has {count} different values, too many "
                         "for classes: choose a column of at most {most}, or of numbers.", column=spec.name,
                         name=rows.name, count=len(names), most=_MOST_CLASSES)
    code = {name: number for number, name in enumerate(names)}
    return TargetColumn(spec.name, tuple(names),
                        np.array([-1 if text is None else code[text] for text in texts], dtype=np.int64))


def _require_varied(column: TargetColumn, rows: Rows) -> None:
    """Refuse a column that teaches nothing."""
    known = column.values[column.known]
    if not len(known):
        raise InputError("target-empty", "{name} has no value of “{target}” in any row that has a place: choose "
                         "another target.", name=rows.name, target=column.name)
    if (known == known[0]).all():
        value = f"“{column.classes[int(known[0])]}”" if column.classes else f"{float(known[0]):g}"
        raise InputError("target-constant", "The target “{target}” of {name} is {value} in all {count} rows that can "
                         "be used: choose a column that varies.", target=column.name, name=rows.name, value=value,
                         count=len(known))
    if not column.classes:
        _require_sound_size(column.name, known, rows.name)


def _require_sound_size(target: str, known: np.ndarray, name: str) -> None:
    """Refuse numbers whose squares can't be computed with."""
    largest = float(np.abs(known).max())
    if largest > _LARGEST:
        raise InputError("target-large", "The target “{target}” of {name} has values up to {value:.3g}, too large to "
                         "compute with: rescale them, or set what stands for missing values to NULL.", target=target,
                         name=name, value=largest)
    span = float(known.max() - known.min())
    if span < 1 / _LARGEST:
        raise InputError("target-small", "The values of the target “{target}” of {name} differ by {value:.3g} at most, "
                         "too little to compute with: rescale them.", target=target, name=name, value=span)


def _signal(column: TargetColumn) -> np.ndarray:
    """Return what blocks are sized by: the numbers, or a column of 0 and 1 for each class, the commonest first."""
    if not column.classes:
        return column.values[:, np.newaxis]
    order = np.argsort(-np.bincount(column.values[column.known], minlength=len(column.classes)), kind="stable")
    hot = column.hot()[:, order]
    hot[~column.known] = np.nan
    return hot


def _even_weights(column: TargetColumn, rows: np.ndarray) -> "Optional[np.ndarray]":
    """Return weights under which classes count alike, as the score counts them; None for numbers."""
    if not column.classes:
        return None
    codes = column.values[rows]
    weights = 1.0 / np.bincount(codes, minlength=len(column.classes))[codes]
    return weights / weights.mean()

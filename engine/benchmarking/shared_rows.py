"""The rows that every candidate of a question has a vector for, with targets, folds and the draws of few labels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

import numpy as np

from ..centres import centres_of
from ..errors import InputError
from ..progress import Progress
from ..space import Space
from ..training.columns import ColumnPlan, level_of
from ..training.folding import sites_of
from ..training.folds import Evidence, Folds, random_folds, sized_block_folds
from ..training.gathering.classes import classes_of, require_classes, target_plan, tell_small
from ..training.judging import Judge
from ..training.request import BALANCED
from ..training.samples import SampleCounts, Samples
from ..training.target import TargetPlan
from ..training.task import Task, task_of
from ..training.transforms import fit_transform
from .draws import Draws, draws_of
from .questions import Question
from .request import ALL, BLOCKS, RANDOM, BenchmarkRequest

_RESIDUALS, _LABELS = "The residuals", "The labels"


@dataclass(frozen=True)
class SharedRows:
    """What all candidates are judged on: `kept` are the labels that are left, in the order of the samples.

    `draws` holds, by kind of folds and number of labels, which training rows of each fold are used.
    """

    question: Question
    kept: np.ndarray
    samples: Samples
    task: Task
    judge: Judge
    folds: "Mapping[str, Folds]"
    draws: "Mapping[Tuple[str, int], Draws]"

    @property
    def places(self) -> np.ndarray:
        """Return longitudes and latitudes, NaN where there are none."""
        return self.samples.places


def shared_rows(question: Question, coverage: "Mapping[str, np.ndarray]", request: BenchmarkRequest,
                progress: Progress) -> SharedRows:
    """Keep the labels that every candidate has a vector for; tells how many each of them lacks."""
    count = len(question.labels)
    kept = np.logical_and.reduce([np.ones(count, dtype=bool), *coverage.values()])
    lacking = {name: int((~there).sum()) for name, there in coverage.items() if not there.all()}
    told = ", ".join(f"{name} lacks {number}" for name, number in lacking.items())
    title = f"{question.layer}, {question.target}"
    if int(kept.sum()) < 2 * request.fold_count:
        raise InputError("benchmark-rows", "{title}: {count} of {all} labels have a vector of every candidate, too few "
                         "for {folds} folds{told}: leave the candidates out that cover little, or give more labels.",
                         title=title, count=int(kept.sum()), all=count, folds=request.fold_count,
                         told=f" ({told})" if told else "")
    if lacking:
        progress.warn(f"{title}: {count - int(kept.sum())} of {count} labels are left out for all, because not every "
                      f"candidate has a vector for them: {told}.")
    rows = np.flatnonzero(kept)
    targets, plan, sound = _targets(question, rows, progress)
    rows = rows[sound]
    samples = _samples(question, rows, targets[sound], plan)
    task = task_of(samples, BALANCED, request.seed)
    folds = _folds(samples, task, request, title, progress)
    draws = _draws(folds, samples, request, title, progress)
    return SharedRows(question, rows, samples, task, Judge(samples), folds, draws)


def _targets(question: Question, rows: np.ndarray,
             progress: Progress) -> "Tuple[np.ndarray, TargetPlan, np.ndarray]":
    """Return targets on the scale of the fit or class numbers, their plan, and which rows may stay."""
    gather, labels = question.gather, question.labels
    if not question.classification:
        values = labels.targets[rows]
        if (values == values[0]).all():
            raise InputError("target-constant", "The target “{target}” of {name} is {value:g} in all {count} rows that "
                             "can be used: choose a column that varies.", target=question.target, name=question.layer,
                             value=float(values[0, 0]), count=len(values))
        plan = TargetPlan((question.target,), (fit_transform(gather.transform, values[:, 0], question.target),))
        return plan.forward(values), plan, np.ones(len(rows), dtype=bool)
    column = next(column for column in gather.rows.columns if column.name == question.target)
    cells = [labels.targets[row] for row in rows.tolist()]
    require_classes(cells, column, question.layer)
    classes = classes_of([str(level_of(cell)) for cell in cells], gather)
    tell_small(classes, gather, progress)
    sound = classes.index >= 0
    counts = np.bincount(classes.index[sound], minlength=len(classes.values))
    return classes.index, target_plan(classes, counts, gather, column), sound


def _samples(question: Question, rows: np.ndarray, targets: np.ndarray, plan: TargetPlan) -> Samples:
    """Return the rows as samples without features, which each candidate brings."""
    labels, count = question.labels, len(rows)
    points = centres_of([labels.wkb[row] for row in rows.tolist()])
    none = np.zeros((count, 0), dtype=np.float32)
    return Samples(question.layer, none, none, targets, np.ones(count), points, question.places[rows],
                   question.gather.rows.wkt, labels.rows[rows], None, (),
                   [labels.ids[row] for row in rows.tolist()], Space("benchmark", 1), ColumnPlan(), plan,
                   SampleCounts())


def _folds(samples: Samples, task: Task, request: BenchmarkRequest, title: str,
           progress: Progress) -> "Dict[str, Folds]":
    """Part the rows in each way that was asked for: by the targets alone, so that no candidate has a say in it."""
    strata = samples.targets if samples.classes else None
    found: "Dict[str, Folds]" = {}
    if RANDOM in request.folds:
        found[RANDOM] = random_folds(samples.units, request.fold_count, request.seed, strata, samples.name)
    if BLOCKS in request.folds:
        folds = _blocks(samples, task, request, strata, title, progress)
        if folds is not None:
            found[BLOCKS] = folds
            progress.info(f"{title}: {folds.why}")
            if folds.caution:
                progress.warn(f"{title}: {folds.caution}")
    if not found:
        raise InputError("benchmark-folds", "{title}: no spatial blocks can be made of these labels: choose FOLDS "
                         "random as well, or give BLOCK_SIZE.", title=title)
    return found


def _blocks(samples: Samples, task: Task, request: BenchmarkRequest, strata: Optional[np.ndarray], title: str,
            progress: Progress) -> Optional[Folds]:
    """Return block folds, None with a warning where the places don't allow them."""
    sites = sites_of(samples)
    residuals = np.eye(task.classes)[task.y] if task.classes else np.asarray(task.y, dtype=np.float64)
    evidence = Evidence(residuals - residuals.mean(axis=0), strata)
    try:
        folds = sized_block_folds(sites, evidence, request.block_size, request.fold_count, request.seed)
    except InputError as error:
        if request.block_size > 0:
            raise
        progress.warn(f"{title}: spatial blocks are left out, so figures flatter whatever knows places. {error}")
        return None
    # No model has a say in these blocks, so what stays alike are the labels themselves.
    why, caution = (text.replace(_RESIDUALS, _LABELS) for text in (folds.why, folds.caution))
    return replace(folds, why=why, caution=caution)


def _draws(folds: "Mapping[str, Folds]", samples: Samples, request: BenchmarkRequest, title: str,
           progress: Progress) -> "Dict[Tuple[str, int], Draws]":
    """Draw training rows for each number of labels; one that a fold can't give is left out, and said."""
    strata = samples.targets if samples.classes else None
    found: "Dict[Tuple[str, int], Draws]" = {}
    for kind, parted in folds.items():
        short: "List[int]" = []
        least = min(int((parted.fold != number).sum()) for number in range(parted.count))
        for count in _once(request.labels):
            if count != ALL and count >= least:
                short.append(count)
                continue
            found[(kind, count)] = draws_of(parted, count, strata, request.seed)
        if short:
            progress.warn(f"{title}: LABELS {', '.join(map(str, short))} is left out under {kind} folds, whose "
                          f"training part has {least} labels.")
    return found


def _once(numbers: "Sequence[int]") -> "List[int]":
    """Return numbers without repetition."""
    return list(dict.fromkeys(numbers))

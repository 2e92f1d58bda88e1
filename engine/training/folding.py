"""Parts the labels as asked, and at random beside it, so that the optimism of random folds can be seen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import List, Optional

import numpy as np

from ..errors import InputError
from ..progress import Part, Progress
from .folds import (
    Evidence,
    Folds,
    automatic_folds,
    clustering_of,
    group_folds,
    kmeans_folds,
    random_folds,
    sized_block_folds,
)
from .request import AUTOMATIC, BLOCKS, GROUP, KMEANS, RANDOM, TrainRequest
from .samples import Samples
from .sites import Sites
from .task import Task

_PILOT = "ridge"
_PILOT_FOLDS = 5


@dataclass(frozen=True)
class Parted:
    """The folds, random ones beside them where they are not random themselves, and what is to be minded."""

    folds: Folds
    random: Optional[Folds]
    clustered: bool
    warnings: "tuple[str, ...]"


def sites_of(samples: Samples) -> Sites:
    """Return where the samples lie."""
    return Sites(samples.name, samples.points, samples.wkt, samples.units)


def part_rows(samples: Samples, task: Task, request: TrainRequest, progress: Progress) -> Parted:
    """Part the rows, and say in the log how and why."""
    choice, sites = request.folds, sites_of(samples)
    strata = samples.targets if samples.classes else None
    random = random_folds(samples.units, choice.count, request.seed, strata, samples.name)
    folds = _asked(samples, task, request, sites, random, progress)
    clustered = clustering_of(sites).clustered
    progress.info(f"Folds: {_sentence(folds.why)}")
    warnings: "List[str]" = []
    if choice.kind == AUTOMATIC and folds.kind == RANDOM and clustered:
        warnings.append("The labels lie in clusters, but spatial blocks could not be made of them: the figures are "
                        "those of random folds and flatter.")
    if folds.caution:
        warnings.append(folds.caution)
    return Parted(folds, None if folds.kind == RANDOM else random, clustered, tuple(warnings))


def _asked(samples: Samples, task: Task, request: TrainRequest, sites: Sites, random: Folds,
           progress: Progress) -> Folds:
    """Return the folds of the kind that was asked for."""
    choice = request.folds
    strata = samples.targets if samples.classes else None
    if choice.kind == RANDOM:
        return random
    if choice.kind == GROUP:
        if samples.groups is None:
            raise InputError("folds-group-none", "FOLDS group leaves the values of a column out in turn: name the "
                             "column as GROUP.")
        return group_folds(samples.groups, choice.count, strata, samples.name)
    if choice.kind == KMEANS:
        return kmeans_folds(sites, choice.count, request.seed)
    groups = samples.groups if choice.kind == AUTOMATIC else None
    needed = groups is None and not sites.missing and (choice.block_size == 0 or choice.kind == AUTOMATIC)
    residuals = _residuals(task, random, progress) if needed else np.zeros(len(task.x))
    evidence = Evidence(residuals, strata, groups)
    if choice.kind == BLOCKS:
        return sized_block_folds(sites, evidence, choice.block_size, choice.count, request.seed)
    return automatic_folds(sites, evidence, choice.block_size, choice.count, request.seed)


def _residuals(task: Task, random: Folds, progress: Progress) -> np.ndarray:
    """Return what a quick linear model leaves unexplained under random folds, `(n, T)` or one column a class."""
    progress.report(0.0, "Looking how far errors are alike")
    targets = np.eye(task.classes)[task.y] if task.classes else task.y
    pilot = replace(task, y=targets, classes=0)
    predicted = np.empty_like(targets, dtype=np.float64)
    for number in range(random.count):
        part = Part(progress, number / random.count, (number + 1) / random.count)
        rows, held = np.flatnonzero(random.fold != number), np.flatnonzero(random.fold == number)
        inner = np.unique(pilot.units[rows], return_inverse=True)[1] % _PILOT_FOLDS
        predicted[held] = pilot.fitted(_PILOT, rows, inner, part).predict(pilot.x[held])
    return targets - predicted


def _sentence(text: str) -> str:
    """Return a text as a sentence."""
    text = text[:1].upper() + text[1:]
    return text if text.endswith(".") else text + "."

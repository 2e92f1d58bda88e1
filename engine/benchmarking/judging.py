"""Judges the candidates one after another in every setting: folds, dimensions, probe and number of labels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Iterator, List, Mapping, Optional, Sequence

import numpy as np

from ..progress import Part, Progress, check
from ..training.baselines import positions
from ..training.folds import Folds
from .candidates import BASELINE, content_of
from .gathered import Gathered
from .probing import FoldVectors, Probed, fold_vectors, out_of_fold, reducible
from .request import ALL, BenchmarkRequest
from .scores import Judged, Setting, judged
from .shared_rows import SharedRows
from .store import Piece, ResultStore

COORDINATES = "coordinates"
_PROBED = "probed"


@dataclass(frozen=True)
class Features:
    """What a candidate is judged by: the vectors of all shared rows, with a digest of them."""

    name: str
    kind: str
    vectors: np.ndarray
    content: str


def features_of(gathered: "Mapping[str, Gathered]", shared: SharedRows, store: ResultStore) -> "Iterator[Features]":
    """Yield the candidates one after another, since all of their vectors together may not fit into memory."""
    for name, one in gathered.items():
        vectors = one.vectors(shared.kept, store)
        yield Features(name, one.candidate.kind, vectors, content_of(vectors))
    where = positions(shared.samples)
    if where is not None:
        yield Features(COORDINATES, BASELINE, where, content_of(where))


def probed_in_all(one: Features, shared: SharedRows, request: BenchmarkRequest, store: ResultStore,
                  progress: Progress) -> "List[Judged]":
    """Judge a candidate in all settings."""
    found: "List[Judged]" = []
    groups = [(folds, dimensions) for folds in shared.folds for dimensions in dict.fromkeys(request.dimensions)]
    for number, (folds, dimensions) in enumerate(groups):
        part = Part(progress, number / len(groups), (number + 1) / len(groups))
        parted = shared.folds[folds]
        if reducible(one.vectors, parted, dimensions):
            # As many dimensions or fewer: what is to be said of it is said with all of them.
            continue
        settings = [Setting(probe, folds, dimensions, labels) for probe in request.probes
                    for labels in dict.fromkeys(request.labels) if (folds, labels) in shared.draws]
        found += _in_settings(one, settings, shared, parted, store, part)
    return found


def _in_settings(features: Features, settings: "Sequence[Setting]", shared: SharedRows, parted: Folds,
                 store: ResultStore, progress: Progress) -> "List[Judged]":
    """Judge a candidate in settings that share folds and dimensions, reducing it only where anything is new."""
    found: "List[Judged]" = []
    name = features.name
    truth = content_of(shared.task.y, shared.task.units)
    reduced: Optional[FoldVectors] = None
    for number, setting in enumerate(settings):
        check(progress)
        part = Part(progress, number / len(settings), (number + 1) / len(settings))
        part.report(0.0, f"{name}: {setting.probe}, {setting.folds} folds")
        draws = shared.draws[(setting.folds, setting.labels)]
        facts = {"vectors": features.content, "truth": truth, "folds": content_of(parted.fold),
                 "draws": content_of(*(rows for parts in draws.rows for rows in parts)), "probe": setting.probe,
                 "dimensions": setting.dimensions, "classes": shared.task.classes, "seed": shared.task.seed}
        piece = store.load(_PROBED, facts)
        if piece is None:
            if reduced is None:
                reduced = fold_vectors(features.vectors, parted, setting.dimensions, part)
            probed = out_of_fold(shared.task, reduced, parted, draws, setting.probe, part)
            store.save(_PROBED, facts, Piece({"predicted": probed.predicted}, {
                "seconds": probed.seconds, "candidate": name, "layer": shared.question.layer,
                "folds": setting.folds, "probe": setting.probe}))
        else:
            probed = Probed(piece.arrays["predicted"], float(piece.notes["seconds"]))
        predicted = np.stack([shared.judge.in_units(one) for one in probed.predicted])
        one = judged(name, features.kind, setting, predicted, shared.judge, parted, probed.seconds)
        # Only predictions from all labels are looked at again; those of many draws would fill the memory.
        found.append(one if setting.labels == ALL else replace(one, predicted=one.predicted[:, :0].copy()))
    return found

"""Compares encoders: gathers vectors, parts rows, probes every candidate on the same ones, and tells what holds."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Dict, List, Sequence, Tuple

import numpy as np

from ..errors import InputError
from ..packages import state
from ..progress import Part, Progress, check
from ..training.baselines import constant
from ..whole import require_writable
from .answers import FLOOR, Answer
from .bias import Bias, bias_of
from .candidates import BASELINE, Candidate, made_different
from .gathered import Gathered, gather_vectors
from .judging import COORDINATES, features_of, probed_in_all
from .planning import candidates_of
from .questions import Question, read_question
from .request import ALL, FOREST, BenchmarkRequest, BenchmarkResult
from .scores import Judged, Setting, judged
from .shared_rows import SharedRows, shared_rows
from .store import ResultStore
from .stored_candidates import OwnCandidate
from .table import write_table
from .telling import headlines, write_report


def compare_encoders(request: BenchmarkRequest, progress: Progress) -> BenchmarkResult:
    """Compare all candidates in all layers, and write the table and the report; finished pieces are kept."""
    request.check()
    for path in filter(None, (request.output.split("|")[0], request.report)):
        require_writable(Path(path))
    heard = _Heard(progress)
    request = _with_probes(_whole(request), heard)
    store = ResultStore(request.results, request.resume)
    candidates = candidates_of(request)
    names = made_different([layer.rows.name.strip("“”") for layer in request.layers])
    asked = [(name, layer.rows, target) for name, layer in zip(names, request.layers) for target in layer.targets]
    answers: "List[Answer]" = []
    for number, (name, rows, target) in enumerate(asked):
        part = Part(heard, 0.97 * number / len(asked), 0.97 * (number + 1) / len(asked))
        question = read_question(name, rows, target, request, Part(part, 0.0, 0.02))
        answers.append(_answer(question, candidates, request, store, Part(part, 0.02, 1.0)))
    for sentence in headlines(answers):
        heard.info(sentence)
    best, score = _best(answers)
    found = BenchmarkResult(request.output, best, score, sum(answer.rows for answer in answers), store.computed,
                            store.found, tuple(heard.warnings))
    check(heard)
    if request.report:
        write_report(request.report, answers, request, found.warnings)
    write_table(request.output, answers)
    heard.info(f"{store.computed} pieces were computed, {store.found} were kept from earlier runs in {store.folder}.")
    heard.report(1.0)
    return found


def _whole(request: BenchmarkRequest) -> BenchmarkRequest:
    """Ask for all labels and all dimensions as well, beside which fewer are seen for what they are."""
    return replace(request, labels=tuple(dict.fromkeys((*request.labels, ALL))),
                   dimensions=tuple(dict.fromkeys((*request.dimensions, ALL))))


def _with_probes(request: BenchmarkRequest, progress: Progress) -> BenchmarkRequest:
    """Leave out the forest where scikit-learn can't be used."""
    if FOREST not in request.probes or state("scikit-learn").usable:
        return request
    probes = tuple(probe for probe in request.probes if probe != FOREST)
    if not probes:
        raise InputError("benchmark-forest", "PROBES forest needs scikit-learn, which isn't installed: install it, or "
                         "choose knn and linear.")
    progress.warn("The probe forest is left out, because scikit-learn isn't installed.")
    return replace(request, probes=probes)


def _answer(question: Question, candidates: "Sequence[Candidate]", request: BenchmarkRequest, store: ResultStore,
            progress: Progress) -> Answer:
    """Answer one question."""
    own: "Tuple[Candidate, ...]" = (OwnCandidate(),) if question.own_vectors else ()
    gathered = _gathered(question, (*candidates, *own), store, Part(progress, 0.0, 0.3))
    coverage = {name: one.there for name, one in gathered.items()}
    placed = np.isfinite(question.places).all(axis=1)
    if placed.any():
        coverage[COORDINATES] = placed
    else:
        progress.warn(f"{question.layer} has no places, so coordinates can't be a baseline and blocks can't be made.")
    shared = shared_rows(question, coverage, request, Part(progress, 0.3, 0.32))
    progress.info(f"{question.layer}, {question.target}: compared on {len(shared.kept)} labels are "
                  + ", ".join((*gathered, COORDINATES) if placed.any() else gathered) + ".")
    found: "List[Judged]" = [_floor(shared, folds) for folds in shared.folds]
    count = len(gathered) + bool(placed.any())
    for number, one in enumerate(features_of(gathered, shared, store)):
        part = Part(progress, 0.32 + 0.58 * number / count, 0.32 + 0.58 * (number + 1) / count)
        found += probed_in_all(one, shared, request, store, part)
    biases = _biases(found, shared, store, Part(progress, 0.9, 1.0)) if request.geobias and placed.any() else {}
    return Answer(shared, gathered, tuple(found), biases)


def _gathered(question: Question, candidates: "Sequence[Candidate]", store: ResultStore,
              progress: Progress) -> "Dict[str, Gathered]":
    """Make or find the vectors of every candidate; one that has none for this layer is left out, and said."""
    found: "Dict[str, Gathered]" = {}
    for number, candidate in enumerate(candidates):
        check(progress)
        part = Part(progress, number / len(candidates), (number + 1) / len(candidates))
        part.report(0.0, f"Gathering {candidate.name}")
        one = gather_vectors(candidate, question, store, part)
        if one.there.any():
            found[candidate.name] = one
        else:
            progress.warn(f"{candidate.name} has no vector for any label of {question.layer} and is left out there.")
    return found


def _floor(shared: SharedRows, folds: str) -> Judged:
    """Return what the mean of the other folds, or the commonest class, scores."""
    outcome = constant(shared.task, shared.judge, shared.folds[folds])
    return judged(outcome.name, BASELINE, Setting(FLOOR, folds), outcome.predicted[np.newaxis], shared.judge,
                  shared.folds[folds], 0.0)


def _biases(found: "Sequence[Judged]", shared: SharedRows, store: ResultStore,
            progress: Progress) -> "Dict[Tuple[str, Setting], Bias]":
    """Return the geo-bias of what learnt from all labels in all dimensions."""
    whole = [one for one in found if one.setting.dimensions == ALL and one.setting.labels == ALL
             and one.setting.probe != FLOOR]
    biases: "Dict[Tuple[str, Setting], Bias]" = {}
    for number, one in enumerate(whole):
        check(progress)
        part = Part(progress, number / len(whole), (number + 1) / len(whole))
        part.report(0.0, f"Geo-bias of {one.name}")
        bias = bias_of(one, shared, store, part)
        if bias is not None:
            biases[(one.name, one.setting)] = bias
    return biases


def _best(answers: "Sequence[Answer]") -> "Tuple[str, float]":
    """Return the candidate with the best mean score over all questions, at new places where these were judged."""
    scores: "Dict[str, List[float]]" = {}
    for answer in answers:
        for one in answer.best(answer.kinds[0]):
            if one.kind != BASELINE and math.isfinite(one.score):
                scores.setdefault(one.name, []).append(one.score)
    if not scores:
        return "", float("nan")
    most = max(len(found) for found in scores.values())
    means = {name: float(np.mean(found)) for name, found in scores.items() if len(found) == most}
    best = max(means, key=lambda name: means[name])
    return best, means[best]


class _Heard(Part):
    """A progress that remembers warnings for the report."""

    def __init__(self, whole: Progress) -> None:
        """Pass everything on."""
        super().__init__(whole, 0.0, 1.0)
        self.warnings: "List[str]" = []

    def warn(self, text: str) -> None:
        """Remember a warning, and pass it on once."""
        if text not in self.warnings:
            self.warnings.append(text)
            super().warn(text)

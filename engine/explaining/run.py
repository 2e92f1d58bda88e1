"""Explains a predictor by labelled rows: what it rests on, what moves it, and what a prediction resembles."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import List

import numpy as np

from ..number_text import score_text
from ..predictors.predictor import Predictor, open_predictor
from ..progress import Part, Progress, check
from ..training.sites import some_rows
from ..whole import require_writable
from .account import Explained
from .asked_places import asked_places
from .dependence import dependences
from .dimension_patterns import dimension_morans, dimension_worth
from .familiar import familiar_rows, familiar_warning
from .feature_groups import feature_groups
from .importance import Importances, importances
from .judgement import Judgement
from .nearest_examples import nearest_examples
from .request import ExplainRequest, ExplainResult
from .rows import LabelledRows, labelled_rows
from .tables import write_dependence, write_dimensions, write_examples, write_importance
from .telling import lead_sentence, most_important, write_explanation

MOST_ROWS = 20_000
_WORTHLESS = 0.05


def explain(request: ExplainRequest, progress: Progress) -> ExplainResult:
    """Explain a predictor and write what is asked for."""
    request.check()
    for path in filter(None, (request.output, request.dependence, request.examples, request.dimensions,
                              request.report)):
        require_writable(Path(path.split("|")[0]))
    predictor = open_predictor(request.predictor, progress)
    rows = labelled_rows(request, predictor, Part(progress, 0.0, 0.3))
    progress.info(rows.told[0])
    found = _explained(request, predictor, rows, Part(progress, 0.3, 0.8))
    for warning in found.warnings:
        progress.warn(warning)
    progress.info(lead_sentence(found))
    _write(found, predictor, Part(progress, 0.8, 1.0))
    best = most_important(found)
    return ExplainResult(request.output, found.importances.score, len(rows), best.group.name, best.loss.value,
                         found.warnings)


def _explained(request: ExplainRequest, predictor: Predictor, rows: LabelledRows, progress: Progress) -> Explained:
    """Work everything out."""
    card = predictor.card
    groups = feature_groups(request.groups, rows.identity, card)
    some = thinned(rows, request.seed)
    if len(some) < len(rows):
        progress.info(f"Groups are shuffled among {len(some):,} of the {len(rows):,} rows, taken by chance.")
    judgement = Judgement(some.truth, card.classes, some.units, request.seed)
    places = None
    if request.coordinates.strip():
        places = asked_places(request, predictor, Part(progress, 0.0, 0.1))
    worth = importances(predictor, some.features, judgement, groups, request.repeats, request.seed,
                        Part(progress, 0.1, 0.7))
    moved = ()
    if request.report or request.dependence:
        moved = dependences(predictor, rows, request.seed, Part(progress, 0.7, 0.85))
    examples = () if places is None else nearest_examples(
        predictor, places, rows, request.neighbours, Part(progress, 0.85, 0.9))
    morans = ()
    if request.report or request.dimensions:
        morans = dimension_morans(rows, request.seed, Part(progress, 0.9, 1.0))
    return Explained(request, card, rows, judgement, worth, moved, examples, morans,
                     _warnings(request, predictor, rows, judgement, worth, bool(morans)))


def thinned(rows: LabelledRows, seed: int) -> LabelledRows:
    """Return at most 20,000 rows, more of which would cost minutes and change little."""
    picked = some_rows(len(rows), MOST_ROWS, seed)
    if len(picked) == len(rows):
        return rows
    return replace(rows, features=np.ascontiguousarray(rows.features[:, picked]), truth=rows.truth[picked],
                   points=rows.points[picked], units=rows.units[picked],
                   ids=[rows.ids[row] for row in picked.tolist()])


def _warnings(request: ExplainRequest, predictor: Predictor, rows: LabelledRows, judgement: Judgement,
              worth: Importances, placed: bool) -> "tuple[str, ...]":
    """Return what the reader must know."""
    found: "List[str]" = []
    familiar = familiar_rows(predictor, rows)
    if familiar.many:
        found.append(familiar_warning(familiar, predictor, judgement.score_name, worth.score))
    least = 1 / predictor.card.classes if predictor.card.classes else 0.0
    if not worth.score > least + _WORTHLESS:
        found.append(f"On these rows the predictor's {judgement.score_name} is {score_text(worth.score)}, next to "
                     "nothing: what it rests on tells little of the target.")
    if (request.report or request.dimensions) and not placed:
        found.append(f"The rows of {rows.name} have no places, so Moran's I of dimensions is not known.")
    if request.dependence and not predictor.card.columns.columns:
        found.append("The predictor uses no further columns, so the table of DEPENDENCE is empty.")
    return tuple(found)


def _write(found: Explained, predictor: Predictor, progress: Progress) -> None:
    """Write what was asked for; the table of importance comes last, so that it is never there without its company."""
    request, card = found.request, found.card
    if request.dimensions:
        worth = dimension_worth(predictor, found.rows, request.seed, progress)
        write_dimensions(request.dimensions, found.rows, found.morans, worth, card)
    check(progress)
    if request.dependence:
        write_dependence(request.dependence, found.dependences, card)
    if request.examples:
        write_examples(request.examples, found.examples, found.rows, card)
    if request.report:
        write_explanation(request.report, found)
    write_importance(request.output, found.importances, card)
    progress.report(1.0)

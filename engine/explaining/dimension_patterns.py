"""Each dimension by itself: whether its values are alike among neighbours, and what it is worth alone."""

from __future__ import annotations

from typing import Tuple

import numpy as np

from ..predictors.predictor import Predictor
from ..progress import Progress, check
from ..training.moran import Moran, morans_i, neighbour_graph
from ..training.sites import Sites, some_rows
from .importance import predictions, shuffled_order
from .judgement import Judgement
from .rows import LabelledRows

REPEATS = 3
_FEWEST_PLACES = 4
_FEWEST_ROWS, _MOST_ROWS, _MOST_PREDICTIONS = 200, 2000, 400_000


def dimension_morans(rows: LabelledRows, seed: int, progress: Progress) -> "Tuple[Moran, ...]":
    """Return Moran's I of each dimension over the rows' nearest places; none where too few rows have a place."""
    graph = neighbour_graph(Sites(rows.name, rows.points, rows.wkt, rows.units), seed=seed)
    if len(graph.rows) < _FEWEST_PLACES:
        return ()
    found = []
    for number, values in enumerate(rows.vectors):
        check(progress)
        progress.report(number / rows.dimensions, "Looking at each dimension" if not number else None)
        found.append(morans_i(values, graph))
    progress.report(1.0)
    return tuple(found)


def dimension_worth(predictor: Predictor, rows: LabelledRows, seed: int, progress: Progress) -> np.ndarray:
    """Return the loss of score `(D,)` when one dimension alone is shuffled, three times, among some of the rows."""
    most = int(np.clip(_MOST_PREDICTIONS // (REPEATS * rows.dimensions), _FEWEST_ROWS, _MOST_ROWS))
    picked = some_rows(len(rows), most, seed)
    features = np.ascontiguousarray(rows.features[:, picked])
    judgement = Judgement(rows.truth[picked], predictor.card.classes, rows.units[picked], seed)
    own = judgement.judged(predictions(predictor, features, progress)).score
    orders = [shuffled_order(len(picked), seed, number) for number in range(REPEATS)]
    found = np.empty(rows.dimensions)
    for number in range(rows.dimensions):
        progress.report(number / rows.dimensions, "Shuffling each dimension" if not number else None)
        values = features[number].copy()
        scores = []
        for order in orders:
            features[number] = values[order]
            scores.append(judgement.judged(predictions(predictor, features, progress)).score)
        features[number] = values
        found[number] = own - float(np.mean(scores))
    progress.report(1.0)
    return found

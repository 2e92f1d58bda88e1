"""Judges one query: finds the scores under its truths, and measures all ground at them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Tuple

import numpy as np

from ..errors import InputError
from ..pipeline import attend
from ..progress import Part, Progress
from .curve import Curve
from .drawn import Entries, Weighed, drawn, order_of
from .ground import Ground, measure_ground
from .judged import Judged, TruthCount
from .laying import Laid, beyond, lay_truth
from .places_order import MOST_GROUPS, group_of
from .request import LOST, Query, RecallRequest
from .score_raster import ScoreRaster, open_scores
from .swapped import seem_swapped
from .tally import KeptCells, SummedCells, Tally
from .thresholds import Thresholds
from .truth import POLYGONS, Truth
from .truth_cells import TruthCells, touched, walk_truth

# More pairs of polygon and cell than this are summed at thresholds instead of kept.
MOST_PAIRS = 1_000_000
THRESHOLDS = 4096

Walk = Callable[[Callable[[TruthCells], None], int, Progress], None]


@dataclass(frozen=True, eq=False)
class _Work:
    """What the two ways of judging share: `walk` reads the cells under truths, every so many windows."""

    raster: ScoreRaster
    truth: Truth
    laid: Laid
    tally: Tally
    request: RecallRequest
    higher: bool
    walk: Walk

    def curve(self, ground: Ground, thresholds: Thresholds) -> Curve:
        """Return the search in the order it is walked, with no truth yet."""
        way = slice(None, None, -1) if self.higher else slice(None)
        scores = self.raster.stored(thresholds.scores[way].astype(np.float64))
        return Curve(scores, ground.between[way], ground.at[way], np.zeros(len(scores)), 1.0)

    def ascending(self, of_steps: np.ndarray) -> np.ndarray:
        """Turn what belongs to steps of the search into the order of thresholds, or back."""
        return of_steps[::-1] if self.higher else of_steps

    def steps(self, thresholds: Thresholds, numbers: np.ndarray) -> np.ndarray:
        """Return the steps of the search for numbers of thresholds."""
        return len(thresholds.scores) - 1 - numbers if self.higher else numbers


def judge(query: Query, truth: Truth, request: RecallRequest, progress: Progress) -> Judged:
    """Return the curve of one query, and what it is worth."""
    raster = open_scores(query, request.memory_mib)
    laid = lay_truth(raster, truth, Part(progress, 0.0, 0.1))
    if not len(laid.features):
        raise InputError("recall-query-none", "None of the truths of {name} belongs to “{query}”: check QUERY_FIELD "
                         "and LABELS.", name=truth.name, query=query.name)
    plan = touched(raster, laid.shapes, laid.on_grid)

    def walk(take: "Callable[[TruthCells], None]", every: int, part: Progress) -> None:
        """Read the cells under truths."""
        walk_truth(raster, laid.shapes, plan[::every], take, part)

    work = _Work(raster, truth, laid, Tally(truth.outlines.count), request,
                 request.higher == (raster.scale > 0), walk)
    pairs = float(laid.shapes.sizes[laid.on_grid].sum())
    if truth.kind == POLYGONS and pairs > MOST_PAIRS:
        curve, entries = _summed(work, int(np.ceil(pairs / MOST_PAIRS)), progress)
        exact = False
    else:
        curve, entries, exact = _kept(work, progress)
    weights, count = _weighed(work)
    weighed = Weighed(weights, work.tally.scored * truth.weights, count)
    return attend(lambda: drawn(curve, entries, weighed, laid, request, query.name, exact), progress)


def _kept(work: _Work, progress: Progress) -> "Tuple[Curve, Entries, bool]":
    """Judge by every pair of a truth and a cell."""
    kept = KeptCells(work.tally)
    work.walk(kept.take, 1, Part(progress, 0.1, 0.3))
    truths, scores, amounts = kept.pairs()
    thresholds = _thresholds(scores, MOST_PAIRS, work)
    curve = work.curve(measure_ground(work.raster, thresholds, Part(progress, 0.3, 1.0)), thresholds)
    steps = work.steps(thresholds, thresholds.steps(scores))
    weights = amounts * work.truth.weights[truths]
    early = np.bincount(truths, weights * curve.earliness[steps], work.truth.outlines.count)
    return curve, Entries(truths, steps, weights, early), not thresholds.rounded


def _summed(work: _Work, every: int, progress: Progress) -> "Tuple[Curve, Entries]":
    """Judge by sums at thresholds: a sample of windows gives these, and they are exact wherever they lie."""
    sample = KeptCells(Tally(work.truth.outlines.count))
    work.walk(sample.take, every, Part(progress, 0.1, 0.15))
    thresholds = _thresholds(sample.pairs()[1], THRESHOLDS, work)
    curve = work.curve(measure_ground(work.raster, thresholds, Part(progress, 0.15, 0.75)), thresholds)
    groups = np.zeros(work.truth.outlines.count, dtype=np.int64)
    order = order_of(work.laid.places, work.request)
    groups[work.laid.features] = group_of(order, min(len(order), MOST_GROUPS))
    summed = SummedCells(work.tally, thresholds, groups, work.truth.weights, work.ascending(curve.earliness))
    work.walk(summed.take, 1, Part(progress, 0.75, 1.0))
    owners, numbers = np.nonzero(summed.sums)
    # Any truth of a group stands for it: groups are drawn together anyhow.
    stands = np.zeros(int(groups.max()) + 1, dtype=np.int64)
    stands[groups[work.laid.features]] = work.laid.features
    return curve, Entries(stands[owners], work.steps(thresholds, numbers), summed.sums[owners, numbers], summed.early)


def _thresholds(scores: np.ndarray, most: int, work: _Work) -> Thresholds:
    """Return the different scores of truths, or evenly spread ones of them where these are too many."""
    if not len(scores):
        raise _nowhere(work)
    distinct = np.unique(scores)
    if len(distinct) <= most and most != THRESHOLDS:
        return Thresholds(distinct)
    ordered = np.sort(scores)
    places = np.unique(np.linspace(0, len(ordered) - 1, THRESHOLDS).astype(np.int64))
    return Thresholds(np.unique(ordered[places]), rounded=True)


def _weighed(work: _Work) -> "Tuple[np.ndarray, TruthCount]":
    """Return the weight of each feature, found or not, and what became of the features."""
    tally, laid = work.tally, work.laid
    inside = tally.scored + tally.empty
    amounts = tally.scored
    if work.request.unscored == LOST:
        amounts = inside if work.raster.query.limited else inside + beyond(work.raster, laid, tally.cells, inside)
    weights = amounts * work.truth.weights
    own = np.zeros(len(inside), dtype=bool)
    own[laid.features] = True
    weights[~own] = 0.0
    counts = own & (weights > 0)
    total = float(weights.sum())
    found = float((tally.scored * work.truth.weights)[own].sum())
    return weights, TruthCount(
        work.truth.kind, int(counts.sum()), int((counts & (inside <= 0)).sum()),
        int((counts & (inside > 0) & (tally.scored <= 0)).sum()), int((own & ~counts).sum()),
        max(0.0, 1.0 - found / total) if total > 0 else 0.0)


def _nowhere(work: _Work) -> InputError:
    """Say that no truth lies on ground."""
    empty = int(((work.tally.empty > 0) & (work.tally.scored <= 0)).sum())
    where = (" within the EXTENT or MASK" if work.raster.query.limited else "")
    remedy = "check the layers' CRSs and that they overlap"
    if seem_swapped(work.raster, work.truth, work.laid.features):
        remedy = ("with x and y swapped they would lie on the raster, so look whether they are swapped, which “Swap X "
                  "and Y coordinates” mends")
    return InputError(
        "recall-nowhere", "None of the {count} truths of {name} lies on a cell of “{query}” that has a score{where} "
        "({empty} lie on cells without one, {outside} elsewhere): {remedy}.",
        count=len(work.laid.features), name=work.truth.name, query=work.raster.query.name, where=where, empty=empty,
        outside=len(work.laid.features) - empty, remedy=remedy)

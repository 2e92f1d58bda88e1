"""Where similar ends: a number, or the score that best separates the examples from the background."""

from __future__ import annotations

from functools import partial
from typing import Optional

import numpy as np

from ...errors import InputError
from ...pipeline import attend
from ...progress import Progress
from .methods import Material, Recipe, fit
from .scores import score_vectors

NONE = "none"
BEST = "best"
_FOLDS = 5
_BINS = 512


def parse_threshold(text: str) -> "Optional[float | str]":
    """Return None, “best” or a number."""
    word = text.strip().lower()
    if word in ("", NONE):
        return None
    if word == BEST:
        return BEST
    try:
        value = float(word)
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        raise InputError("threshold", "THRESHOLD: “{text}” is neither none, best nor a number.", text=text)
    return value


def best_threshold(recipe: Recipe, material: Material, background: np.ndarray, progress: Progress) -> float:
    """Return the best separation: Youden's, or Otsu's of the background where a single example can't be left out.

    Each example is scored by a scorer made without it, since the score of an example with itself says nothing.
    """
    scorer = attend(partial(fit, recipe, material), progress)
    scores = score_vectors(background, scorer)
    scores = scores[np.isfinite(scores)]
    left_out = _left_out(recipe, material, progress)
    if left_out is None or not len(scores):
        progress.info("Threshold: Otsu's, which splits the scores of the background into two groups, since a "
                      "single example can't be left out to test.")
        return otsu(scores)
    progress.info(f"Threshold: Youden's, which best separates {len(left_out)} examples, each scored without itself, "
                  f"from {len(scores)} places anywhere.")
    return youden(left_out, scores)


def _left_out(recipe: Recipe, material: Material, progress: Progress) -> Optional[np.ndarray]:
    """Return the examples' scores by scorers made without them, or None where too few are left to make one."""
    examples = material.examples
    count = len(examples.means)
    if count < 2 or examples.places < 2 or recipe.method == "discriminative" and count < 3:
        return None
    folds = min(count, _FOLDS if recipe.method == "discriminative" else 50)
    numbers = np.arange(count) % folds
    found = np.empty(count, dtype=np.float32)
    for fold in range(folds):
        others = Material(examples.part(numbers != fold), material.counter, material.background)
        scorer = attend(partial(fit, recipe, others), progress)
        found[numbers == fold] = score_vectors(examples.means[numbers == fold], scorer)
    found = found[np.isfinite(found)]
    return found if len(found) else None


def youden(positive: np.ndarray, negative: np.ndarray) -> float:
    """Return the score with the largest share of positives at or above it less that of negatives."""
    scores = np.unique(np.concatenate([positive, negative]).astype(np.float64))
    above = 1 - np.searchsorted(np.sort(positive), scores, side="left") / len(positive)
    wrong = 1 - np.searchsorted(np.sort(negative), scores, side="left") / len(negative)
    best = int(np.argmax(above - wrong))
    return float((scores[best - 1] + scores[best]) / 2) if best else float(scores[0])


def otsu(scores: np.ndarray) -> float:
    """Return the score that splits a histogram into the two groups with the least spread within."""
    if not len(scores) or scores.min() == scores.max():
        return float(scores[0]) if len(scores) else 0.0
    counts, edges = np.histogram(scores, _BINS)
    middle = (edges[:-1] + edges[1:]) / 2
    share = np.cumsum(counts) / counts.sum()
    moment = np.cumsum(counts * middle) / counts.sum()
    with np.errstate(invalid="ignore", divide="ignore"):
        between = (moment[-1] * share - moment) ** 2 / (share * (1 - share))
    between[~np.isfinite(between)] = -1.0
    best = np.flatnonzero(between >= between.max() * (1 - 1e-12))
    return float(edges[best + 1].mean())

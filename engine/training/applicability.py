"""Where a predictor may be used: where features are no farther from its training data than its folds were.

Meyer and Pebesma 2021: the dissimilarity index is the distance to the nearest training row in standardised features
over the mean distance between training rows; its threshold is the upper whisker of the index between folds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Mapping, Optional

import numpy as np

from ..errors import CardError, InputError
from .sites import some_rows

MOST_REFERENCES = 2000
_CHUNK = 4096
_ROUNDS = 8
_FLAT = 1e-9
_QUARTERS = (0.25, 0.75)
_WHISKER = 1.5


@dataclass(frozen=True)
class Applicability:
    """Reference rows `(r, F)` in standardised features, how to standardise, and what counts as too far.

    `mean_distance` is that between training rows; `threshold` is in dissimilarity, so in multiples of it.
    """

    reference: np.ndarray
    mean: np.ndarray
    scale: np.ndarray
    mean_distance: float
    threshold: float

    def dissimilarity(self, features: np.ndarray) -> np.ndarray:
        """Return for each row of raw features `(n, F)` how far the nearest reference is, over the mean distance."""
        found = np.empty(len(features), dtype=np.float32)
        reference = self.reference.astype(np.float32)
        for start in range(0, len(features), _CHUNK):
            part = standardised(features[start:start + _CHUNK], self.mean, self.scale).astype(np.float32)
            found[start:start + _CHUNK] = _nearest(part, reference) / self.mean_distance
        return found

    def applicable(self, features: np.ndarray) -> np.ndarray:
        """Tell for each row whether the predictor knows anything like it."""
        return self.dissimilarity(features) <= self.threshold

    def as_json(self) -> "dict[str, object]":
        """Return plain values for a card; the reference rows lie in the model."""
        return {"mean": self.mean.tolist(), "scale": self.scale.tolist(), "mean_distance": self.mean_distance,
                "threshold": self.threshold, "references": len(self.reference)}


def fit_applicability(features: np.ndarray, fold: np.ndarray, seed: int,
                      most: int = MOST_REFERENCES) -> Applicability:
    """Learn from raw training features `(n, F)` and their folds; of many rows, some that lie far apart stand for all.

    The threshold is taken against the same references as later predictions are, each row's own fold left out.
    """
    features = np.asarray(features)
    fold = np.asarray(fold)
    if len(np.unique(fold)) < 2:
        raise InputError("applicability-folds", "The area of applicability needs at least 2 folds: choose other FOLDS.")
    mean = features.mean(axis=0, dtype=np.float64)
    scale = features.std(axis=0, dtype=np.float64)
    # A column of equal values, up to rounding, says nothing here; elsewhere it counts in its own units.
    scale = np.where(scale > _FLAT * np.maximum(np.abs(mean), 1.0), scale, 1.0)
    rows = standardised(features, mean, scale).astype(np.float32)
    mean_distance = _mean_distance(rows[some_rows(len(rows), most, seed)])
    chosen = _spread(rows, fold, most, seed)
    if not mean_distance > 0:
        # Equal rows: whatever differs from them is too far.
        return Applicability(rows[chosen[:1]], mean, scale, 1.0, 0.0)
    reference, reference_fold = rows[chosen], fold[chosen]
    held = np.full(len(rows), np.nan)
    for number in np.unique(fold):
        own, others = np.flatnonzero(fold == number), reference[reference_fold != number]
        for start in range(0, len(own) if len(others) else 0, _CHUNK):
            part = own[start:start + _CHUNK]
            held[part] = _nearest(rows[part], others) / mean_distance
    return Applicability(reference, mean, scale, mean_distance, upper_whisker(held[np.isfinite(held)]))


def applicability_from_json(values: "Mapping[str, object]", reference: np.ndarray) -> Applicability:
    """Put what a card says together with the reference rows of the model."""
    try:
        found = Applicability(reference, np.array(values["mean"], dtype=np.float64),
                              np.array(values["scale"], dtype=np.float64),
                              float(values["mean_distance"]), float(values["threshold"]))  # type: ignore[arg-type]
    except (KeyError, TypeError, ValueError) as error:
        raise CardError("card-applicability", "The card's area of applicability can't be read ({reason}): train the "
                        "predictor again.", reason=str(error)) from error
    width = reference.shape[1]
    if found.mean.shape != (width,) or found.scale.shape != (width,) or not (found.scale > 0).all() \
            or not 0 < found.mean_distance < math.inf or not 0 <= found.threshold < math.inf:
        raise CardError("card-applicability-values", "The card's area of applicability contradicts its model: train "
                        "the predictor again.")
    return found


def standardised(features: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Return features less their mean over their scale, in float64."""
    return (np.asarray(features, dtype=np.float64) - mean) / scale


def upper_whisker(values: np.ndarray) -> float:
    """Return the largest value within one and a half box lengths above the upper quarter, as a box plot draws it."""
    low, high = np.quantile(values, _QUARTERS)
    return float(values[values <= high + _WHISKER * (high - low)].max())


def _nearest(rows: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return the distance of each row to the nearest reference row.

    A matrix product finds the nearest; its distance is then taken exactly, since the product rounds small ones away.
    """
    half = np.einsum("ij,ij->i", reference, reference) / 2
    nearest = (rows @ reference.T - half).argmax(axis=1)
    apart = (rows - reference[nearest]).astype(np.float64)
    return np.sqrt(np.einsum("ij,ij->i", apart, apart))


def _mean_distance(rows: np.ndarray) -> float:
    """Return the mean distance between two different rows."""
    rows = rows.astype(np.float64)
    square = np.einsum("ij,ij->i", rows, rows)
    total = 0.0
    for start in range(0, len(rows), _CHUNK):
        part = slice(start, start + _CHUNK)
        apart = square[part, np.newaxis] + square - 2 * rows[part] @ rows.T
        total += float(np.sqrt(np.maximum(apart, 0.0)).sum())
    return total / max(1, len(rows) * (len(rows) - 1))


def _spread(rows: np.ndarray, fold: np.ndarray, most: int, seed: int) -> np.ndarray:
    """Return rows that stand for all: half at random, the others drawn by their squared distance to those before.

    So dense places are known well, and the few rows of a rare kind are not forgotten.
    """
    if len(rows) <= most:
        return np.arange(len(rows))
    chance = np.random.default_rng(seed)
    chosen = chance.choice(len(rows), most // 2, replace=False)
    square = np.full(len(rows), np.inf)
    added: Optional[np.ndarray] = chosen
    left = most - len(chosen)
    for turn in range(_ROUNDS):
        for start in range(0, len(rows), _CHUNK):
            part = slice(start, start + _CHUNK)
            square[part] = np.minimum(square[part], _nearest(rows[part], rows[added]) ** 2)
        open_rows = np.flatnonzero(square > 1e-12)
        count = min(len(open_rows), left // (_ROUNDS - turn))
        if not count:
            break
        weight = square[open_rows]
        added = chance.choice(open_rows, count, replace=False, p=weight / weight.sum())
        chosen = np.concatenate([chosen, added])
        left -= count
    return np.sort(chosen)

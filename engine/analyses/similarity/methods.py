"""The four ways to say how alike something is: examples in, a scorer out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

import numpy as np

from ...errors import InputError
from .examples import ExampleVectors
from .logistic import fit_logistic
from .scores import CosineScorer, LogisticScorer, Scorer, Standard

METHODS = ("mean", "nearest", "rocchio", "discriminative")
MOST_EXAMPLES = 20_000


@dataclass(frozen=True)
class Recipe:
    """How to score: the method, how much counter-examples count (Rocchio), and the standard of the dimensions."""

    method: str
    beta: float = 0.5
    standard: Optional[Standard] = None


@dataclass(frozen=True)
class Material:
    """What a scorer is made of: examples, counter-examples, and vectors of anywhere `(rows, dims)`."""

    examples: ExampleVectors
    counter: Optional[ExampleVectors] = None
    background: Optional[np.ndarray] = None


def check_method(method: str, with_counter: bool) -> None:
    """Refuse what can't be, before anything is read."""
    if method not in METHODS:
        raise InputError("method-unknown", "METHOD: “{method}” is not one of {methods}.", method=method,
                         methods=", ".join(METHODS))
    if method == "rocchio" and not with_counter:
        raise InputError("rocchio-counter", "METHOD rocchio subtracts counter-examples, and there are none: give "
                         "COUNTEREXAMPLES, or use METHOD mean.")


def fit(recipe: Recipe, material: Material) -> Scorer:
    """Return the scorer of a method."""
    if recipe.method == "discriminative":
        return _discriminative(recipe, material)
    means = _standardised(material.examples.means, recipe.standard)
    if recipe.method == "nearest":
        if len(means) > MOST_EXAMPLES:
            raise InputError("examples-many", "METHOD nearest compares with every example, and {count} are too many: "
                             "give at most {most}, or use METHOD mean.", count=len(means), most=MOST_EXAMPLES)
        return CosineScorer(_unit(means[means.any(axis=1)]), recipe.standard)
    query = means.mean(axis=0)
    if recipe.method == "rocchio" and material.counter is not None:
        query = query - recipe.beta * _standardised(material.counter.means, recipe.standard).mean(axis=0)
    return CosineScorer(_unit(query[None]), recipe.standard)


def _standardised(vectors: np.ndarray, standard: Optional[Standard]) -> np.ndarray:
    """Standardise where asked for."""
    wide = vectors.astype(np.float64)
    return wide if standard is None else standard.apply(wide)


def _unit(queries: np.ndarray) -> np.ndarray:
    """Return queries of length one."""
    length = np.linalg.norm(queries, axis=1, keepdims=True)
    if not len(queries) or not length.all():
        raise InputError("examples-cancel", "The examples cancel each other out to a vector of length zero: give fewer "
                         "or other ones, or use METHOD nearest.")
    return (queries / length).astype(np.float32)


def _discriminative(recipe: Recipe, material: Material) -> LogisticScorer:
    """Fit a regularised logistic regression: every example weighs the same, and so do the two sides.

    The cloud of vectors is first scaled as a whole to a variance of one per dimension, so that the same penalty suits
    unit embeddings and standardised bands; the scaling is then folded into the weights.
    """
    examples = material.examples
    if examples.places < 2:
        raise InputError("examples-one-cell", "All examples lie in one cell, and METHOD discriminative needs at least "
                         "two different ones: add examples elsewhere, or use METHOD mean.")
    negative = material.counter.members if material.counter is not None else material.background
    if negative is None or not len(negative):
        raise InputError("background-empty", "METHOD discriminative found nothing to tell the examples from: give "
                         "COUNTEREXAMPLES, or use METHOD mean.")
    both = np.concatenate([_standardised(examples.members, recipe.standard),
                           _standardised(negative, recipe.standard)])
    positive = np.arange(len(both)) < len(examples.members)
    centre = both.mean(axis=0)
    size = float(np.sqrt(both.var(axis=0).mean())) or 1.0
    fitted = fit_logistic((both - centre) / size, positive, importance(examples, len(negative)))
    weights = fitted.weights / size
    intercept = fitted.intercept - float(weights @ centre)
    if recipe.standard is not None:
        weights = weights / recipe.standard.spread
        intercept -= float(weights @ recipe.standard.mean)
    return LogisticScorer(weights, intercept)


def importance(examples: ExampleVectors, negatives: int) -> np.ndarray:
    """Return how much each member and each negative counts: one an example, and as much in all for the other side."""
    sizes = np.bincount(examples.owners, minlength=len(examples.means))
    return np.concatenate([1.0 / sizes[examples.owners], np.full(negatives, len(examples.means) / negatives)])

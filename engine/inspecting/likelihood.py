"""Which class is each pixel in view, as told by a few clicks: a closed-form fit, quick enough to follow each click.

Each class has a ridge regression on vectors that are standardised by what is in view. The scores of examples that were
left out have a closed form as well; they choose the penalty, and how sharply scores become likelihoods. What is unlike
all examples scores alike for all classes, so that it shows as uncertain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Sequence

import numpy as np

from ..analyses.similarity.scores import numbers_of, standard_of
from ..errors import InputError
from ..field_pass import FieldBlock
from ..progress import Progress, check
from .shared_rows import share_rows
from .view_block import ViewBlock

_PENALTIES = (0.01, 0.1, 1.0)
_PENALTY = 0.1
_SHARPNESSES = (0.1, 0.2, 0.4)
_SHARPNESS = 0.2
# Larger products are spread over threads by OpenBLAS, which wait for each other longer than they compute.
_PRODUCT_PIXELS = 2048
_SOFTMAX_PIXELS = 8192
_BACKGROUND = 4096
_LEAST_BACKGROUND = 16


@dataclass(frozen=True)
class ClassModel:
    """Weights `(classes, dims)` and intercepts that score vectors (of length one where `angular`), and their softness.

    `accuracy` is the mean over classes of the share of examples that are right when left out, None where a class has
    but one. `examples` `(n, dims)` are the vectors that it was made of.
    """

    classes: "tuple[str, ...]"
    weights: np.ndarray
    intercepts: np.ndarray
    softness: float
    angular: bool
    examples: np.ndarray
    accuracy: Optional[float]


@dataclass(frozen=True)
class Likelihood:
    """The likelihood `(classes, rows, cols)` of each class in view, NaN where there is no vector or one of zeros."""

    classes: "tuple[str, ...]"
    shares: np.ndarray

    @property
    def winners(self) -> np.ndarray:
        """Return the number of the likeliest class `(rows, cols)`, −1 where there is none."""
        return np.where(np.isnan(self.shares[0]), -1, self.shares.argmax(axis=0))

    @property
    def certainties(self) -> np.ndarray:
        """Return `(rows, cols)` how far the likeliest class is ahead of the next: 0..1, NaN where there is none."""
        best = self.shares.max(axis=0)
        first = self.shares.argmax(axis=0)
        second = np.full_like(best, -np.inf)
        for number, share in enumerate(self.shares):
            np.maximum(second, np.where(first == number, np.float32(-np.inf), share), out=second)
        return best - second

    def likeliest_at(self, pixel: int, count: int) -> "tuple[str, ...]":
        """Return the likeliest classes of a pixel, the likeliest first."""
        shares = self.shares.reshape(len(self.classes), -1)[:, pixel]
        return tuple(self.classes[number] for number in np.argsort(-shares, kind="stable")[:count].tolist())


def background_of(block: ViewBlock, seed: int = 0) -> np.ndarray:
    """Return vectors `(n, dims)` of pixels in view, by which the dimensions are standardised."""
    found = np.flatnonzero(block.valid)
    if len(found) > _BACKGROUND:
        found = np.sort(np.random.default_rng(seed).choice(found, _BACKGROUND, replace=False))
    return block.vectors_of(found)


def fit_classes(vectors: np.ndarray, labels: "Sequence[str]", metric: str,
                background: Optional[np.ndarray] = None) -> ClassModel:
    """Fit examples `(n, dims)` and their classes, two or more, each with one example or more.

    Every class weighs the same. `background` are vectors of the area at large; without it, the examples stand for it.
    """
    classes = tuple(sorted(set(labels)))
    vectors = np.asarray(vectors, dtype=np.float64).reshape(len(labels), -1)
    usable = np.isfinite(vectors).all(axis=1) & vectors.any(axis=1)
    numbers = np.array([classes.index(label) for label in labels], dtype=np.int64)
    kept = np.unique(numbers[usable])
    if len(kept) < 2:
        raise InputError("classes-few", "There are examples of {count} class and two are needed: click places of "
                         "another class.", count=len(kept))
    classes = tuple(classes[number] for number in kept)
    numbers = np.searchsorted(kept, numbers[usable])
    angular = metric == "cosine"
    examples = _compared(vectors[usable], angular)
    around = examples if background is None else _compared(_valid(background), angular)
    standard = standard_of(around if len(around) >= _LEAST_BACKGROUND else examples)
    ridge = _Ridge(standard.apply(examples), numbers, len(classes))
    penalty, softness, accuracy = _chosen(ridge)
    weights, intercepts = ridge.solved(penalty)
    weights = weights / standard.spread
    intercepts = intercepts - weights @ standard.mean
    return ClassModel(classes, weights.astype(np.float32), intercepts.astype(np.float32), softness, angular,
                      vectors[usable].astype(np.float32), accuracy)


def _valid(vectors: np.ndarray) -> np.ndarray:
    """Return the vectors that have values and a length."""
    wide = np.asarray(vectors, dtype=np.float64)
    return wide[np.isfinite(wide).all(axis=1) & wide.any(axis=1)]


def _compared(vectors: np.ndarray, angular: bool) -> np.ndarray:
    """Return vectors `(n, dims)` of length one where only their direction counts."""
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True) if angular else vectors


class _Ridge:
    """Ridge regressions of all classes at once, for any penalty, from one decomposition."""

    def __init__(self, table: np.ndarray, numbers: np.ndarray, classes: int) -> None:
        """Weigh the classes alike, and centre."""
        counts = np.bincount(numbers, minlength=classes)
        self.numbers, self.counts = numbers, counts
        self._weights = (1.0 / counts)[numbers]
        self._weights *= len(numbers) / self._weights.sum()
        self._targets = np.eye(classes)[numbers] - 1.0 / classes
        self._middle = self._weights @ table / self._weights.sum()
        self._root = np.sqrt(self._weights)[:, None]
        self._left, self._sizes, self._right = np.linalg.svd(self._root * (table - self._middle), full_matrices=False)
        self._dimensions = table.shape[1]

    def solved(self, penalty: float) -> "tuple[np.ndarray, np.ndarray]":
        """Return weights `(classes, dims)` and intercepts."""
        shrunk = self._sizes / (self._sizes ** 2 + penalty * self._dimensions)
        weights = ((self._right.T * shrunk) @ (self._left.T @ (self._root * self._targets))).T
        return weights, 1.0 / self._targets.shape[1] - weights @ self._middle

    def left_out(self, penalty: float) -> np.ndarray:
        """Return the scores `(n, classes)` of each example by a fit without it (the others weighing as they do)."""
        share = self._sizes ** 2 / (self._sizes ** 2 + penalty * self._dimensions)
        fitted = (self._left * share) @ (self._left.T @ (self._root * self._targets)) / self._root
        leverage = (self._left ** 2 * share).sum(axis=1) + self._weights / self._weights.sum()
        rest = np.maximum(1.0 - leverage, 1e-9)[:, None]
        return (fitted - leverage[:, None] * self._targets) / rest + 1.0 / self._targets.shape[1]


def _chosen(ridge: _Ridge) -> "tuple[float, float, Optional[float]]":
    """Return the penalty and softness under which left-out examples are likeliest, and the accuracy on these."""
    if ridge.counts.min() < 2:
        return _PENALTY, _SHARPNESS, None
    rows = np.arange(len(ridge.numbers))
    best = (np.inf, _PENALTY, _SHARPNESS, 0.0)
    for penalty in _PENALTIES:
        scores = ridge.left_out(penalty)
        right = scores.argmax(axis=1) == ridge.numbers
        accuracy = float(np.mean(np.bincount(ridge.numbers, right) / ridge.counts))
        for softness in _SHARPNESSES:
            logits = scores / softness
            logits -= logits.max(axis=1, keepdims=True)
            losses = np.log(np.exp(logits).sum(axis=1)) - logits[rows, ridge.numbers]
            loss = float(np.mean(np.bincount(ridge.numbers, losses) / ridge.counts))
            if loss < best[0]:
                best = (loss, penalty, softness, accuracy)
    return best[1:]


def likelihood(block: ViewBlock, model: ClassModel, progress: Progress) -> Likelihood:
    """Return the likelihood of each class at each pixel in view."""
    if model.weights.shape[1] != block.dimensions:
        raise InputError("classes-dimensions", "The examples are vectors of {length} numbers, those of {path} of "
                         "{dimensions}: take them from the same embeddings.", length=model.weights.shape[1],
                         path=block.path, dimensions=block.dimensions)
    shares = np.empty((len(model.classes), block.rows * block.cols), dtype=np.float32)
    check(progress)

    def fill(pixels: slice, some: FieldBlock) -> None:
        """Work out some rows."""
        room, lengths = shares[:, pixels], block.lengths[pixels]
        for part, values, unit in numbers_of(some, _PRODUCT_PIXELS):
            weights = model.weights if model.angular else model.weights * np.float32(unit)
            np.matmul(weights, values, out=room[:, part])
        for start in range(0, len(lengths), _SOFTMAX_PIXELS):
            part = slice(start, start + _SOFTMAX_PIXELS)
            _to_shares(room[:, part], lengths[part], model)

    share_rows(block.block, fill)
    check(progress)
    return Likelihood(model.classes, shares.reshape(-1, block.rows, block.cols))


def _to_shares(scores: np.ndarray, lengths: np.ndarray, model: ClassModel) -> None:
    """Turn products `(classes, n)` of vectors of these lengths into shares that sum to one, in place."""
    if model.angular:
        scores /= lengths
    else:
        scores[:, np.isnan(lengths)] = np.nan
    scores += model.intercepts[:, None]
    scores -= scores.max(axis=0)
    scores *= np.float32(1.0 / model.softness)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=0)

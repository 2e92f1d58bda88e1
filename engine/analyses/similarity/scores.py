"""Scores of vectors, computed on raw blocks in chunks that stay in the processor's cache.

A cosine needs one matrix product and one sum of squares a chunk, both in band-major order. AlphaEarth's bytes are never
looked up in a table: `q·|q|` is as good as the vector for an angle, and a factor in the weights for the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterator, Optional, Protocol

import numpy as np

from ...coding import AEF_NODATA, AlphaEarthCoding
from ...field_pass import CHUNK, FieldBlock

_ALPHAEARTH_UNIT = 1.0 / 127.5 ** 2
# A chunk of so many float32 numbers fits into half of a core's cache.
_CHUNK_NUMBERS = 1 << 18
_LEAST_CHUNK = 512
_PRODUCT_CELLS = 1 << 20
_DIMENSIONS_AT_ONCE = 128


@dataclass(frozen=True)
class Standard:
    """The mean and spread of each dimension, by which vectors are standardised."""

    mean: np.ndarray
    spread: np.ndarray

    def apply(self, vectors: np.ndarray) -> np.ndarray:
        """Standardise `(rows, dims)`."""
        return (vectors - self.mean) / self.spread


def standard_of(sample: np.ndarray) -> Standard:
    """Return mean and spread of a sample `(rows, dims)`; a dimension that never changes counts for nothing."""
    wide = sample.astype(np.float64)
    spread = wide.std(axis=0)
    constant = spread <= 1e-9 * np.maximum(1.0, np.abs(wide).max(axis=0))
    return Standard(wide.mean(axis=0), np.where(constant, np.inf, spread))


@dataclass(frozen=True)
class CosineScorer:
    """The largest cosine to any of the queries `(queries, dims)`, which have length one: −1..1."""

    queries: np.ndarray
    standard: Optional[Standard] = None

    def measure(self, values: np.ndarray, unit: float, product: np.ndarray, square: np.ndarray) -> None:
        """Put products and squared lengths of `(dims, pixels)`, which must be multiplied by `unit`, into two rows."""
        if self.standard is not None:
            sum_squares(values, square)
            empty = square == 0
            values = _standardised(values, self.standard, unit)
        queries = self.queries.astype(np.float32, copy=False)
        if len(queries) == 1:
            project(queries[0], values, product)
        else:
            (queries @ values).max(axis=0, out=product)
        sum_squares(values, square)
        if self.standard is not None:
            square[empty] = 0

    def scores(self, product: np.ndarray, square: np.ndarray) -> np.ndarray:
        """Return the scores of measured pixels, NaN where the length is zero or there is no vector."""
        square[square == 0] = np.nan
        product /= np.sqrt(square, out=square)
        return np.clip(product, -1.0, 1.0, out=product)


@dataclass(frozen=True)
class LogisticScorer:
    """The probability that a logistic regression gives: 0..1. Standardising is part of the weights."""

    weights: np.ndarray
    intercept: float

    def measure(self, values: np.ndarray, unit: float, product: np.ndarray, square: np.ndarray) -> None:
        """Put products and squared lengths of `(dims, pixels)`, which must be multiplied by `unit`, into two rows."""
        project((self.weights * unit).astype(np.float32), values, product)
        sum_squares(values, square)

    def scores(self, product: np.ndarray, square: np.ndarray) -> np.ndarray:
        """Return the scores of measured pixels, NaN where the length is zero or there is no vector."""
        product += np.float32(self.intercept)
        product[~(square > 0) | ~np.isfinite(square)] = np.nan
        np.clip(product, -80.0, 80.0, out=product)
        np.exp(np.negative(product, out=product), out=product)
        product += 1
        return np.divide(1, product, out=product)


class Scorer(Protocol):
    """What gives each vector a score; plain values only, so that it travels."""

    def measure(self, values: np.ndarray, unit: float, product: np.ndarray, square: np.ndarray) -> None:
        """Put products and squared lengths of `(dims, pixels)`, which must be multiplied by `unit`, into two rows."""

    def scores(self, product: np.ndarray, square: np.ndarray) -> np.ndarray:
        """Return the scores of measured pixels, NaN where the length is zero or there is no vector."""


def project(query: np.ndarray, values: np.ndarray, product: np.ndarray) -> None:
    """Multiply one query with `(dims, pixels)`.

    OpenBLAS would spread so small a product over threads, which wait for each other longer than they compute.
    """
    np.einsum("i,ij->j", query, values, out=product)


def sum_squares(values: np.ndarray, square: np.ndarray) -> None:
    """Sum the squares of `(dims, pixels)`; dimensions in groups keep the rounding error of long vectors small."""
    np.einsum("ij,ij->j", values[:_DIMENSIONS_AT_ONCE], values[:_DIMENSIONS_AT_ONCE], out=square)
    for start in range(_DIMENSIONS_AT_ONCE, len(values), _DIMENSIONS_AT_ONCE):
        part = values[start:start + _DIMENSIONS_AT_ONCE]
        square += np.einsum("ij,ij->j", part, part)


def _standardised(values: np.ndarray, standard: Standard, unit: float) -> np.ndarray:
    """Return `(dims, pixels)` less the mean, divided by the spread."""
    found = values * (unit / standard.spread)[:, None].astype(np.float32)
    found -= (standard.mean / standard.spread)[:, None].astype(np.float32)
    return found


def score_block(block: FieldBlock, scorer: Scorer) -> np.ndarray:
    """Return the scores `(rows, cols)` of a block, NaN where there is no vector or one of length zero."""
    product, square = np.empty((2, block.window.width * block.window.height), dtype=np.float32)
    for part, values, unit in numbers_of(block, _chunk_size(scorer, block.source.dimensions)):
        scorer.measure(values, unit, product[part], square[part])
    return scorer.scores(product, square).reshape(block.shape)


def score_vectors(vectors: np.ndarray, scorer: Scorer) -> np.ndarray:
    """Return the scores of `(rows, dims)`."""
    product, square = np.empty((2, len(vectors)), dtype=np.float32)
    size = _chunk_size(scorer, vectors.shape[1])
    for start in range(0, len(vectors), size):
        part = slice(start, start + size)
        values = np.ascontiguousarray(vectors[part].T, dtype=np.float32)
        scorer.measure(values, 1.0, product[part], square[part])
    return scorer.scores(product, square)


def _chunk_size(scorer: Scorer, dimensions: int) -> int:
    """Return how many pixels at once are fastest."""
    queries = len(scorer.queries) if isinstance(scorer, CosineScorer) else 1
    return max(_LEAST_CHUNK, min(CHUNK, _CHUNK_NUMBERS // dimensions, _PRODUCT_CELLS // queries))


def numbers_of(block: FieldBlock, size: int) -> "Iterator[tuple[slice, np.ndarray, float]]":
    """Yield pixels in runs with their numbers `(dims, pixels)` and the factor that makes vectors of these."""
    if not isinstance(block.source.coding, AlphaEarthCoding) or block.raw.dtype != np.int8:
        for part, values in block.chunks(size):
            yield part, values, 1.0
        return
    flat = block.raw.reshape(len(block.raw), -1)
    outside = None if block.valid is None else ~block.valid.ravel()
    size = max(_LEAST_CHUNK, size // 2)  # two rooms of float32 instead of one
    room, magnitude = (np.empty((len(flat), size), dtype=np.float32) for _ in range(2))
    for start in range(0, flat.shape[1], size):
        part = slice(start, min(start + size, flat.shape[1]))
        raw = flat[:, part]
        values = room[:, :raw.shape[1]]
        np.copyto(values, raw)
        values *= np.abs(values, out=magnitude[:, :raw.shape[1]])
        if raw.min() == AEF_NODATA:
            values[0, raw.min(axis=0) == AEF_NODATA] = np.nan
        if outside is not None:
            values[0, outside[part]] = np.nan
        yield part, values, _ALPHAEARTH_UNIT

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
_ALPHAEARTH_CHUNK = 4096
_PRODUCT_CELLS = 1 << 21
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

    def of_chunk(self, values: np.ndarray, unit: float) -> np.ndarray:
        """Return the scores of `(dims, pixels)` that must be multiplied by `unit` to be vectors."""
        if self.standard is not None:
            raw = lengths(values)
            values = _standardised(values, self.standard, unit)
            length = lengths(values)
            length[raw == 0] = 0
        else:
            length = lengths(values)
        product = self.queries.astype(np.float32) @ values
        best = product[0] if len(product) == 1 else product.max(axis=0)
        length[length == 0] = np.nan
        best = best / length
        return np.clip(best, -1.0, 1.0, out=best)


@dataclass(frozen=True)
class LogisticScorer:
    """The probability that a logistic regression gives: 0..1. Standardising is part of the weights."""

    weights: np.ndarray
    intercept: float

    def of_chunk(self, values: np.ndarray, unit: float) -> np.ndarray:
        """Return the scores of `(dims, pixels)` that must be multiplied by `unit` to be vectors."""
        length = lengths(values)
        odds = (self.weights * unit).astype(np.float32)[None] @ values
        odds = odds[0] + np.float32(self.intercept)
        odds[length == 0] = np.nan
        odds += length * 0
        np.clip(odds, -80.0, 80.0, out=odds)
        return 1 / (1 + np.exp(-odds))


class Scorer(Protocol):
    """What gives each vector a score; plain values only, so that it travels."""

    def of_chunk(self, values: np.ndarray, unit: float) -> np.ndarray:
        """Return the scores of `(dims, pixels)` that must be multiplied by `unit` to be vectors."""


def lengths(values: np.ndarray) -> np.ndarray:
    """Return the lengths of `(dims, pixels)`; dimensions in groups keep the rounding error of long vectors small."""
    total = np.einsum("ij,ij->j", values[:_DIMENSIONS_AT_ONCE], values[:_DIMENSIONS_AT_ONCE])
    for start in range(_DIMENSIONS_AT_ONCE, len(values), _DIMENSIONS_AT_ONCE):
        part = values[start:start + _DIMENSIONS_AT_ONCE]
        total += np.einsum("ij,ij->j", part, part)
    return np.sqrt(total, out=total)


def _standardised(values: np.ndarray, standard: Standard, unit: float) -> np.ndarray:
    """Return `(dims, pixels)` less the mean, divided by the spread."""
    found = values * (unit / standard.spread)[:, None].astype(np.float32)
    found -= (standard.mean / standard.spread)[:, None].astype(np.float32)
    return found


def score_block(block: FieldBlock, scorer: Scorer) -> np.ndarray:
    """Return the scores `(rows, cols)` of a block, NaN where there is no vector or one of length zero."""
    found = np.empty(block.window.width * block.window.height, dtype=np.float32)
    queries = len(scorer.queries) if isinstance(scorer, CosineScorer) else 1
    for part, values, unit in _chunks(block, max(256, min(CHUNK, _PRODUCT_CELLS // queries))):
        found[part] = scorer.of_chunk(values, unit)
    return found.reshape(block.shape)


def score_vectors(vectors: np.ndarray, scorer: Scorer) -> np.ndarray:
    """Return the scores of `(rows, dims)`."""
    found = np.empty(len(vectors), dtype=np.float32)
    queries = len(scorer.queries) if isinstance(scorer, CosineScorer) else 1
    size = max(256, min(CHUNK, _PRODUCT_CELLS // queries))
    for start in range(0, len(vectors), size):
        part = np.ascontiguousarray(vectors[start:start + size].T, dtype=np.float32)
        found[start:start + size] = scorer.of_chunk(part, 1.0)
    return found


def _chunks(block: FieldBlock, size: int) -> "Iterator[tuple[slice, np.ndarray, float]]":
    """Yield pixels in runs with their numbers `(dims, pixels)` and the factor that makes vectors of these."""
    if not isinstance(block.source.coding, AlphaEarthCoding) or block.raw.dtype != np.int8:
        for part, values in block.chunks(size):
            yield part, values, 1.0
        return
    flat = block.raw.reshape(len(block.raw), -1)
    outside = None if block.valid is None else ~block.valid.ravel()
    size = min(size, _ALPHAEARTH_CHUNK)
    for start in range(0, flat.shape[1], size):
        part = slice(start, min(start + size, flat.shape[1]))
        raw = flat[:, part]
        values = raw.astype(np.float32)
        values *= np.abs(values)
        missing = raw.min(axis=0) == AEF_NODATA
        if outside is not None:
            missing |= outside[part]
        if missing.any():
            values[0, missing] = np.nan
        yield part, values, _ALPHAEARTH_UNIT

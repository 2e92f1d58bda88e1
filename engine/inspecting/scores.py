"""Scores of what a canvas shows, by the rule of the similarity search: what is kept later equals what was seen."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..analyses.similarity.examples import Examples, ExampleVectors, of_vectors
from ..analyses.similarity.methods import Material, Recipe, fit
from ..analyses.similarity.scores import CosineScorer, project, score_block, score_vectors
from ..errors import InputError
from ..field_pass import FieldBlock
from .shared_rows import share_rows
from .view_block import ViewBlock

MEAN, ROCCHIO = "mean", "rocchio"


def _none() -> np.ndarray:
    """Return no vector."""
    return np.empty((0, 0), dtype=np.float32)


@dataclass(frozen=True)
class Query:
    """What is looked for: one vector a positive example `(n, dims)`, and one a counter-example `(m, dims)`.

    `method` is what METHOD of the similarity search is to be for the same scores at full resolution.
    """

    positives: np.ndarray
    negatives: np.ndarray = field(default_factory=_none)

    @property
    def method(self) -> str:
        """Return the method that these examples ask for."""
        return ROCCHIO if self.negatives.size else MEAN

    def scorer(self) -> CosineScorer:
        """Return the scorer that the similarity search would make of these examples."""
        positives = np.atleast_2d(np.asarray(self.positives, dtype=np.float32))
        examples = _examples(positives, "the examples")
        counter = None
        if self.negatives.size:
            counter = _examples(np.atleast_2d(self.negatives), "the counter-examples")
        found = fit(Recipe(self.method), Material(examples, counter))
        if not isinstance(found, CosineScorer):
            raise TypeError("a mean has a cosine")
        return found


def _examples(vectors: np.ndarray, name: str) -> ExampleVectors:
    """Return vectors as examples, or say that none has a direction."""
    if not vectors[np.isfinite(vectors).all(axis=1)].any():
        raise InputError("query-zero", "The vectors of {name} are all zeros, which are like nothing: choose other "
                         "places.", name=name)
    return of_vectors(Examples(name, vectors=vectors), vectors.shape[1])


@dataclass(frozen=True)
class _KnownLengths:
    """A scorer for pixels whose lengths are known already: one product is all that a new query needs."""

    query: np.ndarray
    lengths: np.ndarray

    def measure(self, values: np.ndarray, unit: float, product: np.ndarray, square: np.ndarray) -> None:
        """Put the products of `(dims, pixels)` with the query into a row; the squares are known."""
        project(self.query, values, product)

    def scores(self, product: np.ndarray, square: np.ndarray) -> np.ndarray:
        """Return the cosines."""
        product /= self.lengths
        return np.clip(product, -1.0, 1.0, out=product)


def score(block: ViewBlock, query: Query) -> np.ndarray:
    """Return the scores `(rows, cols)` of what a canvas shows, −1..1, NaN where there is no vector or one of zeros."""
    scorer = query.scorer()
    _require_length(scorer.queries.shape[1], block)
    query_vector = scorer.queries[0].astype(np.float32)
    found = np.empty(block.rows * block.cols, dtype=np.float32)

    def score_part(pixels: slice, part: FieldBlock) -> None:
        """Score some rows."""
        found[pixels] = score_block(part, _KnownLengths(query_vector, block.lengths[pixels])).ravel()

    share_rows(block.block, score_part)
    return found.reshape(block.rows, block.cols)


def score_rows(vectors: np.ndarray, query: Query) -> np.ndarray:
    """Return the scores `(rows,)` of a table's vectors `(rows, dims)`."""
    return score_vectors(vectors, query.scorer())


def score_to(block: ViewBlock, vector: np.ndarray) -> np.ndarray:
    """Return the scores `(rows, cols)` of what a canvas shows with one vector."""
    return score(block, Query(np.asarray(vector, dtype=np.float32)[None]))


def _require_length(length: int, block: ViewBlock) -> None:
    """Refuse a query of other vectors."""
    if length != block.dimensions:
        raise InputError("query-dimensions", "The examples are vectors of {length} numbers, those of {path} of "
                         "{dimensions}: take them from the same embeddings.", length=length, path=block.path,
                         dimensions=block.dimensions)

"""Counts vectors that differ, which no clustering can have more groups than."""

from __future__ import annotations

import numpy as np

from ...errors import InputError

_CHUNK = 8192


def distinct_rows(vectors: np.ndarray, enough: int) -> int:
    """Return how many different vectors `(rows, dims)` there are, or `enough` as soon as there are that many."""
    factors = np.random.default_rng(0).integers(1, 2**63, size=vectors.shape[1], dtype=np.uint64) | np.uint64(1)
    found = np.empty(0, dtype=np.uint64)
    for start in range(0, len(vectors), _CHUNK):
        part = np.ascontiguousarray(vectors[start:start + _CHUNK], dtype=np.float32) + np.float32(0)
        # Whole numbers that wrap around: equal vectors get equal sums wherever they stand, unlike rounded products.
        sums = (part.view(np.uint32).astype(np.uint64) * factors).sum(axis=1, dtype=np.uint64)
        found = np.unique(np.concatenate([found, sums]))
        if len(found) >= enough:
            return enough
    return len(found)


def require_distinct(vectors: np.ndarray, clusters: int) -> None:
    """Raise where more clusters are asked for than there are different vectors."""
    found = distinct_rows(vectors, clusters)
    if found < clusters:
        raise InputError("clusters-distinct", "CLUSTERS is {clusters}, but there are only {found} different vectors "
                         "among the {rows} looked at: ask for at most {found}.", clusters=clusters, found=found,
                         rows=len(vectors))

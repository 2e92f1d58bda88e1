"""UMAP of a sample, by the optional package umap-learn; other vectors are placed between their neighbours in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping

import numpy as np

from ... import packages
from ...errors import InputError
from ...neighbours import NearestInSample
from ...pipeline import attend
from ...progress import Progress
from .fitted import UMAP, stretch_of

_NEIGHBOURS = 5
_LEAST = 16


@dataclass(frozen=True)
class SampleMap:
    """A sample's vectors `(n, dims)` as they are compared, and their coordinates `(n, k)` on the map."""

    metric: str
    origin: np.ndarray
    sample: np.ndarray
    places: np.ndarray
    stretch: np.ndarray
    explained: "tuple[float, ...]" = ()

    @property
    def method(self) -> str:
        """Return the method's name."""
        return UMAP

    @property
    def dimensions(self) -> int:
        """Return how many numbers come out."""
        return self.places.shape[1]

    def apply(self, vectors: np.ndarray) -> np.ndarray:
        """Place vectors `(dims, pixels)` between their nearest sample vectors, by their inverse squared distance."""
        found = np.full((self.dimensions, vectors.shape[1]), np.nan, dtype=np.float32)
        valid = np.isfinite(vectors.sum(axis=0))
        if self.metric == "cosine":
            valid &= vectors.any(axis=0)
        table = compared(vectors[:, valid], self.metric, self.origin)
        placed = np.empty((self.dimensions, table.shape[1]), dtype=np.float32)
        search = NearestInSample(self.sample, min(_NEIGHBOURS, len(self.sample)))
        for part, rows in search.chunks(table):
            apart = self.sample[rows] - table[:, part].T[:, np.newaxis]
            weights = 1.0 / np.maximum(np.einsum("nkd,nkd->nk", apart, apart), 1e-12)
            weights /= weights.sum(axis=1, keepdims=True)
            placed[:, part] = np.einsum("nk,nkd->dn", weights, self.places[rows])
        found[:, valid] = placed
        return found

    def arrays(self) -> "Mapping[str, np.ndarray]":
        """Return the numbers that decide the result."""
        return {"origin": self.origin, "places": self.places, "sample": self.sample}


def compared(vectors: np.ndarray, metric: str, origin: np.ndarray) -> np.ndarray:
    """Return vectors `(dims, n)` such that Euclidean distances between them say what the metric says."""
    if metric == "cosine":
        vectors = vectors / np.sqrt(np.einsum("ij,ij->j", vectors, vectors))
    return vectors - origin[:, np.newaxis]


def fit_umap(vectors: np.ndarray, dimensions: int, metric: str, seed: int, progress: Progress) -> SampleMap:
    """Fit a map of vectors `(rows, dims)`; a fixed seed makes it repeatable on one machine."""
    umap = packages.require("umap")
    if metric == "cosine":
        vectors = vectors[vectors.any(axis=1)]
    if len(vectors) < max(_LEAST, 4 * dimensions):
        raise InputError("umap-sample", "{rows} vectors are too few for a UMAP of {wanted} dimensions: use the method "
                         "pca.", rows=len(vectors), wanted=dimensions)
    nothing = np.zeros(vectors.shape[1], dtype=np.float32)
    origin = compared(vectors.T, metric, nothing).mean(axis=1, dtype=np.float64).astype(np.float32)
    sample = np.ascontiguousarray(compared(vectors.T, metric, origin).T)
    neighbours = min(15, len(sample) - 1)

    def fit() -> np.ndarray:
        """Fit in a thread that a cancel may leave behind."""
        return umap.UMAP(n_components=dimensions, n_neighbors=neighbours, random_state=seed, n_jobs=1).fit_transform(
            sample)

    progress.report(0.0, f"UMAP of {len(sample)} vectors (the first run compiles for half a minute)")
    places = np.asarray(attend(fit, progress), dtype=np.float32)
    return SampleMap(metric, origin, sample, places, stretch_of(places.T))

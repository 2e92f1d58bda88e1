"""UMAP of a sample, by the optional package umap-learn, in steps of the caller's patience."""

from __future__ import annotations

import numpy as np

from ... import packages
from ...errors import InputError
from ...pipeline import attend
from ...progress import Progress
from .fitted import UMAP, Projection, stretch_of


def fit_umap(sample: np.ndarray, dimensions: int, seed: int, progress: Progress) -> Projection:
    """Fit a map of a sample `(rows, dims)`; a fixed seed makes it repeatable on one machine."""
    umap = packages.require("umap")
    if len(sample) < 4 * dimensions or len(sample) < 16:
        raise InputError("umap-sample", "{rows} vectors are too few for a UMAP of {wanted} dimensions: use pca.",
                         rows=len(sample), wanted=dimensions)
    origin = sample.mean(axis=0, dtype=np.float64).astype(np.float32)
    neighbours = min(15, len(sample) - 1)

    def fit() -> np.ndarray:
        """Fit in a thread that a cancel may leave behind."""
        return umap.UMAP(n_components=dimensions, n_neighbors=neighbours, random_state=seed, n_jobs=1).fit_transform(
            sample - origin)

    progress.report(0.0, f"UMAP of {len(sample)} vectors (the first run compiles for half a minute)")
    places = np.asarray(attend(fit, progress), dtype=np.float32)
    return Projection(UMAP, origin, np.ascontiguousarray(sample, dtype=np.float32), stretch_of(places.T), places)

"""Principal components: fitted on a sample of vectors, with signs that a second fit would repeat."""

from __future__ import annotations

import numpy as np

from .card import Reduction
from .errors import InputError


def fit_pca(vectors: np.ndarray, dimensions: int) -> Reduction:
    """Fit the first principal components of `(rows, dims)`; the largest loading of each is positive."""
    rows, length = vectors.shape
    if dimensions > length:
        raise InputError("pca-dimensions", "The vectors have {length} dimensions, so they can't be reduced to "
                         "{wanted}: ask for fewer.", length=length, wanted=dimensions)
    if rows <= dimensions:
        raise InputError("pca-sample", "{rows} vectors are too few to find {wanted} principal components: ask for "
                         "fewer dimensions or a smaller cell.", rows=rows, wanted=dimensions)
    mean = vectors.mean(axis=0, dtype=np.float64)
    centred = vectors - mean
    values, directions = np.linalg.eigh(centred.T @ centred / (rows - 1))
    order = np.argsort(values)[::-1][:dimensions]
    components = directions[:, order].T
    largest = np.abs(components).argmax(axis=1)
    components *= np.where(components[np.arange(len(components)), largest] < 0, -1.0, 1.0)[:, np.newaxis]
    total = max(float(values.clip(min=0).sum()), np.finfo(float).tiny)
    explained = tuple(float(value) for value in values[order].clip(min=0) / total)
    return Reduction("pca", mean.astype(np.float32), np.ascontiguousarray(components, dtype=np.float32), explained)

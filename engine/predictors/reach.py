"""How unlike the training data features are, in the layout that blocks have."""

from __future__ import annotations

import numpy as np

from ..training.applicability import Applicability

_CHUNK = 512


class Reach:
    """The reference rows laid out for one product a run of columns."""

    def __init__(self, applicability: Applicability) -> None:
        """Fold what all rows share."""
        self.threshold = applicability.threshold
        self._reference = np.ascontiguousarray(applicability.reference, dtype=np.float32)
        self._columns = np.ascontiguousarray(self._reference.T)
        self._half = (np.einsum("ij,ij->i", self._reference, self._reference, dtype=np.float64) / 2).astype(np.float32)
        self._mean = applicability.mean.astype(np.float32)
        self._factor = (1.0 / applicability.scale).astype(np.float32)
        self._mean_distance = applicability.mean_distance

    def dissimilarity(self, features: np.ndarray) -> np.ndarray:
        """Return for raw features `(F, n)` the distance to the nearest reference over the mean distance."""
        found = np.empty(features.shape[1], dtype=np.float32)
        for first in range(0, features.shape[1], _CHUNK):
            part = features[:, first: first + _CHUNK].T
            rows = np.ascontiguousarray((part - self._mean) * self._factor)
            nearness = rows @ self._columns
            nearness -= self._half
            # The product only finds the nearest; small distances are rounded away in it.
            apart = rows - self._reference[nearness.argmax(axis=1)]
            found[first: first + _CHUNK] = np.sqrt(np.einsum("ij,ij->i", apart, apart)) / self._mean_distance
        return found

"""The nearest vectors of a sample that fits into memory: exact, in chunks, without sorting what is far."""

from __future__ import annotations

import math
from typing import Iterator, Optional

import numpy as np

_CHUNK = 256
# Farther than any vector; infinity would make matrix products warn.
_FAR = 1e38


class NearestInSample:
    """Finds for any vectors the nearest ones of a sample by Euclidean distance."""

    def __init__(self, sample: np.ndarray, count: int) -> None:
        """Lay the sample `(rows, dims)` out in groups, about as many as each holds rows for every neighbour wanted.

        The `count` nearest rows lie in the `count` groups whose nearest rows are nearest, so that only those groups
        are searched row by row.
        """
        self.sample = np.ascontiguousarray(sample, dtype=np.float32)
        self.count = count
        rows, dims = self.sample.shape
        self._size = max(1, math.isqrt(rows // count))
        self._groups = -(-rows // self._size)
        # A column more, so that one matrix product gives half the squared distance less what all rows share.
        self._table = np.zeros((self._groups * self._size, dims + 1), dtype=np.float32)
        self._table[:rows, :dims] = -self.sample
        self._table[:rows, dims] = np.einsum("ij,ij->i", self.sample, self.sample, dtype=np.float64) / 2
        self._table[rows:, dims] = _FAR

    def chunks(self, vectors: np.ndarray, own: Optional[np.ndarray] = None) -> "Iterator[tuple[slice, np.ndarray]]":
        """Yield runs of vectors `(dims, n)`: where they lie, and the rows `(run, count)` of their nearest ones.

        The last of each is the farthest, the others come in no order. `own` names for each vector the row of the
        sample that it is itself and shall not find, or −1.
        """
        dims, length = vectors.shape
        ones = np.ones((1, min(_CHUNK, length)), dtype=np.float32)
        for start in range(0, length, _CHUNK):
            part = slice(start, min(start + _CHUNK, length))
            columns = np.concatenate([vectors[:, part], ones[:, :part.stop - start]])
            half = self._table @ columns
            if own is not None:
                itself = np.flatnonzero(own[part] >= 0)
                half[own[part][itself], itself] = np.inf
            yield part, self._smallest(half)

    def _smallest(self, half: np.ndarray) -> np.ndarray:
        """Return the rows of the smallest numbers in each column."""
        length = half.shape[1]
        last = self.count - 1
        if self._groups <= self.count:
            return np.argpartition(half.T, last, axis=1)[:, :self.count]
        least = half.reshape(self._groups, self._size, length).min(axis=1)
        chosen = np.argpartition(np.ascontiguousarray(least.T), last, axis=1)[:, :self.count]
        members = (chosen[:, :, np.newaxis] * self._size + np.arange(self._size)).reshape(length, -1)
        values = half[members, np.arange(length)[:, np.newaxis]]
        nearest = np.argpartition(values, last, axis=1)[:, :self.count]
        return np.take_along_axis(members, nearest, axis=1)

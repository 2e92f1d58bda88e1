"""A table's vectors in a temporary file, so that any row can be had without all of them being in memory."""

from __future__ import annotations

import tempfile

import numpy as np


class StoredVectors:
    """Takes vectors in order, then gives those of any rows."""

    def __init__(self, dimensions: int) -> None:
        """Open the file."""
        self._file = tempfile.TemporaryFile()
        self._dimensions = dimensions
        self._mapped: "np.ndarray" = np.zeros((0, dimensions), dtype=np.float32)
        self.count = 0

    def append(self, vectors: np.ndarray) -> None:
        """Take vectors `(rows, dims)`; how many there will be need not be known."""
        self._file.write(np.ascontiguousarray(vectors, dtype=np.float32).tobytes())
        self.count += len(vectors)

    def rows(self, wanted: np.ndarray) -> np.ndarray:
        """Return the vectors `(rows, dims)` of some rows."""
        if len(self._mapped) != self.count:
            self._file.flush()
            self._mapped = np.memmap(self._file, dtype=np.float32, mode="r", shape=(self.count, self._dimensions))
        return np.asarray(self._mapped[wanted])

    def close(self) -> None:
        """Remove the file."""
        self._mapped = np.zeros((0, self._dimensions), dtype=np.float32)
        self._file.close()

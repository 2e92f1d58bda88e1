"""A table's vectors in a file that is read as if it were memory, so that rows can be paired in any order."""

from __future__ import annotations

from pathlib import Path
from typing import Sequence

import numpy as np


class VectorStore:
    """Float32 vectors by row number."""

    def __init__(self, path: Path, dimensions: int) -> None:
        """Begin an empty file."""
        self._path = path
        self._dimensions = dimensions
        self.count = 0
        path.touch()

    def add(self, vectors: np.ndarray) -> None:
        """Append `(rows, dims)`."""
        with open(self._path, "ab") as file:
            file.write(np.ascontiguousarray(vectors, dtype="<f4").tobytes())
        self.count += len(vectors)

    def rows(self, numbers: "Sequence[int] | np.ndarray") -> np.ndarray:
        """Return `(rows, dims)` of row numbers."""
        if not self.count:
            return np.empty((0, self._dimensions), dtype=np.float32)
        whole = np.memmap(self._path, dtype="<f4", mode="r", shape=(self.count, self._dimensions))
        return np.array(whole[np.asarray(numbers, dtype=np.int64)], dtype=np.float32)

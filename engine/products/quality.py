"""What is in vectors that came from elsewhere: lengths, gaps, values that can't be, and copies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List

import numpy as np

from ..progress import Progress
from ..statement import Lengths, lengths_of, summary_of

_MANY_COPIES = 0.01


@dataclass(frozen=True)
class Quality:
    """What was seen of `count` vectors; `missing` more places have none."""

    count: int
    missing: int
    lengths: Lengths
    impossible: int
    copies: int

    def tell(self, name: str, progress: Progress, kind: str = "rows") -> None:
        """Say all of it in the log, and warn of what should be looked at."""
        every = self.count + self.missing
        progress.info(f"{name}: {self.count} vectors, lengths {self.lengths.in_words()}; {self.missing / every:.1%} of "
                      f"{every} {kind} without a vector; {self.impossible} with impossible values; {self.copies} "
                      "copies of another.")
        if self.impossible:
            progress.warn(f"{self.impossible} of {self.count} vectors of {name} have values that the product can't "
                          "have: the file may be damaged, scaled or resampled in its coded form.")
        if self.copies > _MANY_COPIES * self.count:
            progress.warn(f"{self.copies} of {self.count} vectors of {name} are copies of another: leave copies out "
                          "before training or validating.")


class Gauge:
    """Takes vectors in chunks and adds up what matters of them."""

    def __init__(self, largest: float = float("inf")) -> None:
        """Start with nothing; `largest` is the largest magnitude that a value can have."""
        # Half a step of the coarsest coding more, since means and casts round.
        self._limit = largest * (1 + 1e-3)
        self._lengths: "List[np.ndarray]" = []
        self._prints: "List[np.ndarray]" = []
        self._weights = np.zeros(0, dtype=np.uint64)
        self._missing = 0
        self._impossible = 0

    def add(self, vectors: np.ndarray, missing: int = 0, impossible: int = 0) -> None:
        """Take `(rows, dims)` finite float32 vectors."""
        self._missing += missing
        self._impossible += impossible
        if len(vectors):
            self._lengths.append(lengths_of(vectors))
            self._impossible += int((np.abs(vectors).max(axis=1) > self._limit).sum())
            self._prints.append(self._fingerprints(vectors))

    def result(self) -> Quality:
        """Return what was seen; there must have been a vector."""
        prints = np.concatenate(self._prints)
        lengths = np.concatenate(self._lengths)
        return Quality(len(lengths), self._missing, summary_of(lengths), self._impossible,
                       len(prints) - len(np.unique(prints)))

    def _fingerprints(self, vectors: np.ndarray) -> np.ndarray:
        """Return 64 bits that stand for each vector."""
        if len(self._weights) != vectors.shape[1]:
            chance = np.random.default_rng(0)
            self._weights = chance.integers(0, 2**63, vectors.shape[1], dtype=np.uint64) * np.uint64(2) + np.uint64(1)
        words = np.ascontiguousarray(vectors, dtype="<f4").view("<u4").astype(np.uint64)
        # Bits are mixed before they are added up, because the low bits of a sum depend on low bits alone.
        mixed = words * np.uint64(0x9E3779B97F4A7C15)
        return ((mixed ^ (mixed >> np.uint64(29))) * self._weights).sum(axis=1, dtype=np.uint64)

"""The scores at which a curve bends, and a quick way to tell between which of them a score lies."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

_BUCKETS_EACH = 8
_LEAST_BUCKETS, _MOST_BUCKETS = 1 << 12, 1 << 20
_FEW = 4


@dataclass(frozen=True, eq=False)
class Thresholds:
    """Ascending scores at which the curve bends.

    Where `rounded`, a score counts as the threshold at or below it, and as the lowest one below all.
    """

    scores: np.ndarray
    rounded: bool = False

    def slots(self, scores: np.ndarray) -> np.ndarray:
        """Return `2 k + 1` for scores that are threshold k, and `2 k` for those between it and the one before."""
        place = self._places(scores)
        inner = np.minimum(place, len(self.scores) - 1)
        equal = (self.scores[inner] == scores) & (place < len(self.scores))
        if self.rounded:
            return 2 * np.maximum(place - ~equal, 0) + 1
        return 2 * place + equal

    def steps(self, scores: np.ndarray) -> np.ndarray:
        """Return the number of the threshold that each score counts as; scores are thresholds unless rounded."""
        return self.slots(scores) // 2

    def _places(self, scores: np.ndarray) -> np.ndarray:
        """Return what `searchsorted` does: the number of thresholds below each score.

        Most scores lie in a bucket of the range that holds no threshold, and are known by it at once.
        """
        if len(self.scores) <= _FEW or not self._spans:
            return np.searchsorted(self.scores, scores)
        firsts, empty = self._buckets
        own = self._bucket(scores, len(firsts))
        place = firsts[own]
        unsure = np.flatnonzero(~empty[own])
        place[unsure] = np.searchsorted(self.scores, scores[unsure])
        return place

    @cached_property
    def _spans(self) -> bool:
        """Tell whether thresholds lie apart, by a distance that a number holds."""
        with np.errstate(over="ignore"):
            span = self.scores[-1:].astype(_wide(self.scores)) - self.scores[:1].astype(_wide(self.scores))
        return bool(np.isfinite(span[0]) and span[0] > 0)

    @cached_property
    def _buckets(self) -> "tuple[np.ndarray, np.ndarray]":
        """Return the number of thresholds below each bucket, and which buckets hold none."""
        count = int(np.clip(_BUCKETS_EACH * len(self.scores), _LEAST_BUCKETS, _MOST_BUCKETS))
        held = np.bincount(self._bucket(self.scores, count), minlength=count)
        return np.cumsum(held) - held, held == 0

    def _bucket(self, scores: np.ndarray, count: int) -> np.ndarray:
        """Return the bucket of each score; of two scores the higher one never has the lower bucket."""
        exact = scores.astype(_wide(scores), copy=False)
        low, high = exact.dtype.type(self.scores[0]), exact.dtype.type(self.scores[-1])
        with np.errstate(over="ignore"):
            share = (exact - low) / (high - low)
            # Rounding keeps the order, and so does cutting off what lies beyond.
            return np.clip(share * exact.dtype.type(count), 0, count - 1).astype(np.int64)


def _wide(scores: np.ndarray) -> np.dtype:
    """Return the type in which scores are measured: their own, or one that holds every whole number of theirs."""
    return scores.dtype if scores.dtype.kind == "f" else np.dtype(np.float64)

"""How often the right one is found among a few candidates of other places, and how often it would be by chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MOST_CANDIDATES = 100
FIRST = (1, 5)
COLUMNS = len(FIRST) + 1


@dataclass(frozen=True)
class Draw:
    """The wrong answers of each row, `(n, k)` row numbers among the `n`, and which of them count."""

    others: np.ndarray
    counted: np.ndarray

    @property
    def candidates(self) -> np.ndarray:
        """Return how many answers each row chooses from, its own among them."""
        return self.counted.sum(axis=1) + 1


def drawn(same: np.ndarray, seed: int, most: int = MOST_CANDIDATES) -> Draw:
    """Draw candidates for `n` rows; rows with the same number in `same` are of one place, and no answer to another."""
    count = len(same)
    chance = np.random.default_rng(seed)
    others = np.empty((count, min(most, count) - 1), dtype=np.int64)
    for row in range(count):
        # One number less than there are rows, and those from the row itself on moved by one: never the row itself.
        picked = chance.choice(count - 1, others.shape[1], replace=False, shuffle=False)
        others[row] = picked + (picked >= row)
    return Draw(others, same[others] != same[:, np.newaxis])


def ranked(queries: np.ndarray, answers: np.ndarray, draw: Draw) -> np.ndarray:
    """Return `(n, 3)`: whether each row's own answer is among the first 1 and 5, and the share of others it outranks.

    Among equals the order is left to chance, so that a way that can't tell answers apart scores as chance does.
    """
    queries, answers = _of_length_one(queries), _of_length_one(answers)
    found = np.empty((len(queries), COLUMNS))
    for row in range(len(queries)):
        own = float(queries[row] @ answers[row])
        likeness = answers[draw.others[row][draw.counted[row]]] @ queries[row]
        better, equal = int((likeness > own + 1e-9).sum()), int((np.abs(likeness - own) <= 1e-9).sum())
        found[row, :len(FIRST)] = [min(max((first - better) / (equal + 1), 0.0), 1.0) for first in FIRST]
        found[row, -1] = 1.0 - (better + equal / 2) / len(likeness) if len(likeness) else 0.5
    return found


def by_chance(draw: Draw) -> np.ndarray:
    """Return what `ranked` comes to by guessing."""
    shares = [np.minimum(first / draw.candidates, 1.0) for first in FIRST]
    return np.stack([*shares, np.full(len(draw.others), 0.5)], axis=1)


def places_apart(places: np.ndarray) -> np.ndarray:
    """Return the same number for rows of the same place, to a tenth of a metre."""
    _, same = np.unique(np.round(places, 6), axis=0, return_inverse=True)
    return np.asarray(same).reshape(-1)


def _of_length_one(vectors: np.ndarray) -> np.ndarray:
    """Return vectors of length one, in float64."""
    vectors = np.asarray(vectors, dtype=np.float64)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-30)

"""What chance makes of a layer: the same marks, dealt out anew among the same places."""

from __future__ import annotations

import numpy as np

from ..errors import InputError
from ..progress import Progress, check
from .marked_places import MarkedPlaces

_MOST_BYTES = 2 ** 31


def dealt(places: MarkedPlaces, times: int, seed: int, progress: Progress) -> np.ndarray:
    """Return marks `(places, 1 + times)`: the true shares of failures first, then shuffled ones.

    Whole places change their marks, so that rows at one place, which are often copies, aren't taken for independent.
    """
    kind = np.dtype(np.uint8 if places.binary else np.float64)
    most = _MOST_BYTES // (kind.itemsize * len(places)) - 1
    if times > most:
        raise InputError("bias-memory", "PERMUTATIONS: {times} shuffles of {places} places need {size:.1f} GiB of "
                         "memory: give {most} at most.", times=times, places=len(places), most=max(most, 0),
                         size=(1 + times) * len(places) * kind.itemsize / 2 ** 30)
    found = np.empty((len(places), 1 + times), dtype=kind)
    found[:, 0] = places.share
    chance = np.random.default_rng([seed, 0])
    for column in range(1, 1 + times):
        check(progress)
        found[:, column] = chance.permutation(found[:, 0])
    return found


def chosen_centres(count: int, most: int, seed: int) -> np.ndarray:
    """Return which places are judged against chance: all, or so many by chance, whatever their marks."""
    if not most or count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng([seed, 1]).choice(count, most, replace=False))


def share_as_large(observed: float, permuted: np.ndarray) -> float:
    """Return the p-value: how often, the observed itself counted, chance gives as much; NaN where nothing is known."""
    permuted = permuted[np.isfinite(permuted)]
    if not len(permuted) or not np.isfinite(observed):
        return float("nan")
    return float((1 + (permuted >= observed - tolerance(observed)).sum()) / (1 + len(permuted)))


def tolerance(observed: "np.ndarray | float") -> "np.ndarray | float":
    """Return what two sums of the same numbers may differ by."""
    return 1e-10 * np.maximum(np.abs(observed), 1e-3)

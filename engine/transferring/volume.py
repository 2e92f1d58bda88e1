"""The volume constraint: fine values that add up, or average, to exactly what their coarse unit has.

Rates r_i with weights w_i stand for amounts w_i r_i; a unit's goal is the amount that they shall add up to. Where no
goal is negative, negative rates become 0 and all of a unit are multiplied by one factor, so that none becomes negative;
otherwise one number is added to all of them. Where nothing can be multiplied, since every rate is 0, they become even.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .parents import NO_PARENT


@dataclass(frozen=True)
class Kept:
    """Rates after the adjustment, and what each was multiplied by or what was added to it (NaN where nothing was).

    `kept` tells which rows belong to a unit whose amount holds now; `even` which of these had to be spread evenly.
    """

    rates: np.ndarray
    change: np.ndarray
    multiplied: bool
    kept: np.ndarray
    even: np.ndarray

    def moved(self, rates: np.ndarray) -> np.ndarray:
        """Return other rates of the same rows, such as ends of intervals, changed likewise; none where even."""
        if self.multiplied:
            found = np.where(self.kept, np.maximum(rates, 0.0) * self.change, rates)
        else:
            found = np.where(self.kept, rates + self.change, rates)
        return np.where(self.even, np.nan, found)


def keep_amounts(rates: np.ndarray, weights: np.ndarray, parents: np.ndarray, goals: np.ndarray) -> Kept:
    """Adjust rates `(n,)` so that those of each coarse unit add up to its goal `(units,)`, NaN for no goal."""
    usable = np.isfinite(rates) & (parents != NO_PARENT) & np.isfinite(weights) & (weights >= 0)
    owner = np.where(usable, parents, 0)
    units = len(goals)
    multiplied = not (goals[np.isfinite(goals)] < 0).any()
    start = np.where(usable, np.maximum(rates, 0.0) if multiplied else rates, 0.0)
    load = np.where(usable, weights, 0.0)
    total = np.bincount(owner, load, units)
    amount = np.bincount(owner, load * start, units)
    fixed = np.isfinite(goals) & (total > 0)
    kept = usable & fixed[owner]
    with np.errstate(divide="ignore", invalid="ignore"):
        level = goals / total
        factor = np.where(goals == 0, 0.0, goals / amount) if multiplied else (goals - amount) / total
    lost = multiplied & fixed & ~np.isfinite(factor)
    even = kept & lost[owner]
    change = np.where(kept & ~even, factor[owner], np.nan)
    adjusted = start * change if multiplied else start + change
    found = np.where(even, level[owner], np.where(kept, adjusted, rates))
    return Kept(found, change, multiplied, kept, even)


def even_rates(rates: np.ndarray, weights: np.ndarray, parents: np.ndarray, goals: np.ndarray) -> np.ndarray:
    """Return what spreading evenly gives each row: its unit's goal over the weight of the rows that are predicted."""
    usable = np.isfinite(rates) & (parents != NO_PARENT) & np.isfinite(weights) & (weights >= 0)
    owner = np.where(usable, parents, 0)
    total = np.bincount(owner, np.where(usable, weights, 0.0), len(goals))
    with np.errstate(divide="ignore", invalid="ignore"):
        level = np.where(total > 0, goals / total, np.nan)
    return np.where(usable, level[owner], np.nan)

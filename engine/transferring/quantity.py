"""What is learnt and kept of a target: a rate as it is, a total per weight."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..progress import Progress
from ..table import Rows
from ..table.schema import column_named
from .parents import NO_PARENT
from .request import TOTAL, TransferRequest
from .units import Units
from .with_numbers import WithNumbers

AREA, EQUAL = "area", "equal weights"
_AREA_UNIT = "km²"
_SHORT = 0.95


@dataclass(frozen=True)
class Quantity:
    """The coarse rows with the column to learn, and the fine weights that turn its rates into amounts.

    `by` is what the weights are; `values` are the coarse values, NaN where there is none.
    """

    rows: Rows
    column: str
    weights: np.ndarray
    values: np.ndarray
    by: str
    total: bool

    def goals(self, rates: np.ndarray, parents: np.ndarray) -> np.ndarray:
        """Return what the amounts of each coarse unit shall add up to, as far as there are rates."""
        if self.total:
            return self.values
        usable = np.isfinite(rates) & (parents != NO_PARENT) & np.isfinite(self.weights)
        load = np.bincount(np.where(usable, parents, 0), np.where(usable, self.weights, 0.0), len(self.values))
        return self.values * load

    def shown(self, rates: np.ndarray) -> np.ndarray:
        """Return rates as the result shows them: totals of each unit, or the rates."""
        return rates * self.weights if self.total else rates


def quantity_of(coarse: Units, fine: Units, parents: np.ndarray, request: TransferRequest,
                progress: Progress) -> Quantity:
    """Return what to learn, and say by what totals are spread or means are weighted."""
    weights, by = _fine_weights(fine, request)
    missing = int((~np.isfinite(weights)).sum())
    if missing:
        progress.warn(f"{missing:,} units of {request.fine.name} have no weight ({by}): they take no part in what is "
                      "preserved" + (", and no total can be predicted for them." if request.quantity == TOTAL else "."))
    if request.quantity != TOTAL:
        if by == EQUAL:
            progress.info(f"{request.fine.name} has no areas and no WEIGHT is named: every fine unit counts alike.")
        return Quantity(request.coarse, request.target, weights, coarse.values, by, False)
    own = _coarse_weights(coarse, fine, parents, weights, request, progress)
    with np.errstate(divide="ignore", invalid="ignore"):
        density = np.where(own > 0, coarse.values / own, np.nan)
    if not np.isfinite(density).any():
        raise InputError("transfer-weights", "No unit of {name} has both a value of “{target}” and a weight over 0: "
                         "name another column as WEIGHT.", name=request.coarse.name, target=request.target)
    idle = int((np.isfinite(coarse.values) & ~np.isfinite(density)).sum())
    if idle:
        progress.warn(f"{idle:,} units of {request.coarse.name} have a value but no weight: they are not learnt from.")
    unit = _AREA_UNIT if by == AREA else by
    rows = WithNumbers(request.coarse, f"{request.target} per {unit}", density)
    progress.info(f"“{request.target}” is a total, so it is learnt per {unit} and spread by it.")
    return Quantity(rows, rows.column, weights, coarse.values, by, True)


def _fine_weights(fine: Units, request: TransferRequest) -> "tuple[np.ndarray, str]":
    """Return the weight of each fine unit, and what it is."""
    if request.weight:
        if (fine.weights < 0).any():
            raise InputError("transfer-weight-negative", "The weight “{column}” of {name} goes down to {value:g}: "
                             "weights must be 0 or more.", column=request.weight, name=request.fine.name,
                             value=float(np.nanmin(fine.weights)))
        if not (fine.weights > 0).any():
            raise InputError("transfer-weight-none", "No unit of {name} has a weight over 0 in “{column}”: name "
                             "another column as WEIGHT.", column=request.weight, name=request.fine.name)
        return fine.weights, request.weight
    if fine.areal:
        return fine.areas, AREA
    if request.quantity == TOTAL:
        raise InputError("transfer-weight-points", "{name} has no polygons, so a total can't be spread by area: name a "
                         "column as WEIGHT, or choose QUANTITY rate.", name=request.fine.name)
    return np.ones(len(fine)), EQUAL


def _coarse_weights(coarse: Units, fine: Units, parents: np.ndarray, weights: np.ndarray, request: TransferRequest,
                    progress: Progress) -> np.ndarray:
    """Return the weight of each coarse unit: its own where it is known, else that of its fine units."""
    inside = np.isfinite(weights) & (parents != NO_PARENT)
    summed = np.bincount(np.where(inside, parents, 0), np.where(inside, weights, 0.0), len(coarse))
    own = coarse.areas if not request.weight else coarse.weights
    if request.weight and column_named(request.coarse.columns, request.weight) is None:
        return summed
    if not request.weight and not coarse.areal:
        return summed
    short = int(((summed > 0) & (summed < _SHORT * own)).sum())
    if short:
        progress.warn(f"In {short:,} units of {request.coarse.name} the fine units make up less than 95 % of the "
                      f"{'area' if not request.weight else 'weight'}: what is preserved goes to the fine units that "
                      "are there.")
    return own

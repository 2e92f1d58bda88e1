"""Points that share a place are one place: its mark is the share of them that fail, so that no order of rows counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..locations.places import canonical

_DECIMALS = 9


@dataclass(frozen=True, eq=False)
class MarkedPlaces:
    """Different places, sorted by longitude and latitude, each with the share of its rows that fail.

    `of_row` names the place of each row, −1 for rows without one; `binary` tells whether all shares are 0 or 1.
    """

    places: np.ndarray
    upright: np.ndarray
    share: np.ndarray
    counts: np.ndarray
    of_row: np.ndarray

    def __len__(self) -> int:
        """Return how many places there are."""
        return len(self.places)

    @property
    def coincident(self) -> int:
        """Return how many rows share their place with another row."""
        return int(self.counts[self.counts > 1].sum())

    @property
    def binary(self) -> bool:
        """Tell whether every place either fails or doesn't."""
        return bool(((self.share == 0.0) | (self.share == 1.0)).all())

    def spread(self, values: np.ndarray) -> np.ndarray:
        """Return for each row what its place has, NaN for rows without a place."""
        found = np.full(len(self.of_row), np.nan)
        known = self.of_row >= 0
        found[known] = values[self.of_row[known]]
        return found


def marked_places(places: np.ndarray, failures: np.ndarray) -> MarkedPlaces:
    """Gather rows `(n, 2)` of longitude and latitude and their failures `(n,)`; places that are NaN are left out."""
    places = np.asarray(places, dtype=np.float64).reshape(-1, 2)
    failures = np.asarray(failures, dtype=np.float64)
    if len(places) != len(failures):
        raise ValueError(f"{len(places)} places, but {len(failures)} marks")
    with np.errstate(invalid="ignore"):
        beyond = int((np.abs(places[:, 1]) > 90.0 + 1e-9).sum())
    if beyond:
        raise InputError("bias-latitude", "{count} of {rows} points have latitudes beyond 90°: give longitudes and "
                         "latitudes in degrees, in this order.", count=beyond, rows=len(places))
    clean = canonical(np.round(places, _DECIMALS))
    known = np.isfinite(clean).all(axis=1) & np.isfinite(failures)
    found, inverse, counts = np.unique(clean[known], axis=0, return_inverse=True, return_counts=True)
    inverse = inverse.reshape(-1)
    of_row = np.full(len(places), -1, dtype=np.int64)
    of_row[known] = inverse
    share = np.bincount(inverse, weights=failures[known], minlength=len(found)) / np.maximum(counts, 1)
    return MarkedPlaces(found, upright(found), share, counts, of_row)


def upright(places: np.ndarray) -> np.ndarray:
    """Return unit vectors `(n, 3)` of longitudes and latitudes in degrees."""
    longitude, latitude = np.radians(places[:, 0]), np.radians(places[:, 1])
    return np.stack([np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)],
                    axis=1)

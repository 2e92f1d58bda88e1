"""Where samples lie, so that folds, variograms and neighbours are computed once for planes and once for the globe."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..dataset import spatial_reference
from ..errors import InputError
from ..geodesy import MEAN_RADIUS, Ground

METRES_PER_DEGREE = float(np.radians(MEAN_RADIUS))


@dataclass(frozen=True)
class UnitSites:
    """The middle of each labelled feature: in space, as longitude and latitude or x and y, and how many rows it has."""

    coordinates: np.ndarray
    points: np.ndarray
    rows: np.ndarray
    of_row: np.ndarray


@dataclass(frozen=True)
class Sites:
    """Points `(n, 2)` in the CRS of `wkt`, the labelled feature (unit) of each, and what messages call their layer."""

    name: str
    points: np.ndarray
    wkt: str
    units: np.ndarray

    @property
    def geographic(self) -> bool:
        """Tell whether the points are angles on the globe."""
        return Ground(self.wkt).geographic

    @property
    def missing(self) -> int:
        """Return how many samples have no place."""
        return int((~np.isfinite(self.points).all(axis=1)).sum())

    @property
    def scale(self) -> float:
        """Return how long a unit of the CRS is among `coordinates`: metres a degree, or 1."""
        return METRES_PER_DEGREE * self.degrees if self.geographic else 1.0

    @property
    def degrees(self) -> float:
        """Return how many degrees a unit of a geographic CRS is."""
        return float(Ground(self.wkt).places(np.array([[1.0, 0.0]]))[0, 0])

    @property
    def unit_name(self) -> str:
        """Return what lengths in the CRS are counted in, in the plural."""
        if not self.wkt or Ground(self.wkt).planar:
            return "units"
        reference = spatial_reference(self.wkt)
        name = reference.GetAngularUnitsName() if self.geographic else reference.GetLinearUnitsName()
        known = {"metre": "metres", "meter": "metres", "degree": "degrees", "foot": "feet",
                 "us survey foot": "US survey feet", "kilometre": "kilometres", "grad": "grads"}
        return known.get((name or "").lower(), "units of the layer's CRS")

    def coordinates(self) -> np.ndarray:
        """Return points between which straight lines tell how far they are: `(n, 3)` metres on a globe, or x and y."""
        return _straight(self._angles_or_plane(), self.geographic)

    def by_unit(self) -> UnitSites:
        """Return the middle of each unit; longitudes are averaged on the globe, so that 180° tears nothing apart."""
        of_row = np.unique(self.units, return_inverse=True)[1].reshape(-1)
        rows = np.bincount(of_row)
        coordinates = self.coordinates()
        middle = np.stack([np.bincount(of_row, weights=column) / rows for column in coordinates.T], axis=1)
        if not self.geographic:
            return UnitSites(middle, middle, rows, of_row)
        length = np.linalg.norm(middle, axis=1)
        unit = middle / np.where(length > 0, length, 1.0)[:, np.newaxis]
        points = np.degrees(np.stack([np.arctan2(unit[:, 1], unit[:, 0]), np.arcsin(np.clip(unit[:, 2], -1, 1))], 1))
        return UnitSites(unit * MEAN_RADIUS, points, rows, of_row)

    def require_places(self, purpose: str) -> None:
        """Raise where samples without a place stand in the way of something."""
        missing = self.missing
        if missing:
            raise InputError("folds-places", "{missing} of the {rows} samples of {name} have no place, which {purpose} "
                             "needs: give features with points or polygons, or choose FOLDS random or group.",
                             missing=missing, rows=len(self.points), name=self.name, purpose=purpose)

    def _angles_or_plane(self) -> np.ndarray:
        """Return longitude and latitude in degrees, or the points as they are."""
        points = np.asarray(self.points, dtype=np.float64).reshape(-1, 2)
        return Ground(self.wkt).places(points) if self.geographic else points


def along_globe(straight: np.ndarray) -> np.ndarray:
    """Return distances along the globe of distances straight through it, both in metres."""
    return 2 * MEAN_RADIUS * np.arcsin(np.clip(straight / (2 * MEAN_RADIUS), 0.0, 1.0))


def _straight(points: np.ndarray, geographic: bool) -> np.ndarray:
    """Put longitudes and latitudes onto the sphere."""
    if not geographic:
        return points
    lon, lat = np.radians(points[:, 0]), np.radians(points[:, 1])
    return MEAN_RADIUS * np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)


def some_rows(rows: int, most: int, seed: int) -> np.ndarray:
    """Return the places of at most so many of the rows, in order."""
    if rows <= most:
        return np.arange(rows)
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))

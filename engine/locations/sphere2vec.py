"""Sphere2Vec: waves of many lengths in the angles of the sphere, so that distances on the globe are respected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence

import numpy as np

from .family import Family, Formula
from .radii import factors
from .settings import RADII, SCALES, SEAMLESS, Settings

_TAKES = frozenset({SCALES, RADII, SEAMLESS})
_DEFAULT = Settings(scales=16, min_radius=0.01, max_radius=1.0)


@dataclass(frozen=True)
class _Angles:
    """Sines and cosines: `(n, 1)` of the angles themselves, `(n, scales)` of their multiples."""

    cos_longitude: np.ndarray
    sin_longitude: np.ndarray
    cos_latitude: np.ndarray
    cos_longitudes: np.ndarray
    sin_longitudes: np.ndarray
    cos_latitudes: np.ndarray
    sin_latitudes: np.ndarray


def _angles(places: np.ndarray, settings: Settings) -> _Angles:
    """Return what all variants are made of."""
    longitude, latitude = np.radians(places[:, :1]), np.radians(places[:, 1:])
    scale = factors(settings)
    return _Angles(np.cos(longitude), np.sin(longitude), np.cos(latitude), np.cos(longitude * scale),
                   np.sin(longitude * scale), np.cos(latitude * scale), np.sin(latitude * scale))


def _c(places: np.ndarray, settings: Settings) -> np.ndarray:
    """Return three numbers a scale: a point on the sphere of the multiplied angles."""
    at = _angles(places, settings)
    return _by_scale([at.sin_latitudes, *_both_scaled(at)])


def _c_plus(places: np.ndarray, settings: Settings) -> np.ndarray:
    """Return six numbers a scale: the angles alone, and the point."""
    at = _angles(places, settings)
    return _by_scale([*_alone(at), *_both_scaled(at)])


def _m(places: np.ndarray, settings: Settings) -> np.ndarray:
    """Return five numbers a scale, where only one angle at a time is multiplied."""
    at = _angles(places, settings)
    return _by_scale([at.sin_latitudes, *_one_scaled(at)])


def _m_plus(places: np.ndarray, settings: Settings) -> np.ndarray:
    """Return eight numbers a scale: the angles alone, and those where one at a time is multiplied."""
    at = _angles(places, settings)
    return _by_scale([*_alone(at), *_one_scaled(at)])


def _dfs(places: np.ndarray, settings: Settings) -> np.ndarray:
    """Return all products of a longitude's wave with a latitude's, then the waves alone: a double Fourier series."""
    at = _angles(places, settings)
    across = np.concatenate([at.sin_longitudes, at.cos_longitudes], axis=1)
    up = np.concatenate([at.sin_latitudes, at.cos_latitudes], axis=1)
    products = (across[:, :, None] * up[:, None, :]).reshape(len(places), -1)
    return np.concatenate([products, _by_scale(_alone(at))], axis=1)


def _alone(at: _Angles) -> "list[np.ndarray]":
    """Return sine and cosine of each multiplied angle."""
    return [at.sin_latitudes, at.cos_latitudes, at.sin_longitudes, at.cos_longitudes]


def _both_scaled(at: _Angles) -> "list[np.ndarray]":
    """Return the products of both angles multiplied."""
    return [at.cos_latitudes * at.cos_longitudes, at.cos_latitudes * at.sin_longitudes]


def _one_scaled(at: _Angles) -> "list[np.ndarray]":
    """Return the products of one angle multiplied with the other as it is."""
    return [at.cos_latitudes * at.cos_longitude, at.cos_latitude * at.cos_longitudes,
            at.cos_latitudes * at.sin_longitude, at.cos_latitude * at.sin_longitudes]


def _by_scale(columns: "Sequence[np.ndarray]") -> np.ndarray:
    """Return `(n, scales)` columns with those of one scale side by side."""
    return np.stack(columns, axis=2).reshape(len(columns[0]), -1)


def _family(name: str, summary: str, formula: Formula, each: int) -> Family:
    """Return a variant of so many numbers a scale."""
    return Family(f"sphere2vec-{name}", summary, formula, lambda scales: each * scales, f"{each} × scales", _DEFAULT,
                  _TAKES, least_scales=2, seamless=False)


C = _family("c", "Points on the spheres of multiplied angles", _c, 3)
C_PLUS = _family("c-plus", "The same with each angle's own waves", _c_plus, 6)
M = _family("m", "One angle multiplied at a time", _m, 5)
M_PLUS = _family("m-plus", "The same with each angle's own waves", _m_plus, 8)
DFS = Family("sphere2vec-dfs", "Double Fourier series: all products of the waves", _dfs,
             lambda scales: 4 * scales * scales + 4 * scales, "4 × scales² + 4 × scales",
             Settings(scales=8, min_radius=0.01, max_radius=1.0), _TAKES, least_scales=2, seamless=False)

"""Sphere2Vec: waves of many lengths in the angles of the sphere, so that distances on the globe are respected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable, List, Sequence

import numpy as np

from .cartesian import DEGREE
from .family import Family, Formula, Nodes
from .radii import coarsest_only, factors
from .settings import RADII, SCALES, SEAMLESS, Settings
from .terms import Term, joined

if TYPE_CHECKING:
    from .position import Position

_TAKES = frozenset({SCALES, RADII, SEAMLESS})
_DEFAULT = Settings(scales=16, min_radius=0.01, max_radius=1.0)
_COMPAT = frozenset({"torchspatial"})


@dataclass(frozen=True)
class _Angles:
    """Sines and cosines, as arrays or as terms of a graph, whose arithmetic is the same.

    They are `(n, 1)` of the angles themselves and `(n, scales)` of their multiples.
    """

    cos_longitude: "np.ndarray | Term"
    sin_longitude: "np.ndarray | Term"
    cos_latitude: "np.ndarray | Term"
    cos_longitudes: "np.ndarray | Term"
    sin_longitudes: "np.ndarray | Term"
    cos_latitudes: "np.ndarray | Term"
    sin_latitudes: "np.ndarray | Term"


Columns = Callable[[_Angles], "List[np.ndarray | Term]"]


def _angles(places: np.ndarray, scale: np.ndarray) -> _Angles:
    """Return what all variants are made of."""
    longitude, latitude = np.radians(places[:, :1]), np.radians(places[:, 1:])
    return _Angles(np.cos(longitude), np.sin(longitude), np.cos(latitude), np.cos(longitude * scale),
                   np.sin(longitude * scale), np.cos(latitude * scale), np.sin(latitude * scale))


def _angle_nodes(location: Term, scale: np.ndarray) -> _Angles:
    """Write what all variants are made of."""
    angles = location * DEGREE
    longitude, latitude = angles.picked([0]), angles.picked([1])
    longitudes, latitudes = longitude * scale[None], latitude * scale[None]
    return _Angles(longitude.cosine(), longitude.sine(), latitude.cosine(), longitudes.cosine(), longitudes.sine(),
                   latitudes.cosine(), latitudes.sine())


def _scale(position: "Position") -> np.ndarray:
    """Return the factors of a variant; two of the originals know only the coarsest radius."""
    if position.compat and position.kind in ("sphere2vec-m-plus", "sphere2vec-dfs"):
        return coarsest_only(position.settings)
    return factors(position.settings)


def _formula(columns: Columns) -> Formula:
    """Return a variant's formula from its columns."""
    def formula(places: np.ndarray, position: "Position") -> np.ndarray:
        """Compute the columns, those of one scale side by side."""
        return _by_scale(columns(_angles(places, _scale(position))))
    return formula


def _nodes(columns: Columns) -> Nodes:
    """Return the same as nodes."""
    def nodes(location: Term, position: "Position") -> Term:
        """Write the columns, those of one scale side by side."""
        scale = _scale(position)
        return _by_scale_nodes(columns(_angle_nodes(location, scale)), len(scale))
    return nodes


def _c(at: _Angles) -> "List[np.ndarray | Term]":
    """Return three numbers a scale: a point on the sphere of the multiplied angles."""
    return [at.sin_latitudes, *_both_scaled(at)]


def _c_plus(at: _Angles) -> "List[np.ndarray | Term]":
    """Return six numbers a scale: the angles alone, and the point."""
    return [*_alone(at), *_both_scaled(at)]


def _m(at: _Angles) -> "List[np.ndarray | Term]":
    """Return five numbers a scale, where only one angle at a time is multiplied."""
    return [at.sin_latitudes, *_one_scaled(at)]


def _m_plus(at: _Angles) -> "List[np.ndarray | Term]":
    """Return eight numbers a scale: the angles alone, and those where one at a time is multiplied."""
    return [*_alone(at), *_one_scaled(at)]


def _dfs(places: np.ndarray, position: "Position") -> np.ndarray:
    """Return all products of a longitude's wave with a latitude's, then the waves alone: a double Fourier series."""
    at = _angles(places, _scale(position))
    across = np.concatenate([at.sin_longitudes, at.cos_longitudes], axis=1)
    up = np.concatenate([at.sin_latitudes, at.cos_latitudes], axis=1)
    products = (across[:, :, None] * up[:, None, :]).reshape(len(places), -1)
    return np.concatenate([products, _by_scale(_alone(at))], axis=1)


def _dfs_nodes(location: Term, position: "Position") -> Term:
    """Write all products, then the waves alone."""
    scale = _scale(position)
    at, twice = _angle_nodes(location, scale), 2 * len(scale)
    across = joined([at.sin_longitudes, at.cos_longitudes]).shaped(-1, twice, 1)
    up = joined([at.sin_latitudes, at.cos_latitudes]).shaped(-1, 1, twice)
    return joined([(across * up).shaped(-1, twice * twice), _by_scale_nodes(_alone(at), len(scale))])


def _alone(at: _Angles) -> "List[np.ndarray | Term]":
    """Return sine and cosine of each multiplied angle."""
    return [at.sin_latitudes, at.cos_latitudes, at.sin_longitudes, at.cos_longitudes]


def _both_scaled(at: _Angles) -> "List[np.ndarray | Term]":
    """Return the products of both angles multiplied."""
    return [at.cos_latitudes * at.cos_longitudes, at.cos_latitudes * at.sin_longitudes]


def _one_scaled(at: _Angles) -> "List[np.ndarray | Term]":
    """Return the products of one angle multiplied with the other as it is."""
    return [at.cos_latitudes * at.cos_longitude, at.cos_latitude * at.cos_longitudes,
            at.cos_latitudes * at.sin_longitude, at.cos_latitude * at.sin_longitudes]


def _by_scale(columns: "Sequence[np.ndarray]") -> np.ndarray:
    """Return `(n, scales)` columns with those of one scale side by side."""
    return np.stack(columns, axis=2).reshape(len(columns[0]), -1)


def _by_scale_nodes(columns: "Sequence[Term]", scales: int) -> Term:
    """Write `(n, scales)` columns with those of one scale side by side."""
    return joined([column.shaped(-1, scales, 1) for column in columns], 2).shaped(-1, scales * len(columns))


def _family(name: str, summary: str, columns: Columns, each: int) -> Family:
    """Return a variant of so many numbers a scale."""
    return Family(f"sphere2vec-{name}", summary, _formula(columns), lambda scales: each * scales, f"{each} × scales",
                  _DEFAULT, _TAKES, least_scales=2, seamless=False, nodes=_nodes(columns), compat=_COMPAT)


C = _family("c", "Points on the spheres of multiplied angles", _c, 3)
C_PLUS = _family("c-plus", "The same with each angle's own waves", _c_plus, 6)
M = _family("m", "One angle multiplied at a time", _m, 5)
M_PLUS = _family("m-plus", "The same with each angle's own waves", _m_plus, 8)
DFS = Family("sphere2vec-dfs", "Double Fourier series: all products of the waves", _dfs,
             lambda scales: 4 * scales * scales + 4 * scales, "4 × scales² + 4 × scales",
             Settings(scales=8, min_radius=0.01, max_radius=1.0), _TAKES, least_scales=2, seamless=False,
             nodes=_dfs_nodes, compat=_COMPAT)

"""The table of location encoders that need no file: one row each, in the order they are offered."""

from __future__ import annotations

from typing import Dict

from . import anchors, cartesian, equal_earth, fourier, harmonics, nerf, space2vec, sphere2vec, tile, wrap
from .family import Family

FAMILIES: "tuple[Family, ...]" = (
    cartesian.XYZ, wrap.WRAP, wrap.WRAP_FFN, harmonics.HARMONICS, space2vec.GRID, space2vec.THEORY, sphere2vec.C,
    sphere2vec.C_PLUS, sphere2vec.M, sphere2vec.M_PLUS, sphere2vec.DFS, fourier.PLANAR, fourier.SPHERE, nerf.NERF)
IDS = tuple(family.id for family in FAMILIES)
DEFAULT_ID = harmonics.HARMONICS.id
ONLY_TRAINED = (anchors.RBF.id, tile.TILE.id)
POSITIONS: "Dict[str, Family]" = {
    family.id: family for family in (*FAMILIES, anchors.RBF, tile.TILE, equal_earth.EQUAL_EARTH)}

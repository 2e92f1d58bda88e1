"""The table of location encoders that need no file: one row each, in the order they are offered."""

from __future__ import annotations

from . import cartesian, fourier, harmonics, nerf, space2vec, sphere2vec, wrap
from .family import Family

FAMILIES: "tuple[Family, ...]" = (
    cartesian.XYZ, wrap.WRAP, wrap.WRAP_FFN, harmonics.HARMONICS, space2vec.GRID, space2vec.THEORY, sphere2vec.C,
    sphere2vec.C_PLUS, sphere2vec.M, sphere2vec.M_PLUS, sphere2vec.DFS, fourier.PLANAR, fourier.SPHERE, nerf.NERF)
IDS = tuple(family.id for family in FAMILIES)
DEFAULT_ID = harmonics.HARMONICS.id
ONLY_TRAINED = ("rbf", "tile")

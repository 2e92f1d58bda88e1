"""How vectors come to the cells of another CRS."""

from __future__ import annotations

NEAREST = "nearest"
BILINEAR = "bilinear"
RESAMPLINGS = (NEAREST, BILINEAR)

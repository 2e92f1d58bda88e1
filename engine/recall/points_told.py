"""The areas at which a curve is told: where it bends, as many as a table and a picture can bear, and round numbers."""

from __future__ import annotations

import numpy as np

from .curve import Curve
from .request import AREAS, SHARES

_MOST = 400
_HALF = 150
# The band closes where all ground is walked, and not on the way there.
_NEARLY = 1 - 1e-6


def told_areas(curve: Curve, wanted: "tuple[float, ...]") -> np.ndarray:
    """Return ascending areas in km², from none to all ground."""
    bends = np.unique(np.concatenate([curve.begins, curve.ends]))
    if len(bends) > _MOST:
        bends = _thinned(curve)
    needed = [curve.area(share) for share in wanted]
    shares = np.array([0.0, *SHARES, _NEARLY, 1.0])
    found = np.concatenate([shares * curve.ground, bends, AREAS, needed])
    found = np.unique(found[np.isfinite(found)])
    return found[found <= curve.ground]


def _thinned(curve: Curve) -> np.ndarray:
    """Return areas that are even in recall and, beside them, even in the logarithm of the area."""
    even = np.unique(np.searchsorted(curve.found, np.linspace(0, curve.reach, _HALF)))
    even = even[even < len(curve.ends)]
    least = max(float(curve.ends[0]), curve.ground * 1e-7)
    return np.concatenate([curve.ends[even], np.geomspace(least, curve.ground, _HALF)[:-1]])

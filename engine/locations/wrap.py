"""Sine and cosine of longitude and latitude: the classic input of presence-only species models."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .cartesian import DEGREE
from .family import Family
from .terms import Term, joined

if TYPE_CHECKING:
    from .position import Position

_COMPAT = frozenset({"torchspatial"})


def _wrap(places: np.ndarray, position: "Position") -> np.ndarray:
    """Return both sines, then both cosines; latitude is its true angle, so that the two poles differ.

    The original doubles it, which gives both poles the same numbers.
    """
    angles = np.radians(places) * _turns(position)
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1)


def _nodes(location: Term, position: "Position") -> Term:
    """Write both sines, then both cosines."""
    angles = location * DEGREE * _turns(position)
    return joined([angles.sine(), angles.cosine()])


def _turns(position: "Position") -> np.ndarray:
    """Return what longitude and latitude are multiplied by."""
    return np.array([[1.0, 2.0 if position.compat else 1.0]])


WRAP = Family("wrap", "Sine and cosine of longitude and latitude", _wrap, lambda scales: 4, "4", nodes=_nodes,
              compat=_COMPAT)
WRAP_FFN = Family("wrap-ffn", "The same four numbers, as the position part of the network of that name", _wrap,
                  lambda scales: 4, "4", nodes=_nodes, compat=_COMPAT)

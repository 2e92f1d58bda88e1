"""A hundred thousand points as a picture, quickly enough to be made anew while the hand moves; NumPy alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple

import numpy as np

# How dense a point is goes by how many others share its small square of the screen, in steps on a scale of logarithms:
# of very many points a lone one is faint, of few ones each is plain to see.
_LEVELS = 8
_CROWD = 4
_BUSY = 0.98
_DIMMED = 0.3
CHOSEN = 0xFFF2D600


@dataclass(frozen=True)
class Marks:
    """How points look: their radius in pixels of the screen, and the colour of the ring around chosen ones."""

    radius: int = 1
    ring: int = 0xFF000000


class CloudColours:
    """The colours of points, ready for every density; made once, used for every picture."""

    def __init__(self, colours: np.ndarray) -> None:
        """Take uint8 `(n, 3)`."""
        self.count = len(colours)
        self._plain = self._tables(colours, 1.0)
        self._dimmed: Optional[np.ndarray] = None
        self._colours = colours

    def table(self, dimmed: bool) -> np.ndarray:
        """Return `(densities, n)` premultiplied 0xAARRGGBB, faint ones where others are to stand out."""
        if not dimmed:
            return self._plain
        if self._dimmed is None:
            self._dimmed = self._tables(self._colours, _DIMMED)
        return self._dimmed

    @staticmethod
    def _tables(colours: np.ndarray, share: float) -> np.ndarray:
        """Return a row of colours for each density."""
        parts = np.asarray(colours, dtype=np.float32).reshape(-1, 3)
        lone = float(np.clip(0.95 - 0.3 * np.log10(max(1, len(parts)) / 1000), 0.3, 0.95))
        found = np.empty((_LEVELS, len(parts)), dtype=np.uint32)
        for level, density in enumerate(np.linspace(lone, 1.0, _LEVELS).tolist()):
            alpha = density * share
            red, green, blue = np.rint(parts * alpha).astype(np.uint32).T
            found[level] = (np.uint32(round(255 * alpha)) << np.uint32(24) | red << np.uint32(16)
                            | green << np.uint32(8) | blue)
        return found


def draw_cloud(columns: np.ndarray, rows: np.ndarray, colours: CloudColours, chosen: Optional[np.ndarray],
               size: Tuple[int, int], marks: Marks) -> np.ndarray:
    """Return `(height, width)` premultiplied 0xAARRGGBB of points at pixels; where they meet, the later one is above.

    Where some are `chosen` (`(n,)` True), these are drawn above all others in a colour of their own, the others
    faintly.
    """
    width, height = size
    margin = marks.radius + 2
    padded = height + 2 * margin, width + 2 * margin
    with np.errstate(invalid="ignore"):
        seen = np.flatnonzero((columns > -margin) & (rows > -margin) & (columns < width + margin - 1)
                              & (rows < height + margin - 1))
    x, y = columns[seen].astype(np.int32) + margin, rows[seen].astype(np.int32) + margin
    pixels = y * padded[1] + x
    any_chosen = chosen is not None and bool(chosen.any())
    shades = np.zeros(len(seen) + 1, dtype=np.uint32)
    shades[1:] = colours.table(any_chosen)[_crowding(x, y, padded, marks.radius), seen]
    # The number of the topmost point at each pixel, counted from 1; larger numbers are above.
    top = np.zeros(padded, dtype=np.int32)
    top.ravel()[pixels] = np.arange(1, len(seen) + 1, dtype=np.int32)
    picture = shades[_widened(top, marks.radius)]
    if any_chosen:
        spot = np.zeros(padded, dtype=np.uint8)
        spot.ravel()[pixels[chosen[seen]]] = 1
        inner = _widened(spot, marks.radius + 1)
        np.copyto(picture, np.uint32(marks.ring), where=_widened(inner, 1).view(bool))
        np.copyto(picture, np.uint32(CHOSEN), where=inner.view(bool))
    return np.ascontiguousarray(picture[margin:margin + height, margin:margin + width])


def _crowding(x: np.ndarray, y: np.ndarray, shape: Tuple[int, int], radius: int) -> np.ndarray:
    """Return the density of each point by how many share its square, the busiest squares being the densest."""
    if not len(x):
        return np.empty(0, dtype=np.int64)
    side = _CROWD * max(1, radius)
    across = shape[1] // side + 1
    squares = (y // side) * across + x // side
    count = np.bincount(squares)
    busy = max(float(np.quantile(count[count > 0], _BUSY)), 2.0 * _LEVELS)
    steps = np.log(np.arange(1, int(count.max()) + 1)) / np.log(busy) * (_LEVELS - 1)
    return np.minimum(np.append(0, steps.astype(np.int64)), _LEVELS - 1)[count[squares]]


def _widened(values: np.ndarray, radius: int) -> np.ndarray:
    """Return for each pixel the largest number nearby: a plus, an octagon, a larger octagon for 1, 2, 3."""
    found = values
    for step in range(radius):
        found = _squared(found) if step % 2 else _plus(found)
    return found


def _plus(values: np.ndarray) -> np.ndarray:
    """Return the largest of each pixel and its four neighbours."""
    found = values.copy()
    np.maximum(found[1:], values[:-1], out=found[1:])
    np.maximum(found[:-1], values[1:], out=found[:-1])
    np.maximum(found[:, 1:], values[:, :-1], out=found[:, 1:])
    np.maximum(found[:, :-1], values[:, 1:], out=found[:, :-1])
    return found


def _squared(values: np.ndarray) -> np.ndarray:
    """Return the largest of each pixel and its eight neighbours."""
    tall = values.copy()
    np.maximum(tall[1:], values[:-1], out=tall[1:])
    np.maximum(tall[:-1], values[1:], out=tall[:-1])
    found = tall.copy()
    np.maximum(found[:, 1:], tall[:, :-1], out=found[:, 1:])
    np.maximum(found[:, :-1], tall[:, 1:], out=found[:, :-1])
    return found

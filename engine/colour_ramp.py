"""Colour ramps that grow steadily darker, so that they also read for colour-blind eyes and without colour."""

from __future__ import annotations

import numpy as np

SEQUENTIAL = ("#f1dc68", "#9cc860", "#3fa27c", "#2b6f8e", "#2f2a63")
BLUES = ("#dce7f1", "#9dbfdb", "#5b93c0", "#2a6496", "#0f3460")
BROWNS = ("#f6e3cf", "#ecb983", "#d28642", "#a3561c", "#622b07")
GREYS = ("#e2e5e8", "#aab4bd", "#72808c", "#46525d", "#1c242b")


def rgb(colour: str) -> "tuple[int, int, int]":
    """Return the parts of `#rrggbb`; what is no such text is grey."""
    text = colour.lstrip("#")
    try:
        number = int(text, 16) if len(text) == 6 else 0x808080
    except ValueError:
        number = 0x808080
    return number >> 16, number >> 8 & 255, number & 255


def ramp_colours(shares: np.ndarray, ramp: "tuple[str, ...]" = SEQUENTIAL) -> np.ndarray:
    """Return uint8 `(n, 3)` for shares 0..1 along a ramp."""
    stops = np.array([rgb(colour) for colour in ramp], dtype=np.float64)
    places = np.clip(np.asarray(shares, dtype=np.float64), 0.0, 1.0) * (len(ramp) - 1)
    below = np.minimum(places.astype(np.int64), len(ramp) - 2)
    rest = (places - below)[:, None]
    return np.rint(stops[below] * (1 - rest) + stops[below + 1] * rest).astype(np.uint8)


def hexadecimal(colours: np.ndarray) -> "list[str]":
    """Return uint8 `(n, 3)` as `#rrggbb`."""
    return [f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in np.asarray(colours).tolist()]

"""Scores as colours: ramps that colour-blind eyes read, spread over the scores that are there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Optional, Tuple

import numpy as np

LEVELS = 255
_LOW_SHARE, _HIGH_SHARE = 0.05, 0.999
_SAMPLE = 50_000
_LEAST_SPAN = 1e-6


@dataclass(frozen=True)
class Ramp:
    """Colours from the least score to the largest; their lightness grows or falls steadily."""

    name: str
    stops: Tuple[str, ...]


RAMPS: Dict[str, Ramp] = {ramp.name: ramp for ramp in (
    Ramp("viridis", ("#440154", "#3b528b", "#21918c", "#5ec962", "#fde725")),
    Ramp("cividis", ("#00224e", "#414d6b", "#7b7b78", "#bcaf6f", "#fee838")),
    Ramp("inferno", ("#1b0c41", "#781c6d", "#cf4446", "#fb9b06", "#fcffa4")),
    Ramp("blues", ("#f7fbff", "#c6dbef", "#6baed6", "#2171b5", "#08306b")),
)}
DEFAULT_RAMP = "viridis"


@dataclass(frozen=True)
class OverlayStyle:
    """How scores look: a ramp's name, opacity 0..1, and the least score that is shown (None: all)."""

    ramp: str = DEFAULT_RAMP
    opacity: float = 0.8
    threshold: Optional[float] = None


@dataclass(frozen=True)
class Spread:
    """The scores that the two ends of a ramp stand for."""

    low: float
    high: float


def spread_of(scores: np.ndarray) -> Optional[Spread]:
    """Return the upper part of the scores, as a kept result is styled; None where there is no score."""
    flat = np.ravel(scores)
    sample = flat[::max(1, flat.size // _SAMPLE)]
    sample = sample[np.isfinite(sample)]
    if not sample.size and flat.size > _SAMPLE:
        sample = flat[np.isfinite(flat)]
    if not sample.size:
        return None
    low, high = (float(value) for value in np.quantile(sample, (_LOW_SHARE, _HIGH_SHARE)))
    return Spread(low, max(high, low + _LEAST_SPAN))


def from_threshold(spread: Spread, threshold: Optional[float]) -> Spread:
    """Return the spread of what is shown: a ramp begins at the threshold."""
    if threshold is None:
        return spread
    return Spread(threshold, max(spread.high, threshold + _LEAST_SPAN))


def levels_of(scores: np.ndarray, spread: Spread, threshold: Optional[float]) -> np.ndarray:
    """Return uint8 levels 1..255 of scores; 0 is what isn't shown: no score, or one below the threshold."""
    scaled = (scores - np.float32(spread.low)) * np.float32((LEVELS - 1) / (spread.high - spread.low))
    np.clip(scaled, 0, LEVELS - 1, out=scaled)
    scaled += np.float32(1.5)
    hidden = np.isnan(scaled)
    if threshold is not None:
        hidden |= scores < np.float32(threshold)
    scaled[hidden] = 0
    return scaled.astype(np.uint8)


def colours_of(ramp: Ramp, opacity: float) -> np.ndarray:
    """Return 256 colours as premultiplied 0xAARRGGBB, by level; level 0 is transparent."""
    stops = np.array([_rgb(stop) for stop in ramp.stops], dtype=np.float64)
    places = np.linspace(0, len(stops) - 1, LEVELS)
    found = np.empty((LEVELS, 3))
    for part in range(3):
        found[:, part] = np.interp(places, np.arange(len(stops)), stops[:, part])
    alpha = min(max(opacity, 0.0), 1.0)
    red, green, blue = np.rint(found * alpha).astype(np.uint32).T
    table = np.zeros(LEVELS + 1, dtype=np.uint32)
    table[1:] = np.uint32(round(alpha * 255)) << np.uint32(24) | red << np.uint32(16) | green << np.uint32(8) | blue
    return table


def _rgb(colour: str) -> Tuple[int, int, int]:
    """Return the parts of `#rrggbb`."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)

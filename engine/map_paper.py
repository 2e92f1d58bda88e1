"""Small maps of points for reports: few points as shapes, many as a picture of cells, so that the page stays small."""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass

import numpy as np

from .colour_ramp import hexadecimal
from .number_text import metres_text
from .report import png

MOST_SHAPES = 1500
CELL = 3
_EARTH = 111_320.0
_MARGIN = 8.0
_STEPS = (1.0, 2.0, 5.0)
_BACKGROUND, _EDGE = "#f7f7f5", "#bbb"


@dataclass(frozen=True)
class MapPlaces:
    """Points `(n, 2)` in a CRS; `metres` is the length of its unit, NaN where unknown; degrees are foreshortened."""

    points: np.ndarray
    degrees: bool = False
    metres: float = float("nan")


@dataclass(frozen=True)
class Paper:
    """A box on the page, and where each point falls in it; `kept` are the rows that have a place."""

    left: float
    top: float
    width: float
    height: float
    kept: np.ndarray
    x: np.ndarray
    y: np.ndarray
    metres_a_step: float

    @property
    def many(self) -> bool:
        """Tell whether there are too many points for a shape each."""
        return len(self.x) > MOST_SHAPES

    @property
    def size(self) -> float:
        """Return the radius of a shape."""
        return float(np.clip(46.0 / math.sqrt(max(len(self.x), 1)), 1.6, 4.0) * math.sqrt(self.width / 400.0))

    def ground(self) -> str:
        """Draw the box."""
        return (f'<rect x="{self.left:.1f}" y="{self.top:.1f}" width="{self.width:.1f}" height="{self.height:.1f}" '
                f'fill="{_BACKGROUND}" stroke="{_EDGE}"/>')

    def scale_bar(self) -> str:
        """Draw a bar of a round length, nothing where lengths are not known."""
        if not math.isfinite(self.metres_a_step) or self.metres_a_step <= 0:
            return ""
        most = self.metres_a_step * self.width / 3
        power = 10.0 ** math.floor(math.log10(most))
        length = max((step * power for step in _STEPS if step * power <= most), default=power)
        pixels = length / self.metres_a_step
        text = metres_text(length)
        x, y = self.left + 8, self.top + self.height - 9
        return (f'<path d="M{x:.1f} {y - 4:.1f}v4h{pixels:.1f}v-4" fill="none" stroke="#333"/>'
                f'<text x="{x + pixels + 5:.1f}" y="{y:.1f}" font-size="11" stroke="{_BACKGROUND}" stroke-width="3" '
                f'paint-order="stroke">{text}</text>')

    def cells(self) -> "tuple[np.ndarray, tuple[int, int]]":
        """Return the cell of each point in the box, as one number, and how many rows and columns there are."""
        columns, rows = max(1, int(self.width // CELL)), max(1, int(self.height // CELL))
        column = np.clip((self.x - self.left) // CELL, 0, columns - 1).astype(np.int64)
        row = np.clip((self.y - self.top) // CELL, 0, rows - 1).astype(np.int64)
        return row * columns + column, (rows, columns)

    def picture(self, numbers: np.ndarray, colours: np.ndarray, shape: "tuple[int, int]") -> str:
        """Paint some cells, each in its colour."""
        image = np.zeros((shape[0] * shape[1], 4), dtype=np.uint8)
        image[numbers, :3] = colours
        image[numbers, 3] = 255
        # Larger than needed, so that a browser that smooths what it enlarges doesn't blur it.
        grown = image.reshape(*shape, 4).repeat(CELL, axis=0).repeat(CELL, axis=1)
        data = base64.b64encode(png(grown)).decode("ascii")
        return (f'<image x="{self.left:.1f}" y="{self.top:.1f}" width="{shape[1] * CELL}" height="{shape[0] * CELL}" '
                f'preserveAspectRatio="none" xlink:href="data:image/png;base64,{data}"/>')


def paper_for(places: MapPlaces, left: float, top: float, width: float, most_height: float) -> Paper:
    """Return the box that shows all points as wide as asked, or narrower where it would grow too high."""
    points = np.asarray(places.points, dtype=np.float64).reshape(-1, 2)
    kept = np.isfinite(points).all(axis=1)
    shown = points[kept] if kept.any() else np.zeros((1, 2))
    low, high = shown.min(axis=0), shown.max(axis=0)
    squeeze = math.cos(math.radians(min(abs(float(low[1] + high[1]) / 2), 85.0))) if places.degrees else 1.0
    span = np.maximum((high - low) * (squeeze, 1.0), 1e-9)
    span = np.maximum(span, span.max() * 0.25)
    steps = min((width - 2 * _MARGIN) / span[0], (most_height - 2 * _MARGIN) / span[1])
    across, down = span[0] * steps + 2 * _MARGIN, span[1] * steps + 2 * _MARGIN
    middle = (low + high) / 2
    if not kept.any():
        shown = np.empty((0, 2))
    x = left + across / 2 + (shown[:, 0] - middle[0]) * squeeze * steps
    y = top + down / 2 - (shown[:, 1] - middle[1]) * steps
    metres = _EARTH if places.degrees else places.metres
    return Paper(left, top, across, down, np.flatnonzero(kept), x, y, metres / steps)


def shapes(paper: Paper, colours: np.ndarray, kinds: "np.ndarray | None" = None) -> str:
    """Draw a shape for each point in its colour; `kinds` are numbers of shapes."""
    radius = paper.size
    texts = hexadecimal(colours)
    numbers = np.zeros(len(paper.x), dtype=np.int64) if kinds is None else kinds
    return "".join(shape(int(kind), x, y, radius, text)
                   for kind, x, y, text in zip(numbers, paper.x.tolist(), paper.y.tolist(), texts))


def shape(kind: int, x: float, y: float, radius: float, colour: str) -> str:
    """Draw one of eight shapes that are told apart without colour."""
    kind %= 8
    style = f'fill="{colour}" stroke="#fff" stroke-width="0.4"'
    if kind == 0:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" {style}/>'
    wide = radius * 1.15
    paths = {
        1: f"M{x - wide * .85:.1f} {y - wide * .85:.1f}h{wide * 1.7:.1f}v{wide * 1.7:.1f}h{-wide * 1.7:.1f}z",
        2: f"M{x:.1f} {y - wide * 1.15:.1f}L{x + wide:.1f} {y + wide * .8:.1f}H{x - wide:.1f}z",
        3: f"M{x:.1f} {y - wide * 1.25:.1f}L{x + wide * 1.25:.1f} {y:.1f}L{x:.1f} {y + wide * 1.25:.1f}"
           f"L{x - wide * 1.25:.1f} {y:.1f}z",
        4: f"M{x:.1f} {y + wide * 1.15:.1f}L{x + wide:.1f} {y - wide * .8:.1f}H{x - wide:.1f}z",
    }
    if kind in paths:
        return f'<path d="{paths[kind]}" {style}/>'
    lines = {
        5: f"M{x - wide:.1f} {y:.1f}h{2 * wide:.1f}M{x:.1f} {y - wide:.1f}v{2 * wide:.1f}",
        6: f"M{x - wide:.1f} {y - wide:.1f}l{2 * wide:.1f} {2 * wide:.1f}M{x - wide:.1f} {y + wide:.1f}"
           f"l{2 * wide:.1f} {-2 * wide:.1f}",
        7: f"M{x - wide:.1f} {y:.1f}h{2 * wide:.1f}",
    }
    return f'<path d="{lines[kind]}" fill="none" stroke="{colour}" stroke-width="{max(1.2, radius * .55):.1f}"/>'

"""Maps of what was learnt: the first three components as red, green and blue, and where the training data lie."""

from __future__ import annotations

import base64
from dataclasses import replace

import numpy as np

from ...charts import svg
from ...map_paper import MapPlaces, Paper, paper_for
from ...report import png
from ..judged import Surface

_WIDTH, _HIGH = 440.0, 400.0
_PALE = 0.78
_MOST_POINTS = 1500
_POINT = "#222222"
_ENLARGED = 4
_CORNERS = 2


def surface_map(surface: Surface) -> str:
    """Paint the surface; where no training data are near it is pale, because there it is a guess."""
    paper = _paper(surface, np.empty((0, 2)))
    return svg([paper.ground(), _painted(surface, paper), paper.scale_bar()], paper.top + paper.height + 2,
               paper.left + paper.width + 2)


def training_map(surface: Surface, places: np.ndarray) -> str:
    """Show where the training data lie on the surface made pale; of very many places a sample by chance."""
    shown = np.array(places, dtype=np.float64)
    if len(shown) > _MOST_POINTS:
        shown = shown[np.sort(np.random.default_rng(0).choice(len(shown), _MOST_POINTS, replace=False))]
    shown[shown[:, 0] < surface.west - 1e-9, 0] += 360.0
    paper = _paper(surface, shown)
    spots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{paper.size * 0.6:.1f}" fill="{_POINT}"/>'
                    for x, y in zip(paper.x[_CORNERS:], paper.y[_CORNERS:]))
    pale = replace(surface, known=np.zeros_like(surface.known))
    return svg([paper.ground(), _painted(pale, paper), spots, paper.scale_bar()], paper.top + paper.height + 2,
               paper.left + paper.width + 2)


def _paper(surface: Surface, places: np.ndarray) -> Paper:
    """Return the box that shows the surface's extent; its first two points are the corners of the surface."""
    corners = np.array([[surface.west, surface.north], [surface.east, surface.south]])
    return paper_for(MapPlaces(np.concatenate([corners, places]), degrees=True), 1.0, 1.0, _WIDTH, _HIGH)


def _painted(surface: Surface, paper: Paper) -> str:
    """Paint the cells."""
    colours = _bytes(surface.values).astype(np.float64)
    pale = colours + (255.0 - colours) * _PALE
    known = np.asarray(surface.known, dtype=bool)[:, :, np.newaxis]
    image = np.where(known, colours, pale).round().astype(np.uint8)
    # Larger than needed, so that a browser that smooths what it enlarges doesn't blur it.
    grown = image.repeat(_ENLARGED, axis=0).repeat(_ENLARGED, axis=1)
    data = base64.b64encode(png(grown)).decode("ascii")
    left, right, top, bottom = paper.x[0], paper.x[1], paper.y[0], paper.y[1]
    return (f'<image x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" height="{bottom - top:.1f}" '
            f'preserveAspectRatio="none" xlink:href="data:image/png;base64,{data}"/>')


def _bytes(values: np.ndarray) -> np.ndarray:
    """Return colours of 0..1 as bytes."""
    return np.asarray(np.clip(np.nan_to_num(values), 0.0, 1.0) * 255).round().astype(np.uint8)

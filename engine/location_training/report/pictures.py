"""Maps of what was learnt: the first three components as red, green and blue, and where the training data lie."""

from __future__ import annotations

import base64

import numpy as np

from ...charts import svg
from ...map_paper import MapPlaces, Paper, paper_for, shapes
from ...report import png
from ..judged import Surface

_WIDTH, _HIGH = 620.0, 420.0
_PALE = 0.78
_MOST_POINTS = 1500
_POINT = "#222222"
_ENLARGED = 4


def surface_map(surface: Surface) -> str:
    """Paint the surface; where no training data are near it is pale, because there it is a guess."""
    paper = _paper(surface, np.empty((0, 2)))
    return svg([paper.ground(), _painted(surface, paper), paper.scale_bar()], paper.top + paper.height + 2,
               paper.left + paper.width + 2)


def training_map(surface: Surface, places: np.ndarray, components: np.ndarray) -> str:
    """Show the training places in the colours of their vectors; of very many a sample, drawn evenly."""
    kept = np.arange(len(places))
    if len(kept) > _MOST_POINTS:
        kept = np.sort(np.random.default_rng(0).choice(len(places), _MOST_POINTS, replace=False))
    shown = places[kept].copy()
    shown[shown[:, 0] < surface.west - 1e-9, 0] += 360.0
    paper = _paper(surface, shown)
    inner = Paper(paper.left, paper.top, paper.width, paper.height, paper.kept[2:] - 2, paper.x[2:], paper.y[2:],
                  paper.metres_a_step)
    colours = _bytes(components[kept])[inner.kept]
    return svg([paper.ground(), shapes(inner, colours), paper.scale_bar()], paper.top + paper.height + 2,
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

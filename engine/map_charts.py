"""Maps of values, classes, parts and errors at points, drawn for reports."""

from __future__ import annotations

import math
from html import escape
from typing import Sequence

import numpy as np

from .charts import svg
from .colour_ramp import BLUES, BROWNS, GREYS, SEQUENTIAL, hexadecimal, ramp_colours, rgb
from .map_paper import MapPlaces, Paper, paper_for, shape, shapes
from .number_text import number_text

_WIDTH, _HIGH = 560.0, 300.0
_SIDE = 118.0
_LINE = 18.0
_GAP = 10.0
_PANELS = 12


def value_map(places: MapPlaces, values: np.ndarray, label: str) -> str:
    """Show numbers, dark for large ones; where many points share a cell, their mean."""
    paper = paper_for(places, 1.0, 1.0, _WIDTH - _SIDE, _HIGH)
    shown = np.asarray(values, dtype=np.float64)[paper.kept]
    low, high = _range(shown)
    body = [paper.ground(), _painted(paper, shown, low, high, SEQUENTIAL), paper.scale_bar(),
            *_bar(paper.left + paper.width + 14, 24.0, low, high, label, SEQUENTIAL,
                  bool((shown < low).any()), bool((shown > high).any()))]
    return svg(body, max(paper.height + 2, 190.0), paper.left + paper.width + _SIDE)


def class_map(places: MapPlaces, classes: np.ndarray, names: "Sequence[str]", colours: "Sequence[str]") -> str:
    """Show classes by colour and, while points are few, by shape; many points in one cell show its commonest class."""
    paper = paper_for(places, 1.0, 1.0, _WIDTH - _SIDE - 20, _HIGH)
    numbers = np.asarray(classes, dtype=np.int64)[paper.kept]
    table = np.array([rgb(colour) for colour in colours], dtype=np.uint8).reshape(-1, 3)
    body = [paper.ground()]
    if paper.many:
        cells, size = paper.cells()
        pairs, counts = np.unique(cells * len(names) + numbers, return_counts=True)
        order = np.lexsort((-counts, pairs // len(names)))
        owners, first = np.unique(pairs[order] // len(names), return_index=True)
        body.append(paper.picture(owners, table[pairs[order][first] % len(names)], size))
    elif len(numbers):
        body.append(shapes(paper, table[numbers], numbers))
    body.append(paper.scale_bar())
    x = paper.left + paper.width + 16
    for index, name in enumerate(names[:18]):
        y = 16 + _LINE * index
        colour = hexadecimal(table[index:index + 1])[0]
        body += [shape(1 if paper.many else index, x, y - 4, 4.2, colour),
                 f'<text x="{x + 11:.0f}" y="{y:.0f}">{escape(_short(str(name), 17))}</text>']
    if len(names) > 18:
        body.append(f'<text x="{x:.0f}" y="{16 + _LINE * 18:.0f}">and {len(names) - 18} more</text>')
    return svg(body, max(paper.height + 2, 16 + _LINE * min(len(names), 19)), paper.left + paper.width + _SIDE + 20)


def part_maps(places: MapPlaces, parts: np.ndarray, names: "Sequence[str]") -> str:
    """Show each part in a small map of its own, its points dark among the others: it needs no colours."""
    count = min(len(names), _PANELS)
    columns = min(count, 5) if count <= 5 else min(4, math.ceil(count / 2)) if count <= 8 else 4
    width = (_WIDTH - _GAP * (columns - 1)) / columns
    body, top, tallest = [], 0.0, 0.0
    for index in range(count):
        if index and index % columns == 0:
            top, tallest = top + tallest + _GAP, 0.0
        left = (width + _GAP) * (index % columns)
        paper = paper_for(places, left + 1, top + 16, width - 2, 150.0)
        own = np.asarray(parts) == index
        inside = own[paper.kept]
        body.append(f'<text x="{left + 1:.1f}" y="{top + 11:.1f}" font-size="11">'
                    f'{escape(_short(str(names[index]), 22))} ({int(own.sum()):,})</text>')
        body += [paper.ground(), _two_kinds(paper, inside, "#cfd3d6", "#12395b")]
        tallest = max(tallest, paper.height + 17)
    return svg(body, top + tallest + 2)


def error_maps(places: MapPlaces, errors: np.ndarray, unit: str) -> str:
    """Show predicted − observed in two maps: where predictions are too low, and where too high; dark is far off."""
    width = (_WIDTH - _GAP) / 2
    finite = np.abs(errors[np.isfinite(errors)])
    most = float(np.percentile(finite, 95)) if len(finite) else 1.0
    most = most or 1.0
    body, height = [], 0.0
    for index, (title, sign, ramp) in enumerate((("Predicted too low", -1.0, BLUES),
                                                 ("Predicted too high", 1.0, BROWNS))):
        left = (width + _GAP) * index
        paper = paper_for(places, left + 1, 18.0, width - 2, 250.0)
        shown = np.asarray(errors, dtype=np.float64)[paper.kept] * sign
        body.append(f'<text x="{left + 1:.1f}" y="12">{title}</text>')
        body += [paper.ground(), _painted(paper, shown, 0.0, most, ramp, below="#e9e9e7"), paper.scale_bar()]
        body += _flat_bar(left + 1, 18.0 + paper.height + 8, min(paper.width, 150.0), most, unit, ramp)
        height = max(height, paper.height + 62)
    return svg(body, height)


def wrong_map(places: MapPlaces, wrong: np.ndarray) -> str:
    """Show where classes are wrong: dark for wrong, or for a large share of wrong ones in a cell."""
    paper = paper_for(places, 1.0, 1.0, _WIDTH - _SIDE, 0.8 * _HIGH)
    shown = np.asarray(wrong, dtype=np.float64)[paper.kept]
    x = paper.left + paper.width + 16
    body = [paper.ground()]
    if paper.many:
        body += [_painted(paper, shown, 0.0, 1.0, GREYS), *_bar(x - 2, 24.0, 0.0, 1.0, "share wrong", GREYS)]
    else:
        body.append(_two_kinds(paper, shown > 0, "#c9d4dc", "#7a1f0a"))
        body += [shape(0, x, 12, 4, "#c9d4dc"), f'<text x="{x + 11:.0f}" y="16">right</text>',
                 shape(3, x, 32, 4, "#7a1f0a"), f'<text x="{x + 11:.0f}" y="36">wrong</text>']
    body.append(paper.scale_bar())
    return svg(body, max(paper.height + 2, 190.0), paper.left + paper.width + _SIDE)


def _painted(paper: Paper, values: np.ndarray, low: float, high: float, ramp: "tuple[str, ...]",
             below: str = "") -> str:
    """Colour points, or the means of cells, between low and high; `below` colours what is less than low."""
    known = np.isfinite(values)
    if paper.many:
        cells, size = paper.cells()
        counts = np.bincount(cells[known], minlength=size[0] * size[1])
        sums = np.bincount(cells[known], weights=values[known], minlength=size[0] * size[1])
        numbers = np.flatnonzero(counts)
        means = sums[numbers] / counts[numbers]
        return paper.picture(numbers, _coloured(means, low, high, ramp, below), size)
    colours = _coloured(np.where(known, values, low), low, high, ramp, below)
    return shapes(paper, colours) if len(values) else ""


def _coloured(values: np.ndarray, low: float, high: float, ramp: "tuple[str, ...]", below: str) -> np.ndarray:
    """Return the colours of values."""
    found = ramp_colours((values - low) / max(high - low, 1e-12), ramp)
    if below:
        found[values < low] = rgb(below)
    return found


def _two_kinds(paper: Paper, inside: np.ndarray, other: str, own: str) -> str:
    """Draw the points that are meant dark, over the others; many points in a cell show their share of dark ones."""
    if paper.many:
        cells, size = paper.cells()
        counts = np.bincount(cells, minlength=size[0] * size[1])
        numbers = np.flatnonzero(counts)
        shares = np.bincount(cells[inside], minlength=len(counts))[numbers] / counts[numbers]
        return paper.picture(numbers, ramp_colours(shares, (other, own)), size)
    if not len(inside):
        return ""
    radius = paper.size
    places = list(zip(paper.x.tolist(), paper.y.tolist(), inside.tolist()))
    return "".join([shape(0, x, y, radius, other) for x, y, one in places if not one]
                   + [shape(3, x, y, radius, own) for x, y, one in places if one])


def _range(values: np.ndarray) -> "tuple[float, float]":
    """Return the range that nearly all values lie in, so that one odd value doesn't take the colours of all others."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return 0.0, 1.0
    low, high = (float(value) for value in np.percentile(finite, (2, 98)))
    if high <= low:
        low, high = float(finite.min()), float(finite.max())
    return low, high if high > low else low + 1.0


def _bar(x: float, y: float, low: float, high: float, label: str, ramp: "tuple[str, ...]", less: bool = False,
         more: bool = False) -> "list[str]":
    """Draw an upright legend; `less` and `more` tell that there are values beyond its ends."""
    height, steps = 120.0, 24
    body = [f'<text x="{x:.1f}" y="{y - 10:.1f}">{escape(_short(label, 18))}</text>']
    colours = hexadecimal(ramp_colours(np.linspace(1, 0, steps), ramp))
    body += [f'<rect x="{x:.1f}" y="{y + height / steps * index:.2f}" width="14" height="{height / steps + .5:.2f}" '
             f'fill="{colour}"/>' for index, colour in enumerate(colours)]
    for share in (0.0, 0.5, 1.0):
        place = y + height * (1 - share)
        sign = "≤ " if less and share == 0.0 else "≥ " if more and share == 1.0 else ""
        body.append(f'<text x="{x + 19:.1f}" y="{place + 4:.1f}" font-size="11">'
                    f'{sign}{number_text(low + share * (high - low), 3)}</text>')
    return body


def _flat_bar(x: float, y: float, width: float, most: float, unit: str, ramp: "tuple[str, ...]") -> "list[str]":
    """Draw a lying legend from 0."""
    steps = 30
    colours = hexadecimal(ramp_colours(np.linspace(0, 1, steps), ramp))
    body = [f'<rect x="{x + width / steps * index:.2f}" y="{y:.1f}" width="{width / steps + .5:.2f}" height="9" '
            f'fill="{colour}"/>' for index, colour in enumerate(colours)]
    by = f" {unit}" if unit else ""
    body += [f'<text x="{x:.1f}" y="{y + 22:.1f}" font-size="11">0</text>',
             f'<text x="{x + width:.1f}" y="{y + 22:.1f}" font-size="11" text-anchor="end">'
             f'{number_text(most, 3)}{escape(by)} or more</text>']
    return body


def _short(text: str, most: int) -> str:
    """Cut a long name."""
    return text if len(text) <= most else text[:most - 1] + "…"

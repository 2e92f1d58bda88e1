"""Sorted dots with intervals: a row a candidate, a mark a probe, and a line where the best baseline stands."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from typing import List, Sequence, Tuple

from ..charts import COLOURS, Scale, svg, ticks
from ..number_text import number_text
from .scores import Estimate

_WIDTH, _NAMES, _RIGHT = 640.0, 220.0, 24.0
_STEP, _PAD = 9.0, 9.0
_LEAST = -1.0
_GREY = "#777777"


@dataclass(frozen=True)
class Dot:
    """A figure under one probe."""

    probe: str
    estimate: Estimate


@dataclass(frozen=True)
class DotRow:
    """A candidate with its dots; baselines are drawn in grey."""

    name: str
    dots: "Tuple[Dot, ...]"
    baseline: bool = False


def dot_chart(rows: "Sequence[DotRow]", label: str, mark: float) -> str:
    """Draw rows in their order; what lies below −1 is cut, with an arrow."""
    probes = list(dict.fromkeys(dot.probe for row in rows for dot in row.dots if dot.probe))
    ends = [end for row in rows for dot in row.dots
            for end in (dot.estimate.value, dot.estimate.low, dot.estimate.high) if math.isfinite(end)] or [0.0, 1.0]
    low, high = max(min(ends), _LEAST), max(ends)
    room = max(0.03 * (high - low), 0.01)
    scale = Scale(low - room, high + room, _NAMES, _WIDTH - _RIGHT)
    top = 26.0 if len(probes) > 1 else 6.0
    heights = [_STEP * max(len(row.dots), 2) + _PAD for row in rows]
    bottom = top + sum(heights)
    body: "List[str]" = _axis(scale, top, bottom, label)
    if math.isfinite(mark) and scale.low <= mark <= scale.high:
        body.append(f'<line x1="{scale(mark):.1f}" y1="{top:.1f}" x2="{scale(mark):.1f}" y2="{bottom:.1f}" '
                    'stroke="#555" stroke-dasharray="4 3"/>')
    start = top
    for row, height in zip(rows, heights):
        middle = start + height / 2
        body.append(f'<text x="{_NAMES - 8:.0f}" y="{middle + 4:.1f}" text-anchor="end"'
                    + (f' fill="{_GREY}"' if row.baseline else "") + f'>{escape(_short(row.name))}</text>')
        for index, dot in enumerate(row.dots):
            y = middle + _STEP * (index - (len(row.dots) - 1) / 2)
            place = probes.index(dot.probe) if dot.probe in probes else 0
            colour = _GREY if row.baseline else COLOURS[place % len(COLOURS)]
            body += _dot(dot.estimate, scale, y, place, colour)
        start += height
    if len(probes) > 1:
        for index, probe in enumerate(probes):
            x = _NAMES + 96.0 * index
            body.append(_shape(x + 6, 11, index, COLOURS[index % len(COLOURS)])
                        + f'<text x="{x + 16:.1f}" y="15">{escape(probe)}</text>')
    return svg(body, bottom + 38, _WIDTH)


def _axis(scale: Scale, top: float, bottom: float, label: str) -> "List[str]":
    """Draw the grid and name it."""
    body = []
    for value in ticks(scale.low, scale.high):
        x = scale(value)
        body.append(f'<line x1="{x:.1f}" y1="{top:.1f}" x2="{x:.1f}" y2="{bottom:.1f}" stroke="#e4e4e4"/>'
                    f'<text x="{x:.1f}" y="{bottom + 14:.1f}" font-size="11" text-anchor="middle">'
                    f'{number_text(value)}</text>')
    body.append(f'<text x="{(_NAMES + _WIDTH - _RIGHT) / 2:.0f}" y="{bottom + 31:.1f}" text-anchor="middle">'
                f'{escape(label)}</text>')
    return body


def _dot(estimate: Estimate, scale: Scale, y: float, place: int, colour: str) -> "List[str]":
    """Draw a figure with its interval."""
    if not math.isfinite(estimate.value):
        return []
    body = []
    if math.isfinite(estimate.low) and math.isfinite(estimate.high):
        first, last = (scale(min(max(end, scale.low), scale.high)) for end in (estimate.low, estimate.high))
        body.append(f'<line x1="{first:.1f}" y1="{y:.1f}" x2="{last:.1f}" y2="{y:.1f}" stroke="{colour}" '
                    'stroke-width="1.3"/>')
    if estimate.value < scale.low:
        x = scale(scale.low)
        body.append(f'<path d="M{x + 8:.1f} {y - 4:.1f}l-7 4l7 4" fill="none" stroke="{colour}" stroke-width="2"/>')
        return body
    body.append(_shape(scale(estimate.value), y, place, colour))
    return body


def _shape(x: float, y: float, place: int, colour: str) -> str:
    """Draw a circle, a square or a triangle, so that probes are told apart without colour."""
    if place % 3 == 0:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.6" fill="{colour}"/>'
    if place % 3 == 1:
        return f'<rect x="{x - 3.3:.1f}" y="{y - 3.3:.1f}" width="6.6" height="6.6" fill="{colour}"/>'
    return f'<path d="M{x:.1f} {y - 4.2:.1f}l4.2 7.4h-8.4z" fill="{colour}"/>'


def _short(name: str) -> str:
    """Cut a long name."""
    return name if len(name) <= 32 else name[:31] + "…"

"""Simple charts as SVG text for reports: lines, bars and points, readable without colour and without scripts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from typing import Optional, Sequence

from .number_text import number_text

WIDTH, HEIGHT = 560, 300
LEFT, RIGHT, TOP, BOTTOM = 62, 16, 14, 46
COLOURS = ("#2a6f97", "#c8553d", "#588157", "#8a5a9e", "#b08900", "#3d405b")


@dataclass(frozen=True)
class Series:
    """Points of one line or cloud, with the name that the legend shows."""

    name: str
    x: "Sequence[float]"
    y: "Sequence[float]"


@dataclass(frozen=True)
class Scale:
    """Maps numbers to places on the paper."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the place of a number."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def ticks(low: float, high: float, wanted: int = 5) -> "list[float]":
    """Return round numbers that span a range."""
    span = max(high - low, 1e-12)
    step = 10.0 ** math.floor(math.log10(span / wanted))
    step *= next((factor for factor in (1, 2, 5, 10) if span / (step * factor) <= wanted), 10)
    first = math.ceil(low / step - 1e-9)
    return [index * step for index in range(first, int(math.floor(high / step + 1e-9)) + 1)]


def line_chart(series: "Sequence[Series]", x_label: str, y_label: str, mark: Optional[float] = None) -> str:
    """Draw lines with points; `mark` draws a vertical line, such as at the number that was chosen."""
    body, x_scale, y_scale = frame(series, x_label, y_label)
    if mark is not None and x_scale.low <= mark <= x_scale.high:
        place = x_scale(mark)
        body.append(f'<line x1="{place:.1f}" y1="{TOP}" x2="{place:.1f}" y2="{HEIGHT - BOTTOM}" stroke="#555" '
                    'stroke-dasharray="4 3"/>')
    for index, one in enumerate(series):
        colour = COLOURS[index % len(COLOURS)]
        places = [(x_scale(x), y_scale(y)) for x, y in zip(one.x, one.y) if math.isfinite(x) and math.isfinite(y)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        body.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        body += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places]
    return svg(body + legend(series))


def bar_chart(names: "Sequence[str]", values: "Sequence[float]", label: str,
              colours: "Optional[Sequence[str]]" = None) -> str:
    """Draw horizontal bars with their names and values."""
    height = 22 * len(names) + 30
    largest = max([abs(value) for value in values if math.isfinite(value)] + [1e-12])
    room = WIDTH - 150 - 70
    body = []
    for index, (name, value) in enumerate(zip(names, values)):
        y = 6 + 22 * index
        length = max(0.0, value / largest * room) if math.isfinite(value) else 0.0
        colour = colours[index] if colours is not None else COLOURS[0]
        body.append(f'<text x="142" y="{y + 13}" text-anchor="end">{escape(str(name))}</text>'
                    f'<rect x="150" y="{y}" width="{length:.1f}" height="17" fill="{escape(colour)}"/>'
                    f'<text x="{155 + length:.1f}" y="{y + 13}">{number_text(value)}</text>')
    body.append(f'<text x="{150 + room / 2:.0f}" y="{height - 6}" text-anchor="middle">{escape(label)}</text>')
    return svg(body, height)


def frame(series: "Sequence[Series]", x_label: str, y_label: str) -> "tuple[list[str], Scale, Scale]":
    """Draw axes for all points."""
    x_scale = scale_of([x for one in series for x in one.x], LEFT, WIDTH - RIGHT)
    y_scale = scale_of([y for one in series for y in one.y], HEIGHT - BOTTOM, TOP)
    body = [f'<rect x="{LEFT}" y="{TOP}" width="{WIDTH - LEFT - RIGHT}" height="{HEIGHT - TOP - BOTTOM}" fill="none" '
            'stroke="#999"/>']
    for value in ticks(x_scale.low, x_scale.high):
        place = x_scale(value)
        body.append(f'<line x1="{place:.1f}" y1="{HEIGHT - BOTTOM}" x2="{place:.1f}" y2="{HEIGHT - BOTTOM + 4}" '
                    f'stroke="#999"/><text x="{place:.1f}" y="{HEIGHT - BOTTOM + 17}" text-anchor="middle">'
                    f'{number_text(value)}</text>')
    for value in ticks(y_scale.low, y_scale.high):
        place = y_scale(value)
        body.append(f'<line x1="{LEFT}" y1="{place:.1f}" x2="{WIDTH - RIGHT}" y2="{place:.1f}" stroke="#e4e4e4"/>'
                    f'<text x="{LEFT - 6}" y="{place + 4:.1f}" text-anchor="end">{number_text(value)}</text>')
    body.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2:.0f}" y="{HEIGHT - 8}" text-anchor="middle">{escape(x_label)}'
                '</text>')
    body.append(f'<text transform="translate(14 {(TOP + HEIGHT - BOTTOM) / 2:.0f}) rotate(-90)" text-anchor="middle">'
                f'{escape(y_label)}</text>')
    return body, x_scale, y_scale


def scale_of(values: "Sequence[float]", start: float, end: float) -> Scale:
    """Return a scale with a little room at both ends."""
    finite = [float(value) for value in values if math.isfinite(value)] or [0.0, 1.0]
    low, high = min(finite), max(finite)
    room = (high - low) * 0.05 or max(abs(high), 1.0) * 0.05
    return Scale(low - room, high + room, start, end)


def legend(series: "Sequence[Series]") -> "list[str]":
    """Name the series where there are several."""
    if len(series) < 2:
        return []
    return [f'<rect x="{WIDTH - 170}" y="{TOP + 6 + 18 * index}" width="10" height="10" '
            f'fill="{COLOURS[index % len(COLOURS)]}"/><text x="{WIDTH - 155}" y="{TOP + 15 + 18 * index}">'
            f'{escape(one.name)}</text>' for index, one in enumerate(series)]


def svg(body: "Sequence[str]", height: float = HEIGHT, width: float = WIDTH) -> str:
    """Wrap shapes."""
    content = "".join(body)
    # Only what holds pictures needs the other namespace.
    pictures = ' xmlns:xlink="http://www.w3.org/1999/xlink"' if "xlink:" in content else ""
    return (f'<svg xmlns="http://www.w3.org/2000/svg"{pictures} viewBox="0 0 {width:.0f} {height:.0f}" '
            f'width="{width:.0f}" height="{height:.0f}" font-family="sans-serif" font-size="12" fill="#222">'
            f"{content}</svg>")

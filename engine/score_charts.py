"""Charts of scores: bars with whiskers, observed against predicted, and stated against true probability."""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass
from html import escape
from typing import Sequence

import numpy as np

from .charts import Scale, svg, ticks
from .colour_ramp import BLUES, ramp_colours
from .number_text import number_text, score_text
from .report import png

_WIDTH = 640.0
_NAMES, _RIGHT = 240.0, 160.0
_ROW = 27.0
_LETTER = 6.8
_PLOT = 300.0
_CELL = 4
_MOST_POINTS = 1500
_DARK, _LIGHT = "#1f5a87", "#a9c3d8"


@dataclass(frozen=True)
class Bar:
    """A bar: its number, its interval (NaN where there is none), and whether it is the one that matters."""

    name: str
    value: float
    low: float = float("nan")
    high: float = float("nan")
    own: bool = True


def whisker_chart(bars: "Sequence[Bar]", label: str, least: float = -1.0, decimals: bool = True) -> str:
    """Draw bars from zero with their intervals and numbers; what lies below `least` is cut, with an arrow."""
    write = score_text if decimals else _plain
    ends = [end for bar in bars for end in (bar.value, bar.low, bar.high) if math.isfinite(end)] or [1.0]
    low, high = max(min(min(ends), 0.0), least), max(max(ends), 0.0)
    room = (high - low) * 0.04 or 0.05
    scale = Scale(low - (room if low < 0 else 0.0), high + room, _NAMES, _WIDTH - _RIGHT)
    height = _ROW * len(bars) + 8
    body = []
    for value in ticks(scale.low, scale.high):
        x = scale(value)
        body.append(f'<line x1="{x:.1f}" y1="2" x2="{x:.1f}" y2="{height:.1f}" stroke="#e4e4e4"/>'
                    f'<text x="{x:.1f}" y="{height + 14:.1f}" font-size="11" text-anchor="middle">'
                    f'{number_text(value)}</text>')
    zero = scale(0.0)
    longest = 0
    for index, bar in enumerate(bars):
        middle = 4 + _ROW * (index + 0.5)
        weight = ' font-weight="bold"' if bar.own else ""
        body.append(f'<text x="{_NAMES - 8:.0f}" y="{middle + 4:.1f}" text-anchor="end"{weight}>'
                    f'{escape(_short(bar.name, 34))}</text>')
        if not math.isfinite(bar.value):
            body.append(f'<text x="{_WIDTH - _RIGHT + 8:.0f}" y="{middle + 4:.1f}">–</text>')
            continue
        end = scale(max(bar.value, scale.low))
        paint = f'fill="{_DARK}"' if bar.own else f'fill="{_LIGHT}" stroke="{_DARK}" stroke-width="0.8"'
        body.append(f'<rect x="{min(zero, end):.1f}" y="{middle - 8:.1f}" width="{max(abs(end - zero), 0.8):.1f}" '
                    f'height="16" {paint}/>')
        if bar.value < scale.low:
            body.append(f'<path d="M{end + 9:.1f} {middle - 5:.1f}l-7 5l7 5" fill="none" stroke="#fff" '
                        'stroke-width="2"/>')
        text = write(bar.value)
        if math.isfinite(bar.low) and math.isfinite(bar.high):
            first, last = (scale(min(max(part, scale.low), scale.high)) for part in (bar.low, bar.high))
            if last - first > 1:
                whisker = f"M{first:.1f} {middle - 4:.1f}v8m0 -4H{last:.1f}m0 -4v8"
                body.append(f'<path d="{whisker}" fill="none" stroke="#fff" stroke-width="3.5"/>'
                            f'<path d="{whisker}" fill="none" stroke="#111" stroke-width="1.4"/>')
            text += f" ({write(bar.low)} to {write(bar.high)})"
        longest = max(longest, len(text))
        body.append(f'<text x="{_WIDTH - _RIGHT + 8:.0f}" y="{middle + 4:.1f}" font-size="11"{weight}>{text}</text>')
    body.append(f'<line x1="{zero:.1f}" y1="2" x2="{zero:.1f}" y2="{height:.1f}" stroke="#555"/>')
    body.append(f'<text x="{(_NAMES + _WIDTH - _RIGHT) / 2:.0f}" y="{height + 31:.1f}" text-anchor="middle">'
                f'{escape(label)}</text>')
    return svg(body, height + 37, max(_WIDTH, _WIDTH - _RIGHT + 16 + _LETTER * longest))


def agreement_chart(observed: np.ndarray, predicted: np.ndarray, unit: str) -> str:
    """Draw predicted against observed with the line of equality; many points as a picture of how dense they are."""
    kept = np.isfinite(observed) & np.isfinite(predicted)
    x, y = np.asarray(observed, dtype=np.float64)[kept], np.asarray(predicted, dtype=np.float64)[kept]
    low, high = agreement_range(x, y)
    left, top, side = 74.0, 8.0, _PLOT
    across, down = Scale(low, high, left, left + side), Scale(low, high, top + side, top)
    body = [f'<rect x="{left}" y="{top}" width="{side}" height="{side}" fill="#fcfcfb" stroke="#999"/>']
    for value in ticks(low, high):
        body.append(f'<line x1="{left}" y1="{down(value):.1f}" x2="{left + side}" y2="{down(value):.1f}" '
                    f'stroke="#ececec"/><text x="{left - 6}" y="{down(value) + 4:.1f}" font-size="11" '
                    f'text-anchor="end">{number_text(value)}</text>'
                    f'<text x="{across(value):.1f}" y="{top + side + 16}" font-size="11" text-anchor="middle">'
                    f'{number_text(value)}</text>')
    inside = (x >= low) & (x <= high) & (y >= low) & (y <= high)
    if len(x) > _MOST_POINTS:
        body.append(_density((x[inside] - low) / (high - low), (high - y[inside]) / (high - low), left, top, side))
    else:
        body += [f'<circle cx="{across(one):.1f}" cy="{down(other):.1f}" r="2.4" fill="{_DARK}" fill-opacity="0.45"/>'
                 for one, other in zip(x[inside], y[inside])]
    body.append(f'<line x1="{left}" y1="{top + side}" x2="{left + side}" y2="{top}" stroke="#a03a10" '
                'stroke-width="1.5" stroke-dasharray="6 4"/>')
    by = f" ({unit})" if unit else ""
    body.append(f'<text x="{left + side / 2}" y="{top + side + 36}" text-anchor="middle">observed{escape(by)}</text>'
                f'<text transform="translate(13 {top + side / 2}) rotate(-90)" text-anchor="middle">'
                f'predicted{escape(by)}</text>')
    return svg(body, top + side + 44, left + side + 26)


def agreement_range(observed: np.ndarray, predicted: np.ndarray) -> "tuple[float, float]":
    """Return the range of both axes; of many points the outermost thousandths may lie beyond it."""
    both = np.concatenate([observed, predicted])
    if not len(both):
        return 0.0, 1.0
    if len(both) > 1000:
        low, high = (float(value) for value in np.percentile(both, (0.1, 99.9)))
    else:
        low, high = float(both.min()), float(both.max())
    room = (high - low) * 0.03 or max(abs(high), 1.0) * 0.05
    return low - room, high + room


def reliability_chart(stated: np.ndarray, found: np.ndarray, count: np.ndarray) -> str:
    """Draw how often what was stated with a probability came true, over how many cases there are."""
    left, top, side, low = 60.0, 8.0, 220.0, 40.0
    across, down = Scale(0.0, 1.0, left, left + side), Scale(0.0, 1.0, top + side, top)
    body = [f'<rect x="{left}" y="{top}" width="{side}" height="{side}" fill="#fcfcfb" stroke="#999"/>']
    for value in ticks(0.0, 1.0):
        body.append(f'<line x1="{left}" y1="{down(value):.1f}" x2="{left + side}" y2="{down(value):.1f}" '
                    f'stroke="#ececec"/><text x="{left - 6}" y="{down(value) + 4:.1f}" font-size="11" '
                    f'text-anchor="end">{value:.1f}</text><text x="{across(value):.1f}" '
                    f'y="{top + side + low + 20}" font-size="11" text-anchor="middle">{value:.1f}</text>')
    body.append(f'<line x1="{left}" y1="{top + side}" x2="{left + side}" y2="{top}" stroke="#a03a10" '
                'stroke-width="1.5" stroke-dasharray="6 4"/>')
    known = np.isfinite(stated) & np.isfinite(found) & (np.asarray(count) > 0)
    places = [(across(one), down(other)) for one, other in zip(np.asarray(stated)[known], np.asarray(found)[known])]
    body.append(f'<polyline points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in places)}" fill="none" stroke="{_DARK}" '
                'stroke-width="2"/>')
    body += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.6" fill="{_DARK}"/>' for x, y in places]
    largest = max(float(np.max(count, initial=0)), 1.0)
    for (x, _), number in zip(places, np.asarray(count)[known]):
        tall = (low - 8) * float(number) / largest
        body.append(f'<rect x="{x - 6:.1f}" y="{top + side + low - tall:.1f}" width="12" height="{tall:.1f}" '
                    f'fill="{_LIGHT}" stroke="{_DARK}" stroke-width="0.6"/>')
    body.append(f'<text x="{left + side / 2}" y="{top + side + low + 38}" text-anchor="middle">stated probability'
                f'</text><text transform="translate(13 {top + side / 2}) rotate(-90)" text-anchor="middle">'
                'share that came true</text>'
                f'<text x="{left - 6}" y="{top + side + low - 6}" font-size="11" text-anchor="end">cases</text>')
    return svg(body, top + side + low + 46, left + side + 26)


def _density(x: np.ndarray, y: np.ndarray, left: float, top: float, side: float) -> str:
    """Paint how many points fall into each cell; x and y are 0..1 from the upper left corner."""
    cells = int(side // _CELL)
    numbers = (np.clip((y * cells).astype(np.int64), 0, cells - 1) * cells
               + np.clip((x * cells).astype(np.int64), 0, cells - 1))
    counts = np.bincount(numbers, minlength=cells * cells)
    taken = np.flatnonzero(counts)
    image = np.zeros((cells * cells, 4), dtype=np.uint8)
    if len(taken):
        shares = np.log1p(counts[taken]) / np.log1p(counts.max())
        image[taken, :3], image[taken, 3] = ramp_colours(shares, BLUES), 255
    grown = image.reshape(cells, cells, 4).repeat(_CELL, axis=0).repeat(_CELL, axis=1)
    data = base64.b64encode(png(grown)).decode("ascii")
    return (f'<image x="{left}" y="{top}" width="{side}" height="{side}" preserveAspectRatio="none" '
            f'xlink:href="data:image/png;base64,{data}"/>')


def _plain(value: float) -> str:
    """Write a number with three digits that matter."""
    return number_text(value, 3)


def _short(text: str, most: int) -> str:
    """Cut a long name."""
    return text if len(text) <= most else text[:most - 1] + "…"

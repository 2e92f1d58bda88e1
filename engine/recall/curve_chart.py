"""The picture of recall against area: curves with bands over a logarithm of km², and what chance would do."""

from __future__ import annotations

import math
from html import escape
from typing import List, Sequence

import numpy as np

from ..charts import COLOURS, Scale, svg
from ..number_text import number_text
from .judged import Judged

_WIDTH, _HEIGHT = 720.0, 400.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 62.0, 18.0, 44.0, 50.0
_DECADES = 5.0
_LETTERS = 34
_MOST_BANDS = 3
_SHARES = (1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0)


def curve_chart(queries: "Sequence[Judged]", wanted: float) -> str:
    """Draw the first six, with their bands while they are few; chance is that of the query with the most ground."""
    shown = list(queries)[:len(COLOURS)]
    banded = shown if len(shown) <= _MOST_BANDS else shown[:1]
    largest = max(queries, key=lambda one: one.curve.ground)
    start = _start(shown, largest.curve.ground)
    across = Scale(math.log10(start), math.log10(largest.curve.ground), _LEFT, _WIDTH - _RIGHT)
    down = Scale(0.0, 1.0, _HEIGHT - _BOTTOM, _TOP)
    body = _frame(across, down, largest.curve.ground)
    chance = largest.chance
    body.append(_ribbon(largest.areas, chance.lower, chance.upper, across, down, "#777"))
    body.append(_line(largest.areas, chance.middle, across, down, "#555", ' stroke-dasharray="6 4"', 1.5))
    for number, one in reversed(list(enumerate(banded))):
        body.append(_ribbon(one.areas, one.band.lower, one.band.upper, across, down, COLOURS[number % len(COLOURS)]))
    for number, one in reversed(list(enumerate(shown))):
        colour = COLOURS[number % len(COLOURS)]
        body.append(_line(one.areas, one.recalls, across, down, colour, "", 2.2))
        body += _mark(one, wanted, across, down, colour)
    return svg(body + _legend(shown), _HEIGHT, _WIDTH)


def _start(queries: "Sequence[Judged]", ground: float) -> float:
    """Return the least area that is shown: before it no query has found anything to speak of."""
    begins = [float(one.areas[np.searchsorted(one.recalls, 0.02)]) for one in queries if one.curve.reach > 0.02]
    least = min([area for area in begins if area > 0] + [ground / 100]) / 2
    return 10.0 ** math.floor(math.log10(max(least, ground * 10.0 ** -_DECADES)))


def _frame(across: Scale, down: Scale, ground: float) -> "List[str]":
    """Draw axes: km² below, the share of the ground above, recall on the left."""
    right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    body = [f'<rect x="{_LEFT}" y="{_TOP}" width="{right - _LEFT}" height="{bottom - _TOP}" fill="#fcfcfb" '
            'stroke="#999"/>']
    for share in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0):
        y = down(share)
        body.append(f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}" stroke="#e4e4e4"/>'
                    f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{share * 100:.0f} %</text>')
    for exponent in range(math.ceil(across.low - 1e-9), math.floor(across.high + 1e-9) + 1):
        x = across(exponent)
        body.append(f'<line x1="{x:.1f}" y1="{_TOP}" x2="{x:.1f}" y2="{bottom + 4}" stroke="#e4e4e4"/>'
                    f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{number_text(10.0 ** exponent)}</text>')
    for share in _SHARES:
        place = math.log10(share * ground)
        if across.low - 1e-9 <= place:
            x = across(place)
            body.append(f'<line x1="{x:.1f}" y1="{_TOP - 4}" x2="{x:.1f}" y2="{_TOP}" stroke="#999"/>'
                        f'<text x="{x:.1f}" y="{_TOP - 8}" font-size="11" fill="#555" text-anchor="middle">'
                        f'{number_text(share * 100)} %</text>')
    middle = (_LEFT + right) / 2
    body += [f'<text x="{middle:.0f}" y="{_HEIGHT - 10}" text-anchor="middle">area walked, best scores first, in km²'
             '</text>',
             f'<text x="{middle:.0f}" y="14" font-size="11" fill="#555" text-anchor="middle">share of the ground'
             '</text>',
             f'<text transform="translate(15 {(_TOP + bottom) / 2:.0f}) rotate(-90)" text-anchor="middle">share of the '
             'truth found</text>']
    return body


def _places(areas: np.ndarray, values: np.ndarray, across: Scale, down: Scale) -> "List[str]":
    """Return places on the paper from its left edge on; straight pieces are cut fine, since they bend here."""
    start = 10.0 ** across.low
    dense = np.unique(np.concatenate([areas, np.geomspace(start, areas[-1], 200)]))
    dense = dense[(dense >= start) & (dense <= areas[-1])]
    return [f"{across(math.log10(area)):.1f},{down(value):.1f}"
            for area, value in zip(dense.tolist(), np.interp(dense, areas, values).tolist())]


def _line(areas: np.ndarray, values: np.ndarray, across: Scale, down: Scale, colour: str, dash: str,
          width: float) -> str:
    """Draw a curve."""
    path = " ".join(_places(areas, values, across, down))
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"{dash}/>'


def _ribbon(areas: np.ndarray, lower: np.ndarray, upper: np.ndarray, across: Scale, down: Scale, colour: str) -> str:
    """Draw a band."""
    path = " ".join(_places(areas, upper, across, down) + _places(areas, lower, across, down)[::-1])
    return f'<polygon points="{path}" fill="{colour}" fill-opacity="0.16" stroke="none"/>'


def _mark(one: Judged, wanted: float, across: Scale, down: Scale, colour: str) -> "List[str]":
    """Mark where a query has found what was wanted."""
    area = one.curve.area(wanted)
    if not area >= 10.0 ** across.low:
        return []
    return [f'<circle cx="{across(math.log10(area)):.1f}" cy="{down(wanted):.1f}" r="4.5" fill="#fff" '
            f'stroke="{colour}" stroke-width="2"/>']


def _legend(queries: "Sequence[Judged]") -> "List[str]":
    """Name the curves in the upper left, where no curve is before it has found anything."""
    names = [(_short(one.name), COLOURS[number % len(COLOURS)], "") for number, one in enumerate(queries)]
    names.append(("chance", "#555", ' stroke-dasharray="6 4"'))
    body = []
    for row, (name, colour, dash) in enumerate(names):
        y = _TOP + 16 + 18 * row
        body.append(f'<line x1="{_LEFT + 10}" y1="{y - 4:.1f}" x2="{_LEFT + 32}" y2="{y - 4:.1f}" stroke="{colour}" '
                    f'stroke-width="2.2"{dash}/><text x="{_LEFT + 38}" y="{y:.1f}">{escape(name)}</text>')
    return body


def _short(text: str) -> str:
    """Cut a long name."""
    return text if len(text) <= _LETTERS else text[:_LETTERS - 1] + "…"

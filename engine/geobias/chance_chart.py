"""A chart of what chance gives: how often shuffled marks have which score, and where the true one lies."""

from __future__ import annotations

import numpy as np

from ..charts import Scale, svg, ticks
from ..number_text import number_text
from .result import ScoreFigure

_WIDTH, _HEIGHT = 300.0, 190.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 44.0, 14.0, 26.0, 42.0
_BINS = 20
_PALE, _DARK, _MARK = "#a9c3d8", "#1f5a87", "#a03a10"


def chance_chart(figure: ScoreFigure) -> str:
    """Draw the shuffled scores as bars, the true score as a line."""
    values = figure.permuted[np.isfinite(figure.permuted)]
    low, high = float(values.min()), float(values.max())
    room = max(high - low, abs(high) * 1e-6, 1e-12) * 0.04
    edges = np.linspace(low - room, high + room, _BINS + 1)
    counts = np.histogram(values, edges)[0]
    ends = (min(low - room, figure.value), max(high + room, figure.value))
    margin = (ends[1] - ends[0]) * 0.03
    across = Scale(ends[0] - margin, ends[1] + margin, _LEFT, _WIDTH - _RIGHT)
    down = Scale(0.0, float(counts.max()), _HEIGHT - _BOTTOM, _TOP)
    body = []
    for value in ticks(across.low, across.high, 4):
        x = across(value)
        body.append(f'<line x1="{x:.1f}" y1="{_TOP}" x2="{x:.1f}" y2="{_HEIGHT - _BOTTOM}" stroke="#ececec"/>'
                    f'<text x="{x:.1f}" y="{_HEIGHT - _BOTTOM + 15}" font-size="11" text-anchor="middle">'
                    f'{number_text(value, 3)}</text>')
    for value in ticks(0.0, float(counts.max()), 3):
        body.append(f'<text x="{_LEFT - 5}" y="{down(value) + 4:.1f}" font-size="11" text-anchor="end">'
                    f'{number_text(value)}</text>')
    for count, first, last in zip(counts.tolist(), edges[:-1].tolist(), edges[1:].tolist()):
        if count:
            wide = max(across(last) - across(first), 0.8)
            body.append(f'<rect x="{across(first):.1f}" y="{down(count):.1f}" width="{wide:.1f}" '
                        f'height="{_HEIGHT - _BOTTOM - down(count):.1f}" fill="{_PALE}" stroke="{_DARK}" '
                        'stroke-width="0.5"/>')
    x = across(figure.value)
    anchor = "end" if x > _WIDTH / 2 else "start"
    body += [f'<line x1="{_LEFT}" y1="{_HEIGHT - _BOTTOM}" x2="{_WIDTH - _RIGHT}" y2="{_HEIGHT - _BOTTOM}" '
             'stroke="#555"/>',
             f'<line x1="{x:.1f}" y1="{_TOP - 6}" x2="{x:.1f}" y2="{_HEIGHT - _BOTTOM}" stroke="{_MARK}" '
             'stroke-width="2"/>',
             f'<text x="{x + (-5 if anchor == "end" else 5):.1f}" y="{_TOP - 10}" font-size="11" fill="{_MARK}" '
             f'text-anchor="{anchor}">these marks: {number_text(figure.value, 3)}</text>',
             f'<text x="{(_LEFT + _WIDTH - _RIGHT) / 2:.0f}" y="{_HEIGHT - 6}" text-anchor="middle">score '
             f'{figure.score}</text>']
    return svg(body, _HEIGHT, _WIDTH)

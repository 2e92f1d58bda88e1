"""Moran's I of each dimension, as a row of spikes."""

from __future__ import annotations

import math
from typing import Sequence

from ..charts import COLOURS, Scale, svg, ticks
from ..number_text import number_text

_WIDTH, _HEIGHT = 640.0, 200.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 56.0, 10.0, 10.0, 40.0
_WIDEST = 14.0


def dimension_chart(values: "Sequence[float]", chance: float) -> str:
    """Draw a spike a dimension from 0, and what chance would give as a dashed line."""
    known = [value for value in values if math.isfinite(value)]
    down = Scale(min([0.0, *known]) - 0.02, max([1.0, *known]), _HEIGHT - _BOTTOM, _TOP)
    across = Scale(-0.5, len(values) - 0.5, _LEFT, _WIDTH - _RIGHT)
    wide = min(_WIDEST, 0.8 * (_WIDTH - _LEFT - _RIGHT) / max(len(values), 1))
    body = []
    for value in ticks(down.low, down.high):
        body.append(f'<line x1="{_LEFT}" y1="{down(value):.1f}" x2="{_WIDTH - _RIGHT}" y2="{down(value):.1f}" '
                    f'stroke="#e4e4e4"/><text x="{_LEFT - 6}" y="{down(value) + 4:.1f}" text-anchor="end">'
                    f"{number_text(value)}</text>")
    for number, value in enumerate(values):
        if math.isfinite(value):
            top, foot = sorted((down(value), down(0.0)))
            body.append(f'<rect x="{across(number) - wide / 2:.2f}" y="{top:.1f}" width="{wide:.2f}" '
                        f'height="{foot - top:.1f}" fill="{COLOURS[0]}"><title>{number}: '
                        f"{number_text(value, 3)}</title></rect>")
    for value in ticks(0, max(len(values) - 1, 1), 8):
        if value == int(value):
            body.append(f'<text x="{across(value):.1f}" y="{_HEIGHT - _BOTTOM + 16:.0f}" text-anchor="middle">'
                        f"{int(value)}</text>")
    body.append(f'<line x1="{_LEFT}" y1="{down(chance):.1f}" x2="{_WIDTH - _RIGHT}" y2="{down(chance):.1f}" '
                'stroke="#a03a10" stroke-dasharray="6 4"/>')
    body.append(f'<text x="{(_LEFT + _WIDTH - _RIGHT) / 2:.0f}" y="{_HEIGHT - 6:.0f}" text-anchor="middle">dimension'
                f'</text><text transform="translate(14 {(_TOP + _HEIGHT - _BOTTOM) / 2:.0f}) rotate(-90)" '
                'text-anchor="middle">Moran\'s I</text>')
    return svg(body, _HEIGHT, _WIDTH)

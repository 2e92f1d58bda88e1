"""A curve with the band that most rows lie in."""

from __future__ import annotations

from html import escape
from typing import Sequence

from ..charts import COLOURS, scale_of, svg, ticks
from ..number_text import number_text

_WIDTH, _HEIGHT = 560.0, 260.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 100.0, 16.0, 10.0, 46.0


def band_chart(x: "Sequence[float]", mean: "Sequence[float]", low: "Sequence[float]", high: "Sequence[float]",
               x_label: str, y_label: str) -> str:
    """Draw a mean over numbers, and between low and high a band."""
    across = scale_of(x, _LEFT, _WIDTH - _RIGHT)
    down = scale_of([*mean, *low, *high], _HEIGHT - _BOTTOM, _TOP)
    right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    body = [f'<rect x="{_LEFT}" y="{_TOP}" width="{right - _LEFT}" height="{bottom - _TOP}" fill="#fcfcfb" '
            'stroke="#999"/>']
    for value in ticks(down.low, down.high):
        body.append(f'<line x1="{_LEFT}" y1="{down(value):.1f}" x2="{right}" y2="{down(value):.1f}" stroke="#e4e4e4"/>'
                    f'<text x="{_LEFT - 6}" y="{down(value) + 4:.1f}" text-anchor="end">{number_text(value)}</text>')
    for value in ticks(across.low, across.high):
        body.append(f'<text x="{across(value):.1f}" y="{bottom + 17}" text-anchor="middle">{number_text(value)}</text>')
    upper = [f"{across(one):.1f},{down(value):.1f}" for one, value in zip(x, high)]
    lower = [f"{across(one):.1f},{down(value):.1f}" for one, value in zip(x, low)]
    body.append(f'<polygon points="{" ".join(upper + lower[::-1])}" fill="{COLOURS[0]}" fill-opacity="0.18"/>')
    path = " ".join(f"{across(one):.1f},{down(value):.1f}" for one, value in zip(x, mean))
    body.append(f'<polyline points="{path}" fill="none" stroke="{COLOURS[0]}" stroke-width="2"/>')
    body += [f'<circle cx="{across(one):.1f}" cy="{down(value):.1f}" r="3" fill="{COLOURS[0]}">'
             f"<title>{number_text(value)}</title></circle>" for one, value in zip(x, mean)]
    body.append(f'<text x="{(_LEFT + right) / 2:.0f}" y="{_HEIGHT - 8}" text-anchor="middle">{escape(x_label)}</text>'
                f'<text transform="translate(14 {(_TOP + bottom) / 2:.0f}) rotate(-90)" text-anchor="middle">'
                f"{escape(y_label)}</text>")
    return svg(body, _HEIGHT, _WIDTH)

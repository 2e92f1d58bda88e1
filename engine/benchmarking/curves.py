"""Curves over the number of labels, each named at its end, so that no legend covers them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from typing import List, Sequence, Tuple

from ..charts import COLOURS, Scale, scale_of, svg, ticks
from ..number_text import number_text

_WIDTH, _HEIGHT = 640.0, 300.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 62.0, 210.0, 12.0, 46.0
_APART = 15.0
_LEAST = -1.0
_DASHES = ("", "6 3", "2 3")


@dataclass(frozen=True)
class Curve:
    """A candidate's scores, one for each number of labels; NaN where there is none."""

    name: str
    scores: "Tuple[float, ...]"


def curve_chart(counts: "Sequence[int]", curves: "Sequence[Curve]", label: str) -> str:
    """Draw scores over numbers of labels, which are spaced by their ratio; what lies below −1 is drawn at −1."""
    shown = [[max(score, _LEAST) for score in curve.scores] for curve in curves]
    across = scale_of([math.log(count) for count in counts], _LEFT, _WIDTH - _RIGHT)
    down = scale_of([score for scores in shown for score in scores], _HEIGHT - _BOTTOM, _TOP)
    body = _axes(counts, across, down, label)
    ends: "List[Tuple[float, int]]" = []
    for number, scores in enumerate(shown):
        colour, dash = COLOURS[number % len(COLOURS)], _DASHES[number % len(_DASHES)]
        places = [(across(math.log(count)), down(score)) for count, score in zip(counts, scores)
                  if math.isfinite(score)]
        if not places:
            continue
        style = f' stroke-dasharray="{dash}"' if dash else ""
        body.append(f'<polyline points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in places)}" fill="none" '
                    f'stroke="{colour}" stroke-width="2"{style}/>')
        body += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places]
        ends.append((places[-1][1], number))
    for y, number in _apart(ends):
        colour = COLOURS[number % len(COLOURS)]
        body.append(f'<text x="{_WIDTH - _RIGHT + 8:.0f}" y="{y + 4:.1f}" fill="{colour}">'
                    f'{escape(curves[number].name[:30])}</text>')
    return svg(body, _HEIGHT, _WIDTH)


def _axes(counts: "Sequence[int]", across: Scale, down: Scale, label: str) -> "List[str]":
    """Draw the frame with the numbers of labels beneath it."""
    right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    body = [f'<rect x="{_LEFT:.0f}" y="{_TOP:.0f}" width="{right - _LEFT:.0f}" height="{bottom - _TOP:.0f}" '
            'fill="none" stroke="#999"/>']
    for value in ticks(down.low, down.high):
        y = down(value)
        body.append(f'<line x1="{_LEFT:.0f}" y1="{y:.1f}" x2="{right:.0f}" y2="{y:.1f}" stroke="#e4e4e4"/>'
                    f'<text x="{_LEFT - 6:.0f}" y="{y + 4:.1f}" text-anchor="end">{number_text(value)}</text>')
    for count in counts:
        x = across(math.log(count))
        body.append(f'<line x1="{x:.1f}" y1="{bottom:.0f}" x2="{x:.1f}" y2="{bottom + 4:.0f}" stroke="#999"/>'
                    f'<text x="{x:.1f}" y="{bottom + 17:.0f}" text-anchor="middle">{count}</text>')
    body.append(f'<text x="{(_LEFT + right) / 2:.0f}" y="{_HEIGHT - 8:.0f}" text-anchor="middle">labels to learn from'
                f'</text><text transform="translate(14 {(_TOP + bottom) / 2:.0f}) rotate(-90)" text-anchor="middle">'
                f'{escape(label)}</text>')
    return body


def _apart(ends: "Sequence[Tuple[float, int]]") -> "List[Tuple[float, int]]":
    """Move names apart that would lie on each other, downwards, and back up where they would leave the frame."""
    placed: "List[Tuple[float, int]]" = []
    for y, number in sorted(ends):
        placed.append((max(y, placed[-1][0] + _APART) if placed else y, number))
    over = placed[-1][0] - (_HEIGHT - _BOTTOM) if placed else 0.0
    return [(y - max(over, 0.0), number) for y, number in placed]

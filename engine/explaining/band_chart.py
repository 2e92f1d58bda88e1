"""A curve with the band that most rows lie in."""

from __future__ import annotations

from typing import Sequence

from ..charts import COLOURS, Series, frame, svg
from ..number_text import number_text


def band_chart(x: "Sequence[float]", mean: "Sequence[float]", low: "Sequence[float]", high: "Sequence[float]",
               x_label: str, y_label: str) -> str:
    """Draw a mean over numbers, and between low and high a band."""
    series = [Series(name, x, values) for name, values in (("mean", mean), ("low", low), ("high", high))]
    body, across, down = frame(series, x_label, y_label)
    upper = [f"{across(one):.1f},{down(value):.1f}" for one, value in zip(x, high)]
    lower = [f"{across(one):.1f},{down(value):.1f}" for one, value in zip(x, low)]
    body.append(f'<polygon points="{" ".join(upper + lower[::-1])}" fill="{COLOURS[0]}" fill-opacity="0.18"/>')
    path = " ".join(f"{across(one):.1f},{down(value):.1f}" for one, value in zip(x, mean))
    body.append(f'<polyline points="{path}" fill="none" stroke="{COLOURS[0]}" stroke-width="2"/>')
    body += [f'<circle cx="{across(one):.1f}" cy="{down(value):.1f}" r="3" fill="{COLOURS[0]}">'
             f"<title>{number_text(value)}</title></circle>" for one, value in zip(x, mean)]
    return svg(body)

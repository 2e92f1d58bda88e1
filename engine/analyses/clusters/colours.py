"""Colours that tell classes apart, the same for the same number in every result."""

from __future__ import annotations

import colorsys

GREY = (158, 158, 158)
# Alternating in hue and in lightness, so that neighbours in the list differ for colour-blind eyes, too.
_FIRST = (
    (31, 119, 180), (255, 187, 51), (44, 140, 60), (214, 72, 60), (148, 103, 189), (123, 212, 196), (140, 86, 75),
    (240, 152, 200), (188, 200, 50), (20, 60, 110), (255, 127, 14), (152, 223, 138), (120, 20, 60), (174, 199, 232),
    (90, 110, 20), (255, 214, 165), (0, 150, 170), (90, 50, 130), (230, 230, 110), (90, 90, 90))
_GOLDEN = 0.618033988749895


def class_colours(count: int) -> "tuple[tuple[int, int, int], ...]":
    """Return as many colours as asked for: a list made by eye, then steps around the circle of hues."""
    found = list(_FIRST[:count])
    for index in range(len(found), count):
        turn = index - len(_FIRST)
        lightness, saturation = (0.42, 0.62, 0.78, 0.3)[turn % 4], (0.75, 0.6, 0.5)[turn % 3]
        parts = colorsys.hls_to_rgb((0.07 + turn * _GOLDEN) % 1.0, lightness, saturation)
        found.append((round(parts[0] * 255), round(parts[1] * 255), round(parts[2] * 255)))
    return tuple(found)

"""The polygons outside of which nothing is learnt from."""

from __future__ import annotations

from typing import Optional, Tuple

from ...features.outlines import Outlines


def mask_outlines(shapes: "Tuple[bytes, ...]") -> Optional[Outlines]:
    """Return the polygons of a mask, None where there is none."""
    if not shapes:
        return None
    found = Outlines()
    found.add(list(shapes))
    return found

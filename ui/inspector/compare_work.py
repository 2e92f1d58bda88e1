"""What the page of two places asks of the engine: the score between two vectors, and the way between two places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

import numpy as np

from ...engine.geodesy import Ground
from ...engine.inspecting.compare import Compared, Pinned, compare
from .point_work import Found
from .session import Place
from .subject import Subject


@dataclass(frozen=True)
class PinnedVector:
    """A vector that was pinned: of which layer it was, and where."""

    subject: Subject
    found: Found

    @property
    def place(self) -> Place:
        """Return where it is, in the CRS of its layer."""
        return Place(self.found.x, self.found.y, self.subject.crs)


def compared(first: PinnedVector, second: PinnedVector) -> Compared:
    """Compare two pinned vectors, or say in words why they can't be."""
    return compare(_as_engine(first), _as_engine(second))


def metres_between(first: PinnedVector, second: PinnedVector) -> Optional[float]:
    """Return how far two places are apart, None where that can't be said."""
    grounds = [Ground(one.subject.crs.toWkt()) for one in (first, second)]
    if grounds[0].planar != grounds[1].planar:
        return None
    ends = [ground.places(np.array([[one.found.x, one.found.y]]))[0]
            for ground, one in zip(grounds, (first, second))]
    metres = float(grounds[0].distance(ends[0], ends[1]))
    return metres if np.isfinite(metres) else None


def _as_engine(pinned: PinnedVector) -> Pinned:
    """Return a pinned vector as the engine takes it."""
    name = "{} of “{}”".format(pinned.found.title.lower(), pinned.subject.name)
    return Pinned(name, pinned.subject.key, pinned.found.vector)

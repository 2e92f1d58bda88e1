"""What the page of two places asks of the engine: the score between two vectors, and the way between two places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from ...engine.inspecting.compare import Compared, Pinned, compare, metres_apart
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
    return metres_apart(*((one.found.x, one.found.y, one.subject.crs.toWkt()) for one in (first, second)))


def _as_engine(pinned: PinnedVector) -> Pinned:
    """Return a pinned vector as the engine takes it."""
    name = "{} of “{}”".format(pinned.found.title.lower(), pinned.subject.name)
    return Pinned(name, pinned.subject.key, pinned.found.vector)

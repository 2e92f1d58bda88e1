"""Reads photos ahead of their use, some at a time in threads, and turns whatever is wrong with one into a reason."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Deque, Iterable, Iterator, Optional

from ..errors import EarthprintError
from .finding import FoundPhoto
from .pixels import Photo, read_photo

_MOST_THREADS = 4
_AHEAD = 3


@dataclass(frozen=True)
class ReadPhoto:
    """A photo that was found, and its pixels or the reason why there are none."""

    found: FoundPhoto
    photo: Optional[Photo]
    reason: str = ""

    @property
    def place(self) -> "Optional[tuple[float, float]]":
        """Return longitude and latitude: the row's, else the camera's."""
        if self.found.place is not None or self.photo is None:
            return self.found.place
        facts = self.photo.facts
        if facts.longitude is None or facts.latitude is None:
            return None
        return facts.longitude, facts.latitude


def read_all(photos: "Iterable[FoundPhoto]", side: int) -> "Iterator[ReadPhoto]":
    """Yield the photos in their order, while the next ones are read."""
    threads = max(1, min(_MOST_THREADS, os.cpu_count() or 1))
    pool = ThreadPoolExecutor(threads, thread_name_prefix="earthprint-photos")
    waiting: "Deque[Future[ReadPhoto]]" = deque()
    try:
        for found in photos:
            waiting.append(pool.submit(read_one, found, side))
            if len(waiting) >= _AHEAD * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def read_one(found: FoundPhoto, side: int) -> ReadPhoto:
    """Read one photo; nothing that a photo can be stops the run."""
    if found.source is None:
        return ReadPhoto(found, None, "the row has no photo")
    try:
        return ReadPhoto(found, read_photo(found.source, side))
    except EarthprintError as error:
        return ReadPhoto(found, None, str(error))
    except MemoryError:
        return ReadPhoto(found, None, "it doesn't fit into memory")
    except (RuntimeError, ValueError, OSError) as error:
        return ReadPhoto(found, None, f"it can't be decoded ({error})")

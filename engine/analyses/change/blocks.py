"""What is done to a block: pure functions of the dates' blocks and plain parameters."""

from __future__ import annotations

from typing import Any, Sequence

import numpy as np

from ...dataset import open_raster, read
from ...field_pass import FieldBlock
from ...grid import Window
from .direction import Direction
from .history import History
from .measures import Measure, unit
from .tolerance import tolerant_distance

_HISTORY_CHUNK = 4096


def pair_block(blocks: "Sequence[FieldBlock]", window: Window, **parameters: Any) -> "list[np.ndarray]":
    """Return the distances between two dates."""
    measure: Measure = parameters["measure"]
    tolerance: int = parameters["tolerance"]
    before, after = blocks
    if tolerance:
        found = tolerant_distance(before.vectors(), after.vectors(), measure, tolerance)
        left, top = window.x - before.window.x, window.y - before.window.y
        return [found[None, top:top + window.height, left:left + window.width]]
    found = np.empty(window.width * window.height, dtype=np.float32)
    for (part, one), (_, two) in zip(before.chunks(), after.chunks()):
        found[part] = measure.distance(*measure.mapped(one, two))
    return [found.reshape(1, *before.shape)]


def history_block(blocks: "Sequence[FieldBlock]", window: Window, **parameters: Any) -> "list[np.ndarray]":
    """Return the largest score of any date, which date that is (from 1), and each date's score."""
    history: History = parameters["history"]
    found = np.empty((len(blocks) + 2, window.width * window.height), dtype=np.float32)
    for pieces in zip(*(block.chunks(_HISTORY_CHUNK) for block in blocks)):
        part = pieces[0][0]
        distances, _ = history.distances([values for _, values in pieces])
        scores = history.scores(distances)
        place, largest = odd_date(scores)
        found[0, part] = largest
        found[1, part] = np.where(np.isfinite(largest), place + 1, np.nan)
        found[2:, part] = scores
    return [found.reshape(-1, *blocks[0].shape)]


def odd_date(scores: np.ndarray) -> "tuple[np.ndarray, np.ndarray]":
    """Return which date `(dates, n)` stands out most, and its score; NaN where no date has one."""
    place = np.where(np.isfinite(scores), scores, -np.inf).argmax(axis=0)
    return place, np.take_along_axis(scores, place[None], axis=0)[0]


def direction_block(blocks: "Sequence[FieldBlock]", window: Window, **parameters: Any) -> "list[np.ndarray]":
    """Return the colours of the differences, 0 where nothing changed."""
    direction: Direction = parameters["direction"]
    place = Window(window.x - parameters["left"], window.y - parameters["top"], window.width, window.height)
    marks = read(open_raster(parameters["mask"]), place, [1], np.dtype("u1"), parameters["mask"])[0].ravel()
    found = np.zeros((3, window.width * window.height), dtype=np.uint8)
    for pieces in zip(*(block.chunks(_HISTORY_CHUNK) for block in blocks)):
        part = pieces[0][0]
        changed = np.flatnonzero(marks[part] == parameters["code"])
        if len(changed):
            apart = differences_of([values[:, changed] for _, values in pieces], parameters["how"])
            found[:, part.start + changed] = direction.colours(apart)
    return [found.reshape(3, *blocks[0].shape)]


def differences_of(dates: "Sequence[np.ndarray]", how: "Measure | History") -> np.ndarray:
    """Return what changed `(dims, n)`: the later less the earlier, or the odd date less its medoid."""
    if isinstance(how, Measure):
        return how.difference(*how.mapped(*dates))
    distances, medoid = how.distances(dates)
    place, _ = odd_date(how.scores(distances))
    stacked = np.stack(list(dates))
    odd = np.take_along_axis(stacked, place[None, None], axis=0)[0]
    usual = np.take_along_axis(medoid, place[None], axis=0)
    usual = np.take_along_axis(stacked, usual[:, None], axis=0)[0]
    return unit(odd) - unit(usual) if how.angular else odd - usual

"""Runs an encoder on plausible tiles before anybody relies on it: what comes out, and how far a vector can see."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Callable, Optional, Tuple

import numpy as np

from ..card import Card
from ..errors import ModelError
from ..progress import Progress, check
from .encoder import Encoder
from .inputs import TileBatch, build_feeds
from .session import Session

NORM_TOLERANCE = 1e-3
BATCH_TOLERANCE = 1e-2
PHASES = 4
_MOMENT = datetime.datetime(2023, 6, 15, 10, 30, tzinfo=datetime.timezone.utc)


@dataclass(frozen=True)
class TrialResult:
    """What a trial showed of an encoder's vectors; `warnings` are sentences for the user."""

    unit_norm: bool
    warnings: "Tuple[str, ...]"


def plausible_tiles(card: Card, count: int, size: int, seed: int = 0) -> TileBatch:
    """Return tiles of smooth noise around the values that the card's normalisation centres on."""
    rng = np.random.default_rng(seed)
    bands, dates = len(card.bands), max(card.dates, 1)
    noise = rng.standard_normal((count, dates, bands, size, size)).astype(np.float32)
    for axis in (3, 4):
        noise = (noise + np.roll(noise, 1, axis) + np.roll(noise, 2, axis)) / np.float32(np.sqrt(3))
    middle = np.broadcast_to(np.asarray(card.scaling.shift, np.float32), (bands,)).copy()
    spread = np.broadcast_to(np.abs(np.asarray(card.scaling.divisor, np.float32)), (bands,)).copy()
    if card.scaling.clip_before is not None and np.isfinite(card.scaling.clip_before).all():
        low, high = card.scaling.clip_before
        middle[:], spread[:] = (low + high) / 2, (high - low) / 4
    for number, band in enumerate(card.bands):
        if band.valid_min is not None and band.valid_max is not None:
            width = band.valid_max - band.valid_min
            if not band.valid_min < middle[number] < band.valid_max or spread[number] > width:
                middle[number], spread[number] = band.valid_min + 0.3 * width, 0.1 * width
    values = middle[:, None, None] + spread[:, None, None] * noise / 2
    for number, band in enumerate(card.bands):
        if band.valid_min is not None or band.valid_max is not None:
            np.clip(values[:, :, number], band.valid_min, band.valid_max, out=values[:, :, number])
    moments = tuple(_MOMENT + datetime.timedelta(days=20 * number) for number in range(dates))
    return TileBatch(
        values=values.astype(np.float32), valid=np.ones((count, size, size), dtype=bool),
        longitude=np.full(count, 12.4), latitude=np.full(count, 51.3), dates=moments, gsd_m=_gsd(card))


def raw_output(card: Card, session: Session, tiles: TileBatch, output: str) -> np.ndarray:
    """Run the graph itself on tiles, normalised by the card, before anything is known of its output."""
    encoder = Encoder(card, session)
    prepared = encoder.prepare(tiles)
    if card.batch:
        prepared = prepared.padded(card.batch)
    return np.asarray(session.run(build_feeds(card, prepared), [output])[0])


def try_encoder(card: Card, session: Session, size: int, progress: Progress) -> TrialResult:
    """Encode two plausible tiles; raise if what comes out isn't what the card says, or means nothing."""
    encoder = Encoder(card, session)
    tiles = plausible_tiles(card, 2, size)
    check(progress)
    first = encoder.encode(tiles.part(0, 1))
    check(progress)
    vectors = first.reshape(-1, first.shape[-1])
    if vectors.shape[-1] != card.output_dimensions:
        raise ModelError("trial-dimensions", "The encoder {encoder} returned vectors of {found} numbers, but its card "
                         "says {wanted}: correct the card.", encoder=card.id, found=vectors.shape[-1],
                         wanted=card.output_dimensions)
    if not np.isfinite(vectors).all():
        raise ModelError("trial-nan", "The encoder {encoder} returned no finite vectors for plausible pixels: check "
                         "the normalisation in its card, or export it again.", encoder=card.id)
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
    unit = bool(np.abs(lengths - 1).max() < NORM_TOLERANCE)
    if card.unit_norm and not unit:
        raise ModelError("trial-norm", "The card of {encoder} says that its vectors have length 1, but they have "
                         "lengths of {low} to {high}: correct earthprint.unit_norm.", encoder=card.id,
                         low=f"{lengths.min():.3g}", high=f"{lengths.max():.3g}")
    return TrialResult(unit, tuple(_warnings(encoder, tiles, first)))


def measure_context(card: Card, session: Session, size: int, progress: Progress) -> Optional[int]:
    """Return how far beyond its own cell a vector of a map still sees, in pixels; None if to the edge of the tile.

    Everything on one side of a line through the middle of a tile is changed, as it is beyond a tile's edge; cells
    whose vectors change see across. A single pixel would do too little to show in the last digits of a deep network.
    """
    encoder = Encoder(card, session)
    tiles = plausible_tiles(card, 1, size)
    before = encoder.encode(tiles)[0]
    count = before.shape[0]
    step = max(1, -(-card.stride // PHASES))
    centre = card.halo + (count // 2) * card.stride
    reach = 0
    for phase in sorted({*range(0, card.stride, step), card.stride - 1}):
        for across in (False, True):
            for behind in (False, True):
                check(progress)
                changed = _changed(encoder, tiles, before, centre + phase, across, behind)
                if changed is None:
                    continue
                if changed in (0, count - 1):
                    return None
                first = card.halo + changed * card.stride
                reach = max(reach, first - (centre + phase) if behind else
                            centre + phase - (first + card.stride - 1))
    return reach + step - 1


def stride_and_halo(count: "Callable[[int], int]", size: int, stride: int = 0) -> "Optional[tuple[int, int]]":
    """Find stride and halo of a map whose tiles may have any size; `count` tells how many cells a side gives.

    A `stride` that is known is tried first, since some graphs take nothing but its multiples. None where the map
    doesn't grow evenly with its tile, or its cells would lie half a pixel off.
    """
    if stride and all(_count_or_none(count, cells * stride) == cells for cells in (size // stride, size // stride + 1)):
        return stride, 0
    cells = _count_or_none(count, size)
    if cells < 1:
        return None
    smallest = _smallest(count, cells, size)
    stride = _smallest(count, cells + 1, 2 * size) - smallest
    even = all(_count_or_none(count, smallest + steps * stride - less) == cells + steps - less
               for steps in (1, 3) for less in (0, 1))
    surplus = smallest - cells * stride
    if not even:
        return None
    if surplus <= 0:
        return (stride, 0) if _count_or_none(count, cells * stride) == cells else None
    return None if surplus % 2 else (stride, surplus // 2)


def _smallest(count: "Callable[[int], int]", cells: int, largest: int) -> int:
    """Return the smallest tile that gives so many cells a side."""
    lowest = 1
    while lowest < largest:
        middle = (lowest + largest) // 2
        if _count_or_none(count, middle) < cells:
            lowest = middle + 1
        else:
            largest = middle
    return lowest


def _count_or_none(count: "Callable[[int], int]", size: int) -> int:
    """Count cells where the graph accepts the size; too small an input gives none."""
    try:
        return count(size)
    except ModelError:
        return 0


def _changed(encoder: Encoder, tiles: TileBatch, before: np.ndarray, place: int, across: bool,
             behind: bool) -> Optional[int]:
    """Return the farthest row (or column) of cells whose vectors change with all pixels on one side of a line.

    The side begins with the line itself and lies behind it (above, left) or beyond it (below, right).
    """
    other = plausible_tiles(encoder.card, 1, tiles.size[0], seed=1).values
    spread = np.abs(tiles.values).max(axis=(0, 1, 3, 4), keepdims=True) + 1
    part = slice(None, place + 1) if behind else slice(place, None)
    selected = (..., part) if across else (..., part, slice(None))
    values = tiles.values.copy()
    values[selected] = (other + spread.astype(np.float32))[selected]
    cells = encoder.encode(TileBatch(values, tiles.valid, tiles.longitude, tiles.latitude, tiles.dates, tiles.gsd_m))[0]
    lines = np.nonzero((cells != before).any(axis=-1).any(axis=0 if across else 1))[0]
    if not len(lines):
        return None
    return int(lines.max() if behind else lines.min())


def _warnings(encoder: Encoder, tiles: TileBatch, first: np.ndarray) -> "list[str]":
    """Return what the user should know though it is no reason to refuse."""
    found = []
    second = encoder.encode(tiles.part(1, 2))
    if np.allclose(first, second, rtol=1e-6, atol=0):
        found.append("Two different tiles got the same vectors: the encoder ignores its image, or its normalisation is "
                     "far off.")
    if encoder.card.batch == 0:
        both = encoder.encode(tiles)
        scale = float(np.abs(both).max()) or 1.0
        if np.abs(both - np.concatenate([first, second])).max() > BATCH_TOLERANCE * scale:
            found.append("The vectors of a tile depend on the other tiles of its batch: embed with a batch of 1.")
    return found


def _gsd(card: Card) -> float:
    """Return a pixel size in the card's range."""
    if card.gsd_range is None:
        return 10.0
    return float(min(max(10.0, card.gsd_range[0]), card.gsd_range[1]))

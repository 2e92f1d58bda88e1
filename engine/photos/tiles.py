"""Fits photos to an encoder: the size of its tiles, the order and range of its bands, and one vector a photo."""

from __future__ import annotations

from typing import Tuple

import numpy as np

from ..card import CHIP, Card
from ..errors import InputError

SIDE = 224
_COLOURS = ("red", "green", "blue")
_FULL = 255.0


def side_for(card: Card, size: int) -> int:
    """Return the side of the square that an encoder takes, near the one asked for."""
    if card.tile:
        if size and size != card.tile:
            raise InputError("photo-size", "The encoder {encoder} takes squares of {tile} pixels only: set SIZE to 0.",
                             encoder=card.id, tile=card.tile)
        return card.tile
    if card.kind == CHIP:
        return size or card.suggested_tile or SIDE
    cells = max(1, ((size or SIDE) - 2 * card.halo) // card.stride)
    return cells * card.stride + 2 * card.halo


def colour_order(card: Card) -> "Tuple[int, ...]":
    """Return which of red, green and blue each band of an encoder is, or say that it is none for photos."""
    if card.dates != 1 or len(card.bands) != len(_COLOURS):
        names = ", ".join(band.name for band in card.bands[:6]) + (", …" if len(card.bands) > 6 else "")
        raise InputError("photo-bands", "The encoder {encoder} takes {count} bands ({names}), but photos have red, "
                         "green and blue: choose an encoder for photos.", encoder=card.id, count=len(card.bands),
                         names=names)
    order = [next((number for number, colour in enumerate(_COLOURS)
                   if (band.common_name or band.name).lower() in (colour, colour[0])), -1) for band in card.bands]
    return tuple(order) if sorted(order) == [0, 1, 2] else (0, 1, 2)


def brightness(card: Card) -> float:
    """Return what an encoder calls white: 255, or 1 where its card speaks of numbers from 0 to 1."""
    stated = [band.valid_max for band in card.bands]
    if all(value is not None for value in stated):
        return 1.0 if max(value for value in stated if value is not None) <= 1.0 else _FULL
    if not card.scaling.is_identity and max(card.scaling.shift) <= 1.0 and max(card.scaling.divisor) <= 1.0:
        return 1.0
    return _FULL


def one_vector(cells: np.ndarray, card: Card) -> np.ndarray:
    """Return the mean `(photos, dims)` of the vectors `(photos, rows, cols, dims)`, of length one where that is so."""
    vectors = cells.reshape(len(cells), -1, cells.shape[-1]).mean(axis=1, dtype=np.float64)
    if card.unit_norm:
        length = np.linalg.norm(vectors, axis=1, keepdims=True)
        vectors = vectors / np.where(length > 0, length, np.nan)
    return vectors.astype(np.float32)

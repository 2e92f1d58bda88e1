"""Turns the output of any graph into vectors of cells, whatever the order of its axes."""

from __future__ import annotations

from math import isqrt
from typing import List, Optional, Sequence, Tuple

import numpy as np

from ..card import Card, ModelOutput
from ..errors import CardError, ModelError
from .session import shape_text

AXES = ("batch", "time", "height", "width", "token", "embedding")
POOLINGS = ("none", "cls", "mean", "max")
DATE_POOLINGS = ("mean", "max", "first", "last")


def to_cells(output: np.ndarray, model_output: ModelOutput, card: Card,
             size: Optional[Tuple[int, int]] = None) -> np.ndarray:
    """Arrange an output as float32 `(batch, rows, cols, dims)`; `size` is the input's height and width in pixels."""
    _check_declaration(model_output, card)
    _check_shape(output, model_output, card)
    present = [axis for axis in AXES if axis in model_output.dim_order]
    array = np.transpose(output, [model_output.dim_order.index(axis) for axis in present])
    if array.dtype != np.float32:
        array = array.astype(np.float32)
    if "batch" not in present:
        array = array[None]
    if "token" in present:
        return _from_tokens(array, "time" in present, card, size, model_output)
    if "height" in present:
        return _from_map(array, "time" in present, card, size, model_output)
    return _one_cell(array, "time" in present, card, size, model_output)


def expected_cells(card: Card, size: Optional[Tuple[int, int]]) -> Optional[Tuple[int, int]]:
    """Return how many rows and columns of vectors an input of this size must give, or None if nothing is known."""
    if size is None:
        if card.tile <= 0:
            return None
        size = (card.tile, card.tile)
    if card.kind == "chip":
        return 1, 1
    rows, cols = ((length - 2 * card.halo) // card.stride for length in size)
    return rows, cols


def _from_map(array: np.ndarray, dated: bool, card: Card, size: Optional[Tuple[int, int]],
              declared: ModelOutput) -> np.ndarray:
    """Take a feature map `(batch, [time], rows, cols, dims)`."""
    if dated:
        array = _pool_dates(array, 1, card)
    if card.pooling == "mean":
        return _one_cell(array.mean(axis=(1, 2), dtype=np.float32), False, card, size, declared)
    if card.pooling == "max":
        return _one_cell(array.max(axis=(1, 2)), False, card, size, declared)
    if card.pooling == "cls":
        raise CardError("pooling-map", "The card of {encoder} says pooling cls, but its output {output} is a map "
                        "without a class token: use mean, max or none.", encoder=card.id, output=declared.name)
    expected = expected_cells(card, size)
    if expected is not None and array.shape[1:3] != expected:
        raise ModelError(
            "map-size", "The encoder {encoder} returned {found} vectors for a tile, but by its card (kind {kind}, "
            "stride {stride}, halo {halo}) it should be {expected}: correct the card.", encoder=card.id, kind=card.kind,
            stride=card.stride, halo=card.halo, found=shape_text(array.shape[1:3]), expected=shape_text(expected))
    return array


def _from_tokens(array: np.ndarray, dated: bool, card: Card, size: Optional[Tuple[int, int]],
                 declared: ModelOutput) -> np.ndarray:
    """Take tokens `(batch, [time], tokens, dims)`: class token and registers first, then the grid, dates outermost."""
    count = array.shape[-2]
    if card.pooling == "cls":
        return _one_cell(array[..., 0, :], dated, card, size, declared)
    if count <= card.tokens_drop:
        raise ModelError("tokens-few", "The encoder {encoder} returned {count} tokens, but its card says that the "
                         "first {drop} are to be dropped: correct the card.", encoder=card.id, count=count,
                         drop=card.tokens_drop)
    patches = array[..., card.tokens_drop:, :]
    if card.pooling == "mean":
        return _one_cell(patches.mean(axis=-2, dtype=np.float32), dated, card, size, declared)
    if card.pooling == "max":
        return _one_cell(patches.max(axis=-2), dated, card, size, declared)
    if dated:
        patches = _pool_dates(patches, 1, card)
    rows, cols, dates = _token_grid(patches.shape[1], dated, card, size, declared)
    grid = patches.reshape(len(patches), dates, rows, cols, patches.shape[-1])
    return _pool_dates(grid, 1, card) if dates > 1 else grid[:, 0]


def _one_cell(array: np.ndarray, dated: bool, card: Card, size: Optional[Tuple[int, int]],
              declared: ModelOutput) -> np.ndarray:
    """Take one vector a tile, `(batch, [time], dims)`, which only stands for a tile of one cell."""
    expected = expected_cells(card, size)
    if expected not in (None, (1, 1)):
        raise ModelError(
            "one-vector", "The encoder {encoder} gives one vector for a tile (output {output}, pooling {pooling}), but "
            "its card (kind {kind}, stride {stride}) speaks of {expected}: correct the kind, the stride or the pooling "
            "in the card.", encoder=card.id, output=declared.name, pooling=card.pooling, kind=card.kind,
            stride=card.stride, expected=shape_text(expected or ()))
    return (_pool_dates(array, 1, card) if dated else array)[:, None, None, :]


def _token_grid(count: int, pooled: bool, card: Card, size: Optional[Tuple[int, int]],
                declared: ModelOutput) -> Tuple[int, int, int]:
    """Find rows, columns and dates of a run of patch tokens."""
    choices = [1] if pooled or card.dates == 1 else [card.dates, 1]
    expected = expected_cells(card, size)
    for dates in choices:
        if count % dates:
            continue
        cells = count // dates
        if expected is not None:
            if cells == expected[0] * expected[1]:
                return expected[0], expected[1], dates
        elif isqrt(cells) ** 2 == cells:
            return isqrt(cells), isqrt(cells), dates
    wanted = "a square number" if expected is None else "{} rows of {}".format(*expected)
    raise ModelError(
        "token-count", "The encoder {encoder} returned {found} tokens in {output}, of which its card drops {drop}; the "
        "other {count} are not {wanted} (kind {kind}, stride {stride}, dates {dates}): correct tokens_drop, the "
        "stride or the pooling in the card.", encoder=card.id, output=declared.name, found=count + card.tokens_drop,
        drop=card.tokens_drop, count=count, wanted=wanted, kind=card.kind, stride=card.stride, dates=card.dates)


def _pool_dates(array: np.ndarray, axis: int, card: Card) -> np.ndarray:
    """Make one vector of those of several dates."""
    if card.date_pooling == "mean":
        return array.mean(axis=axis, dtype=np.float32)
    if card.date_pooling == "max":
        return array.max(axis=axis)
    return array.take(0 if card.date_pooling == "first" else array.shape[axis] - 1, axis=axis)


def _check_declaration(declared: ModelOutput, card: Card) -> None:
    """Refuse a card whose output can't be read as vectors of cells."""
    order = declared.dim_order
    unknown = [axis for axis in order if axis not in AXES]
    wrong = (unknown or "embedding" not in order or len(set(order)) != len(order)
             or ("height" in order) != ("width" in order) or ("token" in order and "height" in order))
    if wrong:
        raise CardError(
            "output-axes", "The card of {encoder} names the axes {order} for its output {output}: use embedding, with "
            "batch, time, and token or height and width where there are such axes.", encoder=card.id,
            order=", ".join(order), output=declared.name)
    if card.pooling not in POOLINGS:
        raise CardError("pooling-unknown", "The card of {encoder} says pooling {pooling}: use "
                        "{known}.", encoder=card.id,
                        pooling=card.pooling, known=", ".join(POOLINGS))
    if card.date_pooling not in DATE_POOLINGS:
        raise CardError("date-pooling-unknown", "The card of {encoder} says date pooling {pooling}: use {known}.",
                        encoder=card.id, pooling=card.date_pooling, known=", ".join(DATE_POOLINGS))


def _check_shape(output: np.ndarray, declared: ModelOutput, card: Card) -> None:
    """Compare an output with the shape its card declares."""
    wanted = _declared_shape(declared, card)
    agrees = output.ndim == len(wanted) and all(want in (-1, have) for have, want in zip(output.shape, wanted))
    if not agrees:
        raise ModelError(
            "output-shape", "The encoder {encoder} returned {found} in {output}, but its card says {expected} "
            "({order}): correct the card.", encoder=card.id, found=shape_text(output.shape), output=declared.name,
            expected=shape_text(wanted), order=", ".join(declared.dim_order))


def _declared_shape(declared: ModelOutput, card: Card) -> List[int]:
    """Return the shape as far as the card fixes it; the batch may be any, since batches are cut to measure."""
    shape: Sequence[int] = declared.shape if len(declared.shape) == len(declared.dim_order) else (-1,) * len(
        declared.dim_order)
    wanted = []
    for axis, size in zip(declared.dim_order, shape):
        if axis == "embedding":
            size = card.dimensions
        elif axis == "batch":
            size = -1
        wanted.append(size)
    return wanted

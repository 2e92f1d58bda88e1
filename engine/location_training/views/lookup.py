"""The continuous look-up of a field at any place: a linear layer over the cells about it, blended by opposite areas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...field import Field
from ...progress import Part, Progress
from .corners import CORNERS, NOWHERE, Corners, corners_of, positions_on
from .surroundings import TAPS, Surroundings, around, read_surroundings

_CENTRE = TAPS // 2


@dataclass(frozen=True)
class LookUpPlan:
    """Everything a look-up gathers, as plain arrays: what is learnt is the layer alone.

    `vectors` `(m + 1, D)` are the cells in use, standardised, and a row of zeros for whatever is missing about one;
    `taps` `(u, 9)` rows of it about each cell that a place leans on; `corners` `(n, 4)` rows of `taps`; `offsets` and
    `shares` as of `Corners`, shares renormalised over the cells that have a value; `found` `(n,)` tells the places
    that have any. Multiplied with `scale` and moved by `middle`, the vectors are those of the field.
    """

    vectors: np.ndarray
    taps: np.ndarray
    corners: np.ndarray
    offsets: np.ndarray
    shares: np.ndarray
    found: np.ndarray
    middle: np.ndarray
    scale: np.ndarray

    @property
    def dimensions(self) -> int:
        """Return the length of a vector."""
        return self.vectors.shape[1]


@dataclass(frozen=True)
class LookUpLayer:
    """The layer: `weight` `(D, 9 D + 2)`, 3 x 3 cells of each dimension in turn, then the offset; and `bias` `(D,)`."""

    weight: np.ndarray
    bias: np.ndarray

    def apply(self, plan: LookUpPlan, rows: np.ndarray) -> np.ndarray:
        """Return the look-ups `(k, D)` of some places: one convolution at the cells in use and four gathers."""
        dimensions = plan.dimensions
        used, back = np.unique(plan.corners[rows], return_inverse=True)
        about = plan.vectors[plan.taps[used]].transpose(0, 2, 1).reshape(len(used), dimensions * TAPS)
        convolved = about @ self.weight[:, :-2].T + self.bias
        parts = convolved[back.reshape(len(rows), CORNERS)] + plan.offsets[rows] @ self.weight[:, -2:].T
        return (parts * plan.shares[rows][:, :, None]).sum(axis=1)


def bilinear_layer(dimensions: int) -> LookUpLayer:
    """Return the layer that samples bilinearly: what a training begins with."""
    weight = np.zeros((dimensions, TAPS * dimensions + 2))
    each = np.arange(dimensions)
    weight[each, TAPS * each + _CENTRE] = 1.0
    return LookUpLayer(weight, np.zeros(dimensions))


def plan_look_up(opened: Field, places: np.ndarray, memory_mib: int, progress: Progress) -> LookUpPlan:
    """Read what a look-up at places (longitude and latitude) needs, and nothing else of the field."""
    grid = opened.info.grid
    corners = corners_of(positions_on(places, grid), grid)
    cells = np.unique(corners.cells)
    cells = cells[cells != NOWHERE]
    about = around(cells, grid)
    read = read_surroundings(opened, about, memory_mib, Part(progress, 0.0, 1.0))
    return _plan(corners, cells, about, read)


def _plan(corners: Corners, cells: np.ndarray, about: np.ndarray, read: Surroundings) -> LookUpPlan:
    """Lay out what was read."""
    empty = len(read.numbers)
    taps = read.rows(about)
    valued = read.rows(corners.cells) < empty
    shares = np.where(valued, corners.shares, 0.0)
    total = shares.sum(axis=1)
    # A place in the very middle of a cell without a value has neighbours of weight 0 only: it has no look-up.
    found = total > 1e-9
    shares = np.divide(shares, total[:, None], out=np.zeros_like(shares), where=found[:, None])
    where = np.searchsorted(cells, corners.cells) if len(cells) else np.zeros_like(corners.cells)
    vectors, middle, scale = _standardised(read.vectors)
    return LookUpPlan(vectors, taps, np.where(valued, where, 0), corners.offsets, shares, found, middle, scale)


def _standardised(vectors: np.ndarray) -> "tuple[np.ndarray, np.ndarray, np.ndarray]":
    """Return vectors of mean 0 and spread 1 with a row of zeros beneath, so that what is missing is the average."""
    there = np.isfinite(vectors).all(axis=1)
    middle = np.zeros(vectors.shape[1])
    scale = np.ones(vectors.shape[1])
    if there.any():
        known = vectors[there].astype(np.float64)
        middle, scale = known.mean(axis=0), known.std(axis=0)
        scale[scale <= 1e-12 * np.maximum(np.abs(middle), 1e-30)] = 1.0
    found = np.zeros((len(vectors) + 1, vectors.shape[1]), dtype=np.float32)
    found[:-1][there] = (vectors[there] - middle) / scale
    return found, middle, scale


def look_up(torch: Any, layer: "TorchLayer", tensors: "LookUpTensors", rows: Any) -> Any:
    """Return the look-ups of some places, as `LookUpLayer.apply` does, with a layer that learns."""
    used, back = torch.unique(tensors.corners[rows], return_inverse=True)
    about = tensors.vectors[tensors.taps[used]].transpose(1, 2).reshape(len(used), -1)
    weight = layer.weight
    convolved = torch.nn.functional.linear(about, weight[:, :-2], layer.bias)
    parts = convolved[back] + tensors.offsets[rows] @ weight[:, -2:].T
    return (parts * tensors.shares[rows].unsqueeze(-1)).sum(dim=1)


@dataclass(frozen=True)
class LookUpTensors:
    """A plan on the device where the layer learns."""

    vectors: Any
    taps: Any
    corners: Any
    offsets: Any
    shares: Any


def tensors_of(torch: Any, plan: LookUpPlan, device: Any) -> LookUpTensors:
    """Bring a plan to a device."""
    return LookUpTensors(*(torch.as_tensor(array, dtype=kind, device=device) for array, kind in (
        (plan.vectors, torch.float32), (plan.taps, torch.int64), (plan.corners, torch.int64),
        (plan.offsets, torch.float32), (plan.shares, torch.float32))))


@dataclass(frozen=True)
class TorchLayer:
    """A linear layer that learns; made without torch's own random numbers, which belong to the whole process."""

    weight: Any
    bias: Any


def torch_layer(torch: Any, weight: np.ndarray, bias: np.ndarray, device: Any) -> TorchLayer:
    """Return a layer that begins with these numbers."""
    return TorchLayer(*(torch.as_tensor(np.array(array), dtype=torch.float32, device=device).requires_grad_(True)
                        for array in (weight, bias)))

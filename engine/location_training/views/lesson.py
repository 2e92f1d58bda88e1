"""One training of three views: what is learnt beside the encoder, and the loss that pulls the three together."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, List, Optional

import numpy as np

from .contrast import both_ways, contrast
from .lookup import LookUpPlan, TorchLayer, bilinear_layer, look_up, tensors_of, torch_layer

QUEUE = 4096
# Softer to begin with than the 0.07 of large batches: with hundreds of photos that is too sure of itself too soon.
_FIRST_SCALE = math.log(1 / 0.2)
_MOST_SCALE = math.log(100.0)


@dataclass(frozen=True, eq=False)
class Views:
    """The rows of a training: `photos` `(n, P)`, what the field is looked up from, and a number for each place."""

    photos: np.ndarray
    field: LookUpPlan
    same: np.ndarray


class ViewsLesson:
    """Aligns the encoder's vectors with photos and with the field under them; both get a linear layer each.

    A queue of vectors that the encoder gave for earlier batches adds wrong answers when a place is looked for. They
    are a few steps old, which a small learning rate forgives, and held-out rows are judged without them. It begins
    anew with every pass over the rows, so that a training that was interrupted between two of them goes on as it would
    have.
    """

    def __init__(self, torch: Any, views: Views, rows: np.ndarray, dimensions: int, seed: int, device: Any) -> None:
        """Fit what is fitted to these rows, and begin with bilinear sampling and random projections."""
        self._torch, self._device = torch, device
        self._own = np.zeros(len(views.photos), dtype=bool)
        self._own[rows] = True
        photos = views.photos.astype(np.float64)
        self._middle, spread = photos[rows].mean(axis=0), photos[rows].std(axis=0)
        self._spread = np.where(spread > 1e-12, spread, 1.0)
        self._photos = torch.as_tensor(self.standard(photos), dtype=torch.float32, device=device)
        self._same = torch.as_tensor(views.same, device=device)
        self._field = tensors_of(torch, views.field, device)
        chance = np.random.default_rng([seed, 3])
        start = bilinear_layer(views.field.dimensions)
        self._look = torch_layer(torch, start.weight, start.bias, device)
        self._of_field = self._projection(views.field.dimensions, dimensions, chance)
        self._of_photo = self._projection(photos.shape[1], dimensions, chance)
        self._scale = torch.tensor(_FIRST_SCALE, dtype=torch.float32, device=device, requires_grad=True)
        self.parameters: "List[Any]" = [
            self._scale, *(part for layer in (self._look, self._of_field, self._of_photo)
                           for part in (layer.weight, layer.bias))]
        self._passed = np.zeros(len(views.photos), dtype=bool)
        self._queue: "Optional[Any]" = None
        self._queued: "Optional[Any]" = None

    def standard(self, photos: np.ndarray) -> np.ndarray:
        """Return photos' vectors with mean 0 and spread 1 over the rows of this training."""
        return (photos - self._middle) / self._spread

    def loss(self, vectors: Any, rows: np.ndarray) -> Any:
        """Return the mean over the three pairs and both directions, as a share of guessing."""
        torch = self._torch
        places = torch.nn.functional.normalize(vectors, dim=1)
        where = torch.as_tensor(rows, device=self._device)
        field, photo = self._field_views(where), self._photo_views(where)
        same = self._same[where]
        apart = same[:, None] != same[None, :]
        scale = self._scale.clamp(max=_MOST_SCALE).exp()
        learning = torch.is_grad_enabled() and bool(self._own[rows].all())
        queue = self._elsewhere(rows, same) if learning else None
        total = both_ways(torch, field, photo, scale, apart)
        for view in (field, photo):
            total = total + (contrast(torch, places, view, scale, apart)
                             + contrast(torch, view, places, scale, apart, queue)) / 2
        if learning:
            self._remember(places.detach(), same)
        return total / 3

    def photos(self, rows: np.ndarray) -> np.ndarray:
        """Return the photos of rows as the encoder's vectors see them."""
        with self._torch.no_grad():
            return self._photo_views(self._torch.as_tensor(rows, device=self._device)).cpu().numpy()

    def fields(self, rows: np.ndarray) -> np.ndarray:
        """Return the field at rows as the encoder's vectors see it."""
        with self._torch.no_grad():
            return self._field_views(self._torch.as_tensor(rows, device=self._device)).cpu().numpy()

    def _photo_views(self, rows: Any) -> Any:
        """Project photos."""
        return self._projected(self._of_photo, self._photos[rows])

    def _field_views(self, rows: Any) -> Any:
        """Look the field up and project it."""
        return self._projected(self._of_field, look_up(self._torch, self._look, self._field, rows))

    def _projected(self, layer: TorchLayer, views: Any) -> Any:
        """Return views in the encoder's space, of length one."""
        functional = self._torch.nn.functional
        return functional.normalize(functional.linear(views, layer.weight, layer.bias), dim=1)

    def _projection(self, inputs: int, outputs: int, chance: np.random.Generator) -> TorchLayer:
        """Return a linear layer that keeps lengths on the whole."""
        return torch_layer(self._torch, chance.normal(size=(outputs, inputs)) / math.sqrt(inputs), np.zeros(outputs),
                           self._device)

    def _elsewhere(self, rows: np.ndarray, same: Any) -> Any:
        """Return what the queue holds of places that the batch has not."""
        if self._passed[rows].any():
            self._passed[:] = False
            self._queue = self._queued = None
        self._passed[rows] = True
        return None if self._queue is None else self._queue[~self._torch.isin(self._queued, same)]

    def _remember(self, places: Any, same: Any) -> None:
        """Put a batch before the queue, in place of what the queue holds of the same places from earlier."""
        torch = self._torch
        if self._queue is not None:
            kept = ~torch.isin(self._queued, same)
            places, same = torch.cat([places, self._queue[kept]]), torch.cat([same, self._queued[kept]])
        self._queue, self._queued = places[:QUEUE], same[:QUEUE]

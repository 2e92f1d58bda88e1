"""A fitted reduction: principal components, or a map of a sample that other vectors are placed in by their neighbours."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Optional, Sequence

import numpy as np

from ...errors import InputError
from ...space import Space, SpaceKey
from ..models import FittedModel, model_of

KIND = "reduction"
PCA = "pca"
UMAP = "umap"
NEIGHBOURS = 5
_LOW, _HIGH = 2.0, 98.0


@dataclass(frozen=True)
class Projection:
    """What turns vectors into fewer numbers.

    For principal components `origin` is the mean and `axes` the components `(k, dims)`. For a map of a sample `axes`
    holds the sample's vectors `(n, dims)` and `places` their coordinates `(n, k)`; a vector takes the weighted mean of
    its nearest sample vectors' coordinates. `stretch` is the range `(k, 2)` that a picture shows.
    """

    method: str
    origin: np.ndarray
    axes: np.ndarray
    stretch: np.ndarray
    places: Optional[np.ndarray] = None
    explained: "tuple[float, ...]" = ()

    @property
    def dimensions(self) -> int:
        """Return how many numbers come out."""
        return self.axes.shape[0] if self.places is None else self.places.shape[1]

    def apply(self, vectors: np.ndarray) -> np.ndarray:
        """Reduce `(dims, pixels)` to `(k, pixels)`; NaN stays NaN."""
        centred = vectors - self.origin[:, np.newaxis]
        if self.places is None:
            return self.axes @ centred
        return self._between_neighbours(centred)

    def _between_neighbours(self, centred: np.ndarray) -> np.ndarray:
        """Place vectors between their nearest sample vectors, weighted by the inverse of the squared distance."""
        sample = self.axes - self.origin
        found = np.full((self.dimensions, centred.shape[1]), np.nan, dtype=np.float32)
        valid = np.isfinite(centred.sum(axis=0))
        table = centred[:, valid]
        squares = np.einsum("ij,ij->i", sample, sample)
        count = min(NEIGHBOURS, len(sample))
        parts = []
        for start in range(0, table.shape[1], 1024):
            part = table[:, start:start + 1024]
            distances = squares[:, np.newaxis] - 2 * (sample @ part) + np.einsum("ij,ij->j", part, part)
            nearest = np.argpartition(distances, count - 1, axis=0)[:count]
            weights = 1.0 / np.maximum(np.take_along_axis(distances, nearest, axis=0), 1e-9)
            weights /= weights.sum(axis=0)
            parts.append(np.einsum("kn,knd->dn", weights, self.places[nearest]))
        if parts:
            found[:, valid] = np.concatenate(parts, axis=1)
        return found

    def digest(self) -> str:
        """Return a checksum of the numbers that decide the result."""
        content = b"".join(np.ascontiguousarray(part, dtype="<f4").tobytes()
                           for part in (self.origin, self.axes, self.places) if part is not None)
        return hashlib.sha256(content).hexdigest()

    def space(self, of: Space) -> Space:
        """Return the space of the reduced vectors; they are no longer of length one."""
        return replace(of.reduced(self.dimensions, self.method, self.digest()), unit_norm=False)

    def colours(self, reduced: np.ndarray) -> np.ndarray:
        """Return `(3, pixels)` of 1..255 for the first three numbers, 0 where there is no value."""
        shown = np.zeros((3, reduced.shape[1]), dtype=np.float32)
        for index in range(3):
            source = min(index, self.dimensions - 1)
            low, high = self.stretch[source]
            shown[index] = (reduced[source] - low) / max(float(high - low), 1e-12)
        missing = ~np.isfinite(reduced.sum(axis=0))
        shown = np.where(missing, np.float32(0), np.rint(1 + 254 * np.clip(shown, 0, 1)))
        return shown.astype(np.uint8)


def stretch_of(reduced: np.ndarray) -> np.ndarray:
    """Return the range that a picture shows, which a few odd cells don't change."""
    return np.nanpercentile(reduced, [_LOW, _HIGH], axis=1).T.astype(np.float32)


def principal_components(mean: np.ndarray, covariance: np.ndarray, count: int, dimensions: int,
                         sample: np.ndarray) -> Projection:
    """Return the first components of a covariance; the largest loading of each is positive."""
    if dimensions > len(mean):
        raise InputError("pca-dimensions", "The vectors have {length} dimensions, so they can't be reduced to "
                         "{wanted}: ask for fewer.", length=len(mean), wanted=dimensions)
    if count <= dimensions:
        raise InputError("pca-sample", "{rows} vectors are too few to find {wanted} principal components: ask for "
                         "fewer dimensions.", rows=count, wanted=dimensions)
    values, directions = np.linalg.eigh(covariance)
    order = np.argsort(values)[::-1][:dimensions]
    axes = directions[:, order].T
    largest = np.abs(axes).argmax(axis=1)
    axes *= np.where(axes[np.arange(len(axes)), largest] < 0, -1.0, 1.0)[:, np.newaxis]
    total = max(float(values.clip(min=0).sum()), np.finfo(float).tiny)
    explained = tuple(float(value) for value in values[order].clip(min=0) / total)
    fitted = Projection(PCA, mean.astype(np.float32), np.ascontiguousarray(axes, dtype=np.float32),
                        np.zeros((dimensions, 2), dtype=np.float32), explained=explained)
    return replace(fitted, stretch=stretch_of(fitted.apply(sample.T.astype(np.float32))))


def to_model(fitted: Projection, space: "Space | SpaceKey") -> FittedModel:
    """Return what is saved for another scene or year."""
    arrays = {"origin": fitted.origin, "axes": fitted.axes, "stretch": fitted.stretch}
    if fitted.places is not None:
        arrays["places"] = fitted.places
    return model_of(KIND, space, arrays, {"method": fitted.method, "explained": list(fitted.explained)})


def from_model(model: FittedModel, length: int) -> Projection:
    """Return the reduction that was saved."""
    method = str(model.parameters.get("method"))
    axes = model.array("axes", None, length)
    places = model.array("places", len(axes), None) if method == UMAP else None
    dimensions = len(axes) if places is None else places.shape[1]
    explained: "Sequence[float]" = model.parameters.get("explained") or ()
    return Projection(method, model.array("origin", length), axes, model.array("stretch", dimensions, 2), places,
                      tuple(float(value) for value in explained))

"""Principal components."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Mapping

import numpy as np

from ...errors import InputError
from .fitted import PCA, stretch_of
from .moments import Moments


@dataclass(frozen=True)
class Components:
    """The mean and the components `(k, dims)`, the most telling first."""

    origin: np.ndarray
    axes: np.ndarray
    stretch: np.ndarray
    explained: "tuple[float, ...]" = ()

    @property
    def method(self) -> str:
        """Return the method's name."""
        return PCA

    @property
    def dimensions(self) -> int:
        """Return how many numbers come out."""
        return len(self.axes)

    def apply(self, vectors: np.ndarray) -> np.ndarray:
        """Reduce `(dims, pixels)` to `(k, pixels)`; NaN stays NaN."""
        return self.axes @ (vectors - self.origin[:, np.newaxis])

    def arrays(self) -> "Mapping[str, np.ndarray]":
        """Return the numbers that decide the result."""
        return {"axes": self.axes, "origin": self.origin}


def require_dimensions(wanted: int, length: int, name: str) -> None:
    """Raise where more components are asked for than there are dimensions."""
    if wanted > length:
        raise InputError("reduce-more", "The vectors of {name} have {length} dimensions, so they can't be reduced to "
                         "{wanted}: lower DIMENSIONS.", name=name, length=length, wanted=wanted)


def principal_components(moments: Moments, dimensions: int, sample: np.ndarray, name: str) -> Components:
    """Return the first components; the largest loading of each is positive, so that signs don't flip.

    `sample` `(dims, n)` decides only which range a picture shows.
    """
    if moments.count <= dimensions:
        raise InputError("reduce-few", "{name} has {rows} vectors, too few to find {wanted} principal components: "
                         "lower DIMENSIONS, or check its nodata value.", name=name, rows=moments.count,
                         wanted=dimensions)
    values, directions = np.linalg.eigh(moments.covariance)
    order = np.argsort(values)[::-1][:dimensions]
    axes = directions[:, order].T
    largest = np.abs(axes).argmax(axis=1)
    axes = axes * np.where(axes[np.arange(len(axes)), largest] < 0, -1.0, 1.0)[:, np.newaxis]
    total = max(float(values.clip(min=0).sum()), np.finfo(float).tiny)
    explained = tuple(float(value) for value in values[order].clip(min=0) / total)
    fitted = Components(moments.mean.astype(np.float32), np.ascontiguousarray(axes, dtype=np.float32),
                        np.zeros((dimensions, 2), dtype=np.float32), explained)
    return replace(fitted, stretch=stretch_of(fitted.apply(sample)))

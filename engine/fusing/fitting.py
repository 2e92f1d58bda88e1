"""Fits a fusion to what was summed over all data: every part standardised, weighted, and reduced where asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Sequence

import numpy as np

from ..analyses.reduce.moments import Moments
from ..errors import InputError
from .fusion import FusedPart, Fusion
from .request import REDUCE_TOGETHER, STANDARDISE_DIMENSIONS, FuseRequest

_CONSTANT = 1e-7


@dataclass(frozen=True)
class Ingredient:
    """A part before the fit: its name in the result, its key and its length."""

    name: str
    key: str
    length: int


class Sums:
    """Moments of the parts' vectors: of all together, of each, or (where nothing is reduced) of each dimension."""

    def __init__(self, lengths: "Sequence[int]", kind: str) -> None:
        """Begin with nothing; `kind` is that of `kind_of`."""
        self._kind = kind
        self.groups = {"together": [sum(lengths)], "parts": list(lengths), "": [1] * sum(lengths)}[kind]
        self.moments = [] if kind == "" else [Moments(length) for length in self.groups]
        self.count = 0
        self.mean = np.zeros(sum(lengths))
        self.squares = np.zeros(sum(lengths))

    def add(self, vectors: "Sequence[np.ndarray]") -> None:
        """Add the vectors `(dims, n)` of every part, all of them without NaN."""
        count = vectors[0].shape[1]
        if not count:
            return
        if self._kind == "together":
            self.moments[0].add(np.concatenate(vectors))
        elif self._kind == "parts":
            for moments, values in zip(self.moments, vectors):
                moments.add(values)
        else:
            mean = np.concatenate([values.mean(axis=1, dtype=np.float64) for values in vectors])
            squares, start = np.empty(len(mean)), 0
            for values in vectors:
                centred = values - mean[start:start + len(values), np.newaxis].astype(np.float32)
                squares[start:start + len(values)] = np.einsum("ij,ij->i", centred, centred, dtype=np.float64)
                start += len(values)
            self._merge(count, mean, squares)
            return
        self.count += count

    def merge(self, other: "Sums") -> None:
        """Add what another part of the data summed to."""
        if self._kind == "":
            self._merge(other.count, other.mean, other.squares)
            return
        for mine, theirs in zip(self.moments, other.moments):
            mine.merge(theirs.count, theirs.mean, theirs.products)
        self.count += other.count

    def _merge(self, count: int, mean: np.ndarray, squares: np.ndarray) -> None:
        """Merge counts, means and squares about the mean (Chan, Golub and LeVeque 1979)."""
        if not count:
            return
        together = self.count + count
        apart = mean - self.mean
        self.squares += squares + apart * apart * (self.count * count / together)
        self.mean = self.mean + apart * (count / together)
        self.count = together

    def means(self) -> np.ndarray:
        """Return the mean of every dimension."""
        return np.concatenate([moments.mean for moments in self.moments]) if self.moments else self.mean

    def variances(self) -> np.ndarray:
        """Return the variance of every dimension (divided by the count)."""
        squares = (np.concatenate([np.diag(moments.products) for moments in self.moments]) if self.moments
                   else self.squares)
        return squares.clip(min=0) / max(self.count, 1)


def kind_of(request: FuseRequest, length: int) -> str:
    """Return which sums a request needs: for components of all together, of each part, or none."""
    if not request.dimensions or request.dimensions == length:
        return ""
    return "together" if request.reduce == REDUCE_TOGETHER else "parts"


def require_dimensions(request: FuseRequest, ingredients: "Sequence[Ingredient]") -> None:
    """Refuse more dimensions than there are, and fewer than parts where each keeps its own."""
    length = sum(item.length for item in ingredients)
    if request.dimensions > length:
        raise InputError("fuse-dimensions", "The inputs have {length} dimensions together, so they can't be fused to "
                         "{wanted}: lower DIMENSIONS.", length=length, wanted=request.dimensions)
    if request.dimensions and request.reduce != REDUCE_TOGETHER and request.dimensions < len(ingredients):
        raise InputError("fuse-few", "DIMENSIONS is {wanted}, fewer than the {parts} inputs, each of which keeps one "
                         "at least: raise it, or reduce all together.", wanted=request.dimensions,
                         parts=len(ingredients))


def fit_fusion(ingredients: "Sequence[Ingredient]", sums: Sums, request: FuseRequest) -> Fusion:
    """Return the fusion that the sums of all data give."""
    if sums.count < 2:
        raise InputError("fuse-nothing", "The inputs have {count} places in common where all of them have a vector: "
                         "check that they show the same area or hold the same keys.", count=sums.count)
    if request.dimensions and sums.count <= request.dimensions:
        raise InputError("fuse-sample", "{rows} common vectors are too few to find {wanted} components: lower "
                         "DIMENSIONS.", rows=sums.count, wanted=request.dimensions)
    weights = request.weights_for(len(ingredients))
    factor = _factors(ingredients, sums, weights, request.standardise)
    kind = kind_of(request, sum(item.length for item in ingredients))
    axes: "tuple[np.ndarray, ...]" = ()
    explained = 1.0
    if kind:
        axes, explained = _components(sums, factor, request.dimensions)
    kept = [item.length for item in ingredients] if not axes else (
        [0] * len(ingredients) if kind == "together" else [len(one) for one in axes])
    parts = tuple(FusedPart(item.name, item.key, item.length, weight, count)
                  for item, weight, count in zip(ingredients, weights, kept))
    return Fusion(parts, sums.means().astype(np.float32), factor.astype(np.float32), axes, request.standardise,
                  explained)


def _factors(ingredients: "Sequence[Ingredient]", sums: Sums, weights: "Sequence[float]",
             standardise: str) -> np.ndarray:
    """Return what each dimension is multiplied by, so that each part's total variance is its weight squared."""
    means, variances = sums.means(), sums.variances()
    alive = np.sqrt(variances) > _CONSTANT * np.abs(means)
    factor = np.ones(len(means))
    start = 0
    for item, weight in zip(ingredients, weights):
        here = slice(start, start + item.length)
        start += item.length
        if not alive[here].any():
            raise InputError("fuse-constant", "The vectors of {name} are all the same, so they tell nothing: leave "
                             "them out.", name=item.name)
        if standardise == STANDARDISE_DIMENSIONS:
            spread = np.sqrt(np.where(alive[here], variances[here], 1.0) * alive[here].sum())
        else:
            spread = np.full(item.length, np.sqrt(variances[here].sum()))
        factor[here] = weight / spread
    return factor


def _components(sums: Sums, factor: np.ndarray, dimensions: int) -> "tuple[tuple[np.ndarray, ...], float]":
    """Return the components with the most variance, at least one of each group; the largest loading is positive.

    Between groups the variances compare, since each was standardised and weighted: so a part with much to say keeps
    more components than one that says little.
    """
    found, variances, start = [], [], 0
    for moments in sums.moments:
        scale = factor[start:start + len(moments.mean)]
        start += len(scale)
        values, directions = np.linalg.eigh(moments.products / moments.count * np.outer(scale, scale))
        order = np.argsort(values)[::-1]
        axes = directions[:, order].T
        largest = np.abs(axes).argmax(axis=1)
        found.append(axes * np.where(axes[np.arange(len(axes)), largest] < 0, -1.0, 1.0)[:, np.newaxis])
        variances.append(values[order].clip(min=0))
    kept = _shares(variances, dimensions)
    total = max(float(sum(one.sum() for one in variances)), np.finfo(float).tiny)
    held = float(sum(one[:count].sum() for one, count in zip(variances, kept)))
    return tuple(np.ascontiguousarray(axes[:count], dtype=np.float32) for axes, count in zip(found, kept)), held / total


def _shares(variances: "Sequence[np.ndarray]", dimensions: int) -> "list[int]":
    """Return how many components each group keeps."""
    ranked = sorted(((-float(value), group, place) for group, values in enumerate(variances)
                     for place, value in enumerate(values)), key=lambda item: (item[2] > 0, item[0], item[1:]))
    kept = [0] * len(variances)
    for _, group, _ in ranked[:dimensions]:
        kept[group] += 1
    return kept


def finite(vectors: "Sequence[np.ndarray]", known: "Optional[np.ndarray]" = None) -> np.ndarray:
    """Return which columns have a number everywhere, in all parts."""
    result = np.ones(vectors[0].shape[1], dtype=bool) if known is None else known.copy()
    for values in vectors:
        result &= np.isfinite(values.sum(axis=0, dtype=np.float64))
    return result

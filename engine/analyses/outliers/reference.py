"""What vectors are compared with: a sample of their own kind, or the centres of its clusters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...errors import InputError
from ...neighbours import NearestInSample
from ...progress import Progress
from ..clusters.distinct import require_distinct
from ..clusters.kmeans import EUCLIDEAN, SPHERICAL, fit_kmeans
from .request import CLUSTER, OutlierChoice

COSINE = "cosine"


@dataclass(frozen=True)
class Reference:
    """Vectors `(rows, dims)` as they are compared; scores are distances to the `rank`-th nearest of them.

    `origin` is taken off before Euclidean distances, which would drown in rounding far from zero. `owners` tells in
    rising order which cells or rows the vectors are, so that none is its own neighbour; empty where they are centres.
    """

    metric: str
    origin: np.ndarray
    vectors: np.ndarray
    rank: int
    owners: np.ndarray

    def scores(self, columns: np.ndarray, places: np.ndarray) -> np.ndarray:
        """Return the scores of vectors `(dims, n)` at places; NaN for those without a value or, by angle, a length."""
        found = np.full(columns.shape[1], np.nan, dtype=np.float32)
        valid = usable(columns, self.metric)
        if not valid.any():
            return found
        whole = bool(valid.all())
        table = compared(columns if whole else columns[:, valid], self.metric, self.origin)
        own = self._own(places if whole else places[valid])
        distances = np.empty(table.shape[1], dtype=np.float32)
        for part, rows in NearestInSample(self.vectors, self.rank).chunks(table, own):
            apart = self.vectors[rows[:, -1]] - table[:, part].T
            distances[part] = np.einsum("nd,nd->n", apart, apart)
        # Between vectors of length one, half the squared distance is 1 − cosine.
        found[valid] = distances / 2 if self.metric == COSINE else np.sqrt(distances)
        return found

    def _own(self, places: np.ndarray) -> np.ndarray:
        """Return for each place the row of the reference that lies there, or −1."""
        if not len(self.owners):
            return np.full(len(places), -1)
        rows = np.searchsorted(self.owners, places).clip(max=len(self.owners) - 1)
        return np.where(self.owners[rows] == places, rows, -1)


def usable(columns: np.ndarray, metric: str) -> np.ndarray:
    """Tell which vectors `(dims, n)` can be compared."""
    valid = np.isfinite(columns.sum(axis=0))
    return valid & columns.any(axis=0) if metric == COSINE else valid


def compared(columns: np.ndarray, metric: str, origin: np.ndarray) -> np.ndarray:
    """Return vectors `(dims, n)` between which Euclidean distances say what the metric says."""
    if metric == COSINE:
        return columns / np.sqrt(np.einsum("ij,ij->j", columns, columns))
    return columns - origin[:, np.newaxis]


def fit_reference(vectors: np.ndarray, owners: np.ndarray, metric: str, choice: OutlierChoice, name: str,
                  progress: Progress) -> Reference:
    """Prepare a sample `(rows, dims)` of cells or rows, which `owners` numbers in any order."""
    valid = usable(vectors.T, metric)
    order = np.flatnonzero(valid)[np.argsort(owners[valid], kind="stable")]
    columns, owners = vectors[order].T, owners[order]
    origin = np.zeros(vectors.shape[1], dtype=np.float32)
    if metric != COSINE and len(order):
        origin = columns.mean(axis=1, dtype=np.float64).astype(np.float32)
    sample = np.ascontiguousarray(compared(columns, metric, origin).T)
    if choice.method == CLUSTER:
        require_distinct(sample, choice.clusters)
        geometry = SPHERICAL if metric == COSINE else EUCLIDEAN
        fit = fit_kmeans(sample, choice.clusters, geometry, choice.seed, progress)
        return Reference(metric, origin, fit.centres, 1, np.empty(0, dtype=np.int64))
    if len(sample) <= choice.neighbours:
        raise InputError("outlier-neighbours", "NEIGHBOURS is {neighbours}, but {name} gave a sample of only {rows} "
                         "vectors: lower NEIGHBOURS or raise SAMPLE.", neighbours=choice.neighbours, name=name,
                         rows=len(sample))
    return Reference(metric, origin, sample, choice.neighbours, owners)

"""Folds of clusters in space: near places are held out together, however they are strewn."""

from __future__ import annotations

import numpy as np

from ...analyses.clusters.distinct import distinct_rows
from ...analyses.clusters.kmeans import EUCLIDEAN, fit_kmeans
from ...errors import InputError
from ...number_text import counted
from ...progress import Silent
from ..sites import Sites
from .assignment import KMEANS, Folds, require_folds


def kmeans_folds(sites: Sites, count: int, seed: int) -> Folds:
    """Group the units' places into as many clusters as folds; folds may differ in size. Globes are parted as such."""
    require_folds(count)
    sites.require_places("FOLDS kmeans")
    units = sites.by_unit()
    # Taken from the middle and scaled, since single precision can't tell metres in coordinates of millions.
    apart = units.coordinates - units.coordinates.mean(axis=0)
    spread = float(np.sqrt((apart ** 2).sum(axis=1).mean())) or 1.0
    points = np.ascontiguousarray(apart / spread, dtype=np.float32)
    number = distinct_rows(points, count)
    if number < count:
        raise InputError("folds-places-few", "{name} has samples at {places}, fewer than the {count} "
                         "folds: add samples elsewhere, or ask for fewer folds.", name=sites.name,
                         places=counted(number, "a single place", "different places"), count=count)
    fold = fit_kmeans(points, count, EUCLIDEAN, seed, Silent()).labels[units.of_row].astype(np.int64)
    return Folds(fold, KMEANS, count, why="{} clusters of near places are held out whole".format(count), blocks=fold)

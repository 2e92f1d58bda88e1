"""Folds: which samples are held out together, so that a model is judged on what it has not seen."""

from __future__ import annotations

from .assignment import BLOCKS, GROUP, KMEANS, RANDOM, Folds, inner_folds
from .automatic import Evidence, automatic_folds, sized_block_folds
from .block_size import BlockSize, block_size_from
from .blocks import block_folds
from .clustering import Clustering, clustering_of
from .groups import group_folds
from .kmeans import kmeans_folds
from .random import random_folds

__all__ = [
    "BLOCKS", "GROUP", "KMEANS", "RANDOM", "BlockSize", "Clustering", "Evidence", "Folds", "automatic_folds",
    "block_folds", "block_size_from", "clustering_of", "group_folds", "inner_folds", "kmeans_folds", "random_folds",
    "sized_block_folds",
]

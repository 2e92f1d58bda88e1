"""What is autocorrelated noise must not look like skill, once whole blocks are held out."""

from __future__ import annotations

import numpy as np

from earthprint.engine.training.figures import paired_difference, regression_scored
from earthprint.engine.training.folds import BLOCKS, Evidence, Folds, automatic_folds, random_folds
from earthprint.engine.training.moran import morans_i, neighbour_graph
from earthprint.engine.training.sites import Sites

ROWS, FEATURES, EXTENT, REACH = 900, 16, 100.0, 25.0


def fields(points: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Return Gaussian fields `(n, count)` that know nothing of each other."""
    apart = np.hypot(*(points[:, np.newaxis] - points).transpose(2, 0, 1))
    root = np.linalg.cholesky(np.exp(-3 * apart / REACH) + 1e-8 * np.eye(len(points)))
    return root @ np.random.default_rng(seed).standard_normal((len(points), count))


def neighbours(x: np.ndarray, y: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Predict by the mean of the five nearest rows in features."""
    apart = ((asked[:, np.newaxis] - x) ** 2).sum(axis=2)
    return y[np.argpartition(apart, 5, axis=1)[:, :5]].mean(axis=1)


def ridge(x: np.ndarray, y: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Predict by a line through features, lightly shrunk."""
    x, asked = (np.hstack([part, np.ones((len(part), 1))]) for part in (x, asked))
    return asked @ np.linalg.solve(x.T @ x + np.eye(x.shape[1]), x.T @ y)


def scored(model, x, y, folds: Folds):
    """Return out-of-fold figures."""
    predicted = np.empty(len(y))
    for number in range(folds.count):
        held = folds.fold == number
        predicted[held] = model(x[~held], y[~held], x[held])
    return regression_scored(y, predicted, folds.fold)


def test_autocorrelated_noise_has_random_skill_only():
    pooled = []
    for seed in range(4):
        points = np.random.default_rng(seed).uniform(0, EXTENT, (ROWS, 2))
        noise = fields(points, FEATURES + 1, seed + 100)
        x, y = noise[:, :FEATURES], noise[:, FEATURES]
        sites = Sites("noise", points, "", np.arange(ROWS))
        random = random_folds(sites.units, 5, seed)
        blocks = automatic_folds(sites, Evidence(y - y.mean()), 0, 5, seed)
        assert blocks.kind == BLOCKS and blocks.block_size >= 10.0
        one, two = scored(neighbours, x, y, random), scored(neighbours, x, y, blocks)
        assert one.pooled.r2 > 0.2 and two.pooled.r2 <= 0.05
        pooled.append((one.pooled.r2, two.pooled.r2))
        assert morans_i(y, neighbour_graph(sites)).alike
    optimism = paired_difference([one for one, _ in pooled], [two for _, two in pooled])
    assert optimism.low > 0.2


def test_true_skill_stays_with_blocks_held_out():
    points = np.random.default_rng(3).uniform(0, EXTENT, (ROWS, 2))
    x = fields(points, 8, 5)
    y = x @ np.arange(1.0, 9.0) + np.random.default_rng(4).normal(0, 3, ROWS)
    sites = Sites("signal", points, "", np.arange(ROWS))
    blocks = automatic_folds(sites, Evidence(y), 0, 5, 0)
    found = scored(ridge, x, y, blocks)
    assert blocks.kind == BLOCKS and found.pooled.r2 > 0.9
    mean = scored(lambda known, values, asked: np.full(len(asked), values.mean()), x, y, blocks)
    gain = paired_difference([part.r2 for part in found.folds], [part.r2 for part in mean.folds])
    assert gain.low > 0.5

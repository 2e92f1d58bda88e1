"""Small data sets to fit models to: smooth and jumping targets, columns of other sizes, one that never changes."""

from __future__ import annotations

import numpy as np

from earthprint.engine.onnxgraph import OnnxGraph
from earthprint.engine.training.models import Design

FEATURES = 12
TASKS = ("one target", "three targets", "two classes", "five classes")


def data(task: str, rows: int, seed: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Return features, targets and the number of classes; the last three features are like further columns."""
    chance = np.random.default_rng(seed)
    x = chance.normal(size=(rows, FEATURES)).astype(np.float32)
    x[:, -1] = chance.integers(0, 3, rows)
    x[:, -2] = 2000 + 5 * x[:, -2]
    x[:, -3] = 7
    score = np.stack([2 * x[:, 0] + np.sin(2 * x[:, 1]), x[:, 2] * x[:, 3] + x[:, -1],
                      1e4 * (x[:, 4] + 5) + 1e3 * (x[:, -2] - 2000)], axis=1)
    score = score + chance.normal(size=score.shape) * (0.3, 0.3, 100)
    if task == "one target":
        return x, score[:, :1], 0
    if task == "three targets":
        return x, score, 0
    if task == "two classes":
        return x, (score[:, 0] + score[:, 1] > 0.5).astype(np.int64), 2
    sides = np.stack([score[:, 0], -score[:, 0], score[:, 1], -score[:, 1] / 2, np.full(rows, 0.5)], axis=1)
    return x, sides.argmax(axis=1), 5


def design(task: str, rows: int = 300, seed: int = 0, weights: np.ndarray | None = None) -> Design:
    """Return such data ready for a fit, with uneven weights unless others are given."""
    x, y, classes = data(task, rows, seed)
    if weights is None:
        weights = np.random.default_rng(3).uniform(0.5, 1.5, rows)
    return Design(x, y, weights, classes, np.arange(rows) % 4, 0)


def graph_of(fitted, width: int, outputs: int) -> OnnxGraph:
    """Return a graph of a model alone."""
    graph = OnnxGraph("model")
    result = fitted.add_to(graph, graph.input("features", ("N", width)))
    graph.node("Identity", [result], "result")
    graph.output("result", ("N", outputs))
    return graph

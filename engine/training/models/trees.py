"""Decision trees as plain arrays: evaluated in NumPy, and written as operations that ONNX Runtime has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional, Sequence

import numpy as np

from ...onnxgraph import OnnxGraph

DOMAIN = "ai.onnx.ml"
DOMAIN_VERSION = 3
BRANCH, LEAF = "BRANCH_LEQ", "LEAF"
# Trees of about so many nodes together stay in the cache of a core while a run of rows passes through them.
_NODES_TOGETHER = 8192


@dataclass(frozen=True)
class Tree:
    """One tree: for each node the feature, the largest value that goes left, both children (−1 in a leaf) and values.

    `values` is `(nodes, V)`; they add to the outputs that begin with number `output`.
    """

    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    missing_left: np.ndarray
    values: np.ndarray
    output: int = 0

    def leaves(self, x: np.ndarray) -> np.ndarray:
        """Return the leaf that each row `(n, F)` of float32 ends in."""
        nodes = np.zeros(len(x), dtype=np.int64)
        rows = np.arange(len(x))
        while True:
            rows = rows[self.left[nodes[rows]] >= 0]
            if not len(rows):
                return nodes
            at = nodes[rows]
            values = x[rows, self.feature[at]]
            goes_left = np.where(np.isnan(values), self.missing_left[at], values <= self.threshold[at])
            nodes[rows] = np.where(goes_left, self.left[at], self.right[at])


def lowered(thresholds: np.ndarray) -> np.ndarray:
    """Round thresholds toward −∞ to float32: a float32 value lies on the same side of both."""
    thresholds = np.asarray(thresholds, dtype=np.float64)
    with np.errstate(over="ignore"):
        single = thresholds.astype(np.float32)
    above = single.astype(np.float64) > thresholds
    return np.where(above, np.nextafter(single, np.float32(-np.inf)), single).astype(np.float32)


def sums(trees: "Sequence[Tree]", x: np.ndarray, outputs: int) -> np.ndarray:
    """Return the sums of the leaves' values `(n, outputs)` in float64."""
    found = np.zeros((len(x), outputs))
    x = np.ascontiguousarray(x, dtype=np.float32)
    for tree in trees:
        found[:, tree.output: tree.output + tree.values.shape[1]] += tree.values[tree.leaves(x)]
    return found


def add_sums(graph: OnnxGraph, features: str, trees: "Sequence[Tree]", outputs: int, base: np.ndarray,
             sparse: bool = False) -> str:
    """Add operations that sum the leaves' values and a base; `sparse` leaves values of 0 out, as many shares are."""
    graph.opsets[DOMAIN] = DOMAIN_VERSION
    total: Optional[str] = None
    for number, group in enumerate(_groups(trees)):
        name = _add_group(graph, features, group, outputs, number, sparse)
        total = name if total is None else graph.node("Add", [total, name], f"trees_sum_{number}")
    graph.weight("trees_base", np.asarray(base, dtype=np.float32).reshape(1, outputs))
    return graph.node("Add", [total or features, "trees_base"], "trees_scores")


def _groups(trees: "Sequence[Tree]") -> "List[List[Tree]]":
    """Part trees into runs of a bounded number of nodes."""
    groups: "List[List[Tree]]" = []
    size = 0
    for tree in trees:
        if not groups or size + len(tree.feature) > _NODES_TOGETHER:
            groups.append([])
            size = 0
        groups[-1].append(tree)
        size += len(tree.feature)
    return groups


def _add_group(graph: OnnxGraph, features: str, trees: "Sequence[Tree]", outputs: int, number: int,
               sparse: bool) -> str:
    """Add one operation that sums the values of some trees."""
    sizes = [len(tree.feature) for tree in trees]
    numbers = np.repeat(np.arange(len(trees)), sizes)
    nodes = np.concatenate([np.arange(size) for size in sizes])
    left = np.concatenate([tree.left for tree in trees])
    leaf = left < 0
    values = [_leaf_values(tree, index, sparse) for index, tree in enumerate(trees)]
    modes = np.where(leaf, LEAF, BRANCH).tolist()
    return graph.node(
        "TreeEnsembleRegressor", [features], f"trees_{number}", domain=DOMAIN, n_targets=outputs,
        aggregate_function="SUM", post_transform="NONE",
        nodes_treeids=numbers, nodes_nodeids=nodes, nodes_modes=modes,
        nodes_featureids=np.where(leaf, 0, np.concatenate([tree.feature for tree in trees])),
        nodes_values=np.where(leaf, 0, np.concatenate([tree.threshold for tree in trees])).astype(np.float32),
        nodes_truenodeids=np.where(leaf, 0, left),
        nodes_falsenodeids=np.where(leaf, 0, np.concatenate([tree.right for tree in trees])),
        nodes_missing_value_tracks_true=np.where(
            leaf, 0, np.concatenate([tree.missing_left for tree in trees])).astype(np.int64),
        target_treeids=np.concatenate([part[0] for part in values]),
        target_nodeids=np.concatenate([part[1] for part in values]),
        target_ids=np.concatenate([part[2] for part in values]),
        target_weights=np.concatenate([part[3] for part in values]).astype(np.float32))


def _leaf_values(tree: Tree, index: int, sparse: bool) -> "tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]":
    """Return tree, node, output and value of what the leaves of a tree add."""
    leaves = np.flatnonzero(tree.left < 0)
    values = tree.values[leaves]
    kept = np.ones(values.shape, dtype=bool)
    if sparse:
        # Each leaf keeps one value at least, because one without any is no leaf to the runtime.
        kept = values != 0
        kept[~kept.any(axis=1), 0] = True
    row, column = np.nonzero(kept)
    return np.full(len(row), index), leaves[row], column + tree.output, values[row, column]

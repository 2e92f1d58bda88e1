"""Measures the automatic encoder's graph: million input pixels a second by group size, tile, window and evaluator.

Run from the repository root:  ./dev python benchmarks/rcf_speed.py
One thread and its processor time, rounds interleaved, the best of each case kept: so other work on the machine disturbs
the ratios little. Two cores give nearly twice these numbers.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, List

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "build"))

import numpy as np  # noqa: E402

from earthprint.engine.encoders import random_features_graph as graph  # noqa: E402
from earthprint.engine.encoders.numpy_session import NumpySession  # noqa: E402
from earthprint.engine.encoders.random_features import RandomFeaturesRequest, fit, to_onnx  # noqa: E402

BANDS = 4
ROUNDS = 7


@dataclass(frozen=True)
class Case:
    """One way to run the encoder on one tile."""

    name: str
    run: Callable[[], object]
    pixels: int


def scene() -> np.ndarray:
    """Make a smooth noisy scene."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(BANDS, 160, 160)).cumsum(axis=1).astype(np.float32) + 1000


def session_of(data: bytes) -> object:
    """Open the model in ONNX Runtime with one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def case(name: str, group: int, tile: int, batch: int, **choices: object) -> Case:
    """Prepare an encoder, a session and an input of `batch` tiles."""
    request = RandomFeaturesRequest(**choices)  # type: ignore[arg-type]
    values = scene()
    features = fit([(values, np.ones(values.shape[1:], bool))], request)
    usual = graph.GROUP
    graph.GROUP = group
    data = to_onnx(features, request.cell)
    graph.GROUP = usual
    side = tile // request.cell * request.cell
    size = side + 2 * features.halo(request.cell)
    image = np.random.default_rng(1).normal(1000, 50, (batch, BANDS, size, size)).astype(np.float32)
    feeds = {"image": image, "mask": np.ones((batch, 1, size, size), np.float32)}
    session = NumpySession(data) if name.endswith("NumPy") else session_of(data)
    session.run(None, feeds)  # type: ignore[attr-defined]
    return Case(name, lambda: session.run(None, feeds), batch * side * side)  # type: ignore[attr-defined]


def cases() -> List[Case]:
    """List what is compared: the default and one change at a time."""
    default = RandomFeaturesRequest()
    cell = default.cell
    listed = [case(f"groups of {group}", group, 256, 1) for group in (8, 16, 32, 64, 128)]
    listed += [case(f"tile {tile}", graph.GROUP, tile, 1) for tile in (128, 256, 512, 1024)]
    listed += [case(f"batch {batch}", graph.GROUP, 256, batch) for batch in (2, 4)]
    listed += [case(f"filters {count}", graph.GROUP, 256, 1, filters=count) for count in (32, 64, 256, 512)]
    listed += [case(f"cell {size}", graph.GROUP, 256, 1, cell=size) for size in (1, 2, 4, 16)]
    listed += [case(f"window {window}", graph.GROUP, 256, 1, window=window) for window in (cell, 3 * cell)]
    listed += [
        case("patch 5", graph.GROUP, 256, 1, patches=(5,)),
        case("statistics alone", graph.GROUP, 256, 1, patches=()),
    ]
    listed.append(case("NumPy", graph.GROUP, 256, 1))
    return listed


def main() -> None:
    """Time all cases in turn."""
    listed = cases()
    best: Dict[str, float] = {item.name: np.inf for item in listed}
    for _ in range(ROUNDS):
        for item in listed:
            began = time.process_time()
            item.run()
            best[item.name] = min(best[item.name], time.process_time() - began)
    default = RandomFeaturesRequest()
    print(f"{BANDS} bands, {default.filters} filters, cell {default.cell}; million input pixels a second and core")
    for item in listed:
        print(f"| {item.name} | {item.pixels / best[item.name] / 1e6:.2f} |")


if __name__ == "__main__":
    main()

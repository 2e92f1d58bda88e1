"""How long predictors take, as ratios to scikit-learn's own predict and to a plain product, in one run.

Rows of 64 numbers in blocks as rasters have them, `(64, n)`. Wall time and processor time are the least of several
turns, which are taken in alternation so that a busy machine treats both alike. Run with
`./dev benchmark predictor_speed`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Callable, Dict, Tuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "build"))

import numpy as np  # noqa: E402
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor  # noqa: E402

from earthprint.engine.predictors.card import PredictorCard  # noqa: E402
from earthprint.engine.predictors.predictor import Predictor, open_predictor  # noqa: E402
from earthprint.engine.predictors.storing import PredictorParts, save_predictor  # noqa: E402
from earthprint.engine.progress import Silent  # noqa: E402
from earthprint.engine.space import Space  # noqa: E402
from earthprint.engine.training.models import Design, Fitted, fit  # noqa: E402
from earthprint.engine.training.target import TargetClass, TargetPlan  # noqa: E402
from earthprint.engine.training.transforms import TargetTransform  # noqa: E402

DIMENSIONS, CHUNK, CLASSES = 64, 8192, 5
Times = Tuple[float, float]


def main() -> None:
    """Fit, store, open and time each model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000, help="rows to train on")
    parser.add_argument("--queries", type=int, default=32_768, help="rows to predict")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--only", default="", help="models, separated by commas")
    asked = parser.parse_args()
    chance = np.random.default_rng(0)
    x = chance.normal(size=(asked.rows, DIMENSIONS)).astype(np.float32)
    scores = x[:, :CLASSES] + 0.5 * chance.normal(size=(asked.rows, CLASSES))
    y = (2 * x[:, :1] + np.sin(2 * x[:, 1:2]) + 0.5 * chance.normal(size=(asked.rows, 1)))
    queries = chance.normal(size=(asked.queries, DIMENSIONS)).astype(np.float32)
    print(f"{asked.rows:,} rows trained on, {asked.queries:,} predicted in chunks of {CHUNK:,}")
    print("model                  wall, ms    processor, ms   ratio wall   ratio processor   largest difference")
    for task, target, classes in (("regression", y, 0), ("classification", scores.argmax(axis=1), CLASSES)):
        design = Design(x, target, np.ones(len(x)), classes, np.arange(len(x)) % 5, 0)
        for kind in ("logistic" if classes else "ridge", "knn", "forest", "boosting", "mlp"):
            if not asked.only or kind in asked.only.split(","):
                report(f"{kind} {task}", fit(kind, design, Silent()), design, queries, asked.turns)


def report(name: str, fitted: Fitted, design: Design, queries: np.ndarray, turns: int) -> None:
    """Time one model beside its peer and print a line."""
    predictor = stored(fitted, design.classes)
    peer = peer_of(fitted, design)
    blocks = [np.ascontiguousarray(queries[first: first + CHUNK].T) for first in range(0, len(queries), CHUNK)]
    rows = [np.ascontiguousarray(block.T) for block in blocks]
    found: "Dict[str, Times]" = {}
    for _ in range(turns):
        for key, work in (("ours", lambda: [scores(predictor, block) for block in blocks]),
                          ("peer", lambda: [peer(block, part) for block, part in zip(blocks, rows)])):
            taken = timed(work)
            found[key] = taken if key not in found else (min(found[key][0], taken[0]), min(found[key][1], taken[1]))
    ours, theirs = found["ours"], found["peer"]
    apart = np.abs(scores(predictor, blocks[0]).T - fitted.predict(rows[0])).max()
    print(f"{name:22s} {1e3 * ours[0]:9.1f} {1e3 * ours[1]:15.1f} {ours[0] / theirs[0]:12.2f} "
          f"{ours[1] / max(theirs[1], 1e-9):16.2f} {apart:20.1e}", flush=True)


def scores(predictor: Predictor, block: np.ndarray) -> np.ndarray:
    """Return what the model gives for a block."""
    return predictor._engine.scores(block)


def stored(fitted: Fitted, classes: int) -> Predictor:
    """Write a predictor and open it again."""
    listed = tuple(TargetClass(str(number), str(number), "#808080", 1) for number in range(classes))
    target = TargetPlan(("y",), () if classes else (TargetTransform(),), (), listed)
    space = Space("benchmark", DIMENSIONS)
    card = PredictorCard("benchmark", fitted.kind, target, space.key(), DIMENSIONS, space, settings=fitted.settings)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "predictor.onnx"
        save_predictor(path, fitted, PredictorParts(card))
        return open_predictor(path, Silent())


def peer_of(fitted: Fitted, design: Design) -> "Callable[[np.ndarray, np.ndarray], object]":
    """Return what does the same from a block or from its rows: scikit-learn's own, or for linear models a product."""
    if fitted.kind in ("ridge", "logistic"):
        weights = np.ascontiguousarray(fitted.weight.T.astype(np.float32))  # type: ignore[attr-defined]
        return lambda block, rows: weights @ block
    if fitted.kind == "knn":
        scaled = fitted.scaling.apply(design.x)  # type: ignore[attr-defined]
        kind = KNeighborsClassifier if design.classes else KNeighborsRegressor
        weights = "distance" if fitted.by_distance else "uniform"  # type: ignore[attr-defined]
        model = kind(fitted.count, weights=weights).fit(scaled, design.y)  # type: ignore[attr-defined]
        predict = model.predict_proba if design.classes else model.predict
        return lambda block, rows: predict(fitted.scaling.apply(rows))  # type: ignore[attr-defined]
    if fitted.kind == "forest":
        return lambda block, rows: forest_of(fitted, design)(rows)
    return lambda block, rows: fitted.predict(rows)


def forest_of(fitted: Fitted, design: Design) -> "Callable[[np.ndarray], np.ndarray]":
    """Return the predict of scikit-learn's forest, with all the threads it wants."""
    forest = fitted.ensemble  # type: ignore[attr-defined]
    return forest.predict_proba if design.classes else forest.predict


def timed(work: "Callable[[], object]") -> Times:
    """Return wall and processor seconds."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - processor


if __name__ == "__main__":
    main()

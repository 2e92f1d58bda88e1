"""What evaluates a stored model: a plain product, NumPy from the graph's arrays, or ONNX Runtime on the graph."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Dict, Optional, Protocol

import numpy as np

from .. import packages
from ..encoders.device import physical_cores
from ..errors import EarthprintError, ModelError, PackageError
from ..neighbours import NearestInSample
from ..training.models.gp import GaussianProcess
from ..training.models.knn import HALF_SQUARES, REFERENCE, SHARES, SPARE, VALUES, combined, exact
from ..training.models.linear import BIAS, OFFSET, WEIGHT, softmax
from ..training.models.mlp import Perceptron
from ..training.models.scaling import Scaling
from .item import COLUMNS, EMBEDDING, PROBABILITIES, SCORE
from .reading import StoredPredictor, broken

LOG = logging.getLogger("earthprint")

_LINEAR = ("ridge", "logistic")
# With many rows at a time a tree is read from memory once for all of them: 8,192 take a quarter of the time of 128.
_ROWS = 8192
_LEAST_ROWS = 2048
_SEARCHED = 1024
_MOST_LAYERS = 16


class Engine(Protocol):
    """Evaluates a model on features `(F, n)`."""

    device: str

    def scores(self, features: np.ndarray) -> np.ndarray:
        """Return scores `(T, n)` or calibrated probabilities `(K, n)` as float32."""

    def classes(self, features: np.ndarray) -> np.ndarray:
        """Return the number `(n,)` of the likeliest class."""


def open_engine(stored: StoredPredictor) -> Engine:
    """Return what evaluates a predictor best here."""
    kind = stored.card.kind
    if kind in _LINEAR:
        return LinearEngine(stored)
    if kind == "knn":
        return NeighbourEngine(stored)
    try:
        return RuntimeEngine(stored)
    except PackageError as missing:
        if kind not in ("mlp", "gp"):
            raise missing
        LOG.info("%s is evaluated in NumPy: %s", stored.path.name, missing)
        return NumpyEngine(stored)


class LinearEngine:
    """One product for each run of columns, in the layout that blocks have."""

    device = "NumPy"

    def __init__(self, stored: StoredPredictor) -> None:
        """Take weights and bias."""
        card = stored.card
        self._columns = np.ascontiguousarray(stored.array(WEIGHT, card.features, card.outputs).T)
        self._bias = stored.array(BIAS, card.outputs)[:, np.newaxis]
        self._offset = stored.array(OFFSET, card.features)[:, np.newaxis] if OFFSET in stored.weights else None
        self._card = card

    def scores(self, features: np.ndarray) -> np.ndarray:
        """Return scores, or probabilities: a temperature divides the scores that they come from."""
        found = self._products(features)
        if not self._card.classes:
            return found
        probabilities = softmax(found.T)
        if self._card.calibration is not None:
            probabilities = self._card.calibration.apply(probabilities)
        return np.ascontiguousarray(probabilities.T, dtype=np.float32)

    def classes(self, features: np.ndarray) -> np.ndarray:
        """Return the class of the largest score."""
        return self._products(features).argmax(axis=0)

    def _products(self, features: np.ndarray) -> np.ndarray:
        """Return the linear scores."""
        if self._offset is not None:
            features = features - self._offset
        found = self._columns @ features
        found += self._bias
        return found


class _Calibrated:
    """What engines share that know only the model's own output."""

    device = "NumPy"
    _stored: StoredPredictor

    def scores(self, features: np.ndarray) -> np.ndarray:
        """Return scores or calibrated probabilities."""
        found = self._model(features)
        calibration = self._stored.card.calibration
        if calibration is not None:
            found = calibration.apply(found)
        return np.ascontiguousarray(found.T, dtype=np.float32)

    def classes(self, features: np.ndarray) -> np.ndarray:
        """Return the likeliest class, which no temperature changes."""
        return self._model(features).argmax(axis=1)

    def _model(self, features: np.ndarray) -> np.ndarray:
        """Return the model's own output `(n, T|K)`."""
        raise NotImplementedError


class NeighbourEngine(_Calibrated):
    """The exact search for neighbours in NumPy, several times faster than the graph's own."""

    def __init__(self, stored: StoredPredictor) -> None:
        """Lay the training rows out."""
        card = stored.card
        self._stored = stored
        self._reference = stored.array(REFERENCE, None, card.features)
        rows = len(self._reference)
        stored.array(HALF_SQUARES, rows)
        self._values = stored.array(VALUES, rows, card.outputs)
        self._weights = stored.array(SHARES, rows)
        self._scaling = _scaling(stored)
        self._count, self._by_distance = _neighbours(stored, rows)
        self._search = NearestInSample(self._reference, min(self._count + SPARE, rows))

    def _model(self, features: np.ndarray) -> np.ndarray:
        """Return weighted means of the neighbours' values."""
        found = np.empty((features.shape[1], self._values.shape[1]), dtype=np.float32)

        def fill(first: int) -> None:
            """Answer one part of the columns."""
            part = features[:, first: first + _SEARCHED]
            scaled = (part - self._scaling.centre[:, np.newaxis]) * self._scaling.factor[:, np.newaxis]
            queries = np.ascontiguousarray(scaled.T)
            for run, near in self._search.chunks(scaled):
                nearest, distances = exact(self._reference, queries[run], near, self._count)
                found[first + run.start: first + run.stop] = combined(
                    self._values, self._weights, nearest, distances, self._by_distance)

        # The product has threads of its own; choosing among what it ranks has not, and takes as long.
        with ThreadPoolExecutor(physical_cores()) as pool:
            list(pool.map(fill, range(0, len(found), _SEARCHED)))
        return found


class NumpyEngine(_Calibrated):
    """A net or a Gaussian process from the graph's arrays, where ONNX Runtime is missing."""

    def __init__(self, stored: StoredPredictor) -> None:
        """Put the model together again."""
        self._stored = stored
        self._fitted = _perceptron(stored) if stored.card.kind == "mlp" else _process(stored)

    def _model(self, features: np.ndarray) -> np.ndarray:
        """Ask the model."""
        return self._fitted.predict(np.ascontiguousarray(features.T))


class RuntimeEngine:
    """ONNX Runtime, run side by side on parts of the rows with one thread each: its own threads slow trees down."""

    def __init__(self, stored: StoredPredictor) -> None:
        """Open a session."""
        runtime = packages.require("onnxruntime")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 4
        try:
            self._session = runtime.InferenceSession(str(stored.path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # noqa: BLE001  (the runtime has its own exception types)
            raise broken(stored.path, f"ONNX Runtime refuses it ({_reason(error)})") from error
        self.device = "ONNX Runtime"
        self._runtime = runtime
        self._stored = stored
        card = stored.card
        self._slow = card.kind != "mlp"
        self._output = PROBABILITIES if card.classes else SCORE

    def scores(self, features: np.ndarray) -> np.ndarray:
        """Return the graph's scores or probabilities; nothing else of it is evaluated."""
        card = self._stored.card
        found = np.empty((card.outputs, features.shape[1]), dtype=np.float32)

        def fill(first: int) -> None:
            """Evaluate one part of the rows."""
            part = features[:, first: first + step]
            feeds = {EMBEDDING: np.ascontiguousarray(part[:card.dimensions].T)}
            if card.columns.width:
                feeds[COLUMNS] = np.ascontiguousarray(part[card.dimensions:].T)
            found[:, first: first + step] = self._run(feeds).T

        threads = max(1, min(physical_cores(), features.shape[1] // _LEAST_ROWS)) if self._slow else 1
        step = max(1, min(_ROWS, -(-features.shape[1] // threads)))
        starts = range(0, features.shape[1], step)
        if threads == 1:
            for start in starts:
                fill(start)
            return found
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(fill, starts))
        return found

    def classes(self, features: np.ndarray) -> np.ndarray:
        """Return the likeliest class."""
        return self.scores(features).argmax(axis=0)

    def _run(self, feeds: "Dict[str, np.ndarray]") -> np.ndarray:
        """Evaluate one run of rows, and of the graph only what the output needs."""
        options = self._runtime.RunOptions()
        options.log_severity_level = 4
        options.only_execute_path_to_fetches = True
        try:
            return self._session.run([self._output], feeds, options)[0]
        except EarthprintError:
            raise
        except Exception as error:  # noqa: BLE001  (the runtime has its own exception types)
            raise ModelError("predictor-run", "The predictor {path} failed ({reason}): train it again.",
                             path=self._stored.path, reason=_reason(error)) from error


def _scaling(stored: StoredPredictor) -> Scaling:
    """Read centres and factors."""
    width = stored.card.features
    return Scaling(stored.array("feature_centre", width), stored.array("feature_factor", width))


def _neighbours(stored: StoredPredictor, rows: int) -> "tuple[int, bool]":
    """Return how many neighbours count, and whether near ones count more."""
    count, by_distance = stored.card.settings.get("neighbours"), stored.card.settings.get("by_distance")
    if not isinstance(count, int) or not isinstance(by_distance, bool) or not 1 <= count <= max(rows, 1) or not rows:
        raise broken(stored.path, "its card doesn't say how many neighbours count")
    return count, by_distance


def _perceptron(stored: StoredPredictor) -> Perceptron:
    """Put a net together."""
    card = stored.card
    layers = []
    width: int = card.features
    for number in range(_MOST_LAYERS):
        if f"layer_{number}_weight" not in stored.weights:
            break
        weights = stored.array(f"layer_{number}_weight", width, None)
        layers.append((weights, stored.array(f"layer_{number}_bias", weights.shape[1])))
        width = weights.shape[1]
    if not layers or width != card.outputs:
        raise broken(stored.path, "its layers don't fit together")
    centre: Optional[np.ndarray] = None if card.classes else stored.array("target_centre", width)
    scale: Optional[np.ndarray] = None if card.classes else stored.array("target_scale", width)
    return Perceptron(_scaling(stored), tuple(layers), np.zeros(width) if centre is None else centre,
                      np.ones(width) if scale is None else scale, card.classes, {})


def _process(stored: StoredPredictor) -> GaussianProcess:
    """Put a Gaussian process together."""
    card = stored.card
    reference = stored.array("gp_columns", card.features, None).T
    return GaussianProcess(_scaling(stored), reference, stored.array("gp_factors", len(reference), card.outputs),
                           stored.array("gp_mean", card.outputs), card.classes, {})


def _reason(error: Exception) -> str:
    """Keep one line of what the runtime says."""
    text = " ".join(str(error).split())
    return text if len(text) <= 200 else text[:197] + "…"

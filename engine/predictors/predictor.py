"""A predictor that is ready: opened from its files and checked, it predicts blocks of features."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Optional

import numpy as np

from ..progress import Progress
from ..space import require_same
from ..training.applicability import applicability_from_json
from ..training.transforms import NONE
from .card import PredictorCard
from .engines import Engine, open_engine
from .graph import REFERENCE
from .reach import Reach
from .reading import StoredPredictor, broken, read_predictor


@dataclass(frozen=True)
class Wanted:
    """What is wanted beside the prediction: an interval that holds with this share (0 = none), probabilities, trust."""

    interval: float = 0.0
    probabilities: bool = False
    applicability: bool = False


@dataclass(frozen=True)
class Predicted:
    """What was predicted: values and interval `(T, n)`, or classes `(n,)` from 0 and probabilities `(K, n)`.

    `dissimilarity` and `applicable` are `(n,)`; what was not wanted is None.
    """

    value: Optional[np.ndarray] = None
    classes: Optional[np.ndarray] = None
    lower: Optional[np.ndarray] = None
    upper: Optional[np.ndarray] = None
    probabilities: Optional[np.ndarray] = None
    dissimilarity: Optional[np.ndarray] = None
    applicable: Optional[np.ndarray] = None


class Predictor:
    """A card with what evaluates its model; threads may share one."""

    def __init__(self, path: Path, card: PredictorCard, engine: Engine, reach: Optional[Reach]) -> None:
        """Take the parts."""
        self.path = path
        self.card = card
        self._engine = engine
        self._reach = reach
        self._plain = all(transform.kind == NONE for transform in card.target.transforms)

    @property
    def device(self) -> str:
        """Return what computes."""
        return self._engine.device

    def require_space(self, key: str, name: str) -> None:
        """Raise unless vectors of this key lie in the predictor's space; the message names both."""
        require_same(self.card.space_key, f"The predictor {self.path}", key, name)

    def predict(self, features: np.ndarray, wanted: Wanted = Wanted()) -> Predicted:
        """Predict features `(D + C, n)`, embedding first; only what is wanted is evaluated.

        A column with a value that is not finite gives numbers that are not, or any class.
        """
        if features.ndim != 2 or len(features) != self.card.features:
            raise ValueError(f"features of shape {features.shape} for a predictor of {self.card.features}")
        features = np.asarray(features, dtype=np.float32)
        dissimilarity = applicable = None
        if wanted.applicability and self._reach is not None:
            dissimilarity = self._reach.dissimilarity(features)
            applicable = dissimilarity <= self._reach.threshold
        if self.card.classes:
            probabilities = self._engine.scores(features) if wanted.probabilities else None
            classes = self._engine.classes(features) if probabilities is None else probabilities.argmax(axis=0)
            return Predicted(classes=classes, probabilities=probabilities, dissimilarity=dissimilarity,
                             applicable=applicable)
        scores = self._engine.scores(features)
        lower = upper = None
        if wanted.interval and self.card.interval is not None:
            half = self.card.interval.half_width(wanted.interval)[:, np.newaxis]
            lower, upper = self._in_units(scores - half), self._in_units(scores + half)
        return Predicted(value=self._in_units(scores), lower=lower, upper=upper, dissimilarity=dissimilarity,
                         applicable=applicable)

    def _in_units(self, scores: np.ndarray) -> np.ndarray:
        """Undo the target's transform."""
        if self._plain:
            return scores.astype(np.float32, copy=False)
        return np.ascontiguousarray(self.card.target.inverse(scores.T).T, dtype=np.float32)


def open_predictor(path: "str | Path", progress: Progress) -> Predictor:
    """Read, check and make ready a predictor, named by its .onnx or its .json."""
    stored = read_predictor(path, progress)
    return Predictor(stored.path, stored.card, open_engine(stored), _reach(stored))


def _reach(stored: StoredPredictor) -> Optional[Reach]:
    """Put the area of applicability together from card and graph."""
    values = stored.card.applicability
    if values is None:
        return None
    found = applicability_from_json(values, stored.array(REFERENCE, None, stored.card.features))
    if not len(found.reference):
        raise broken(stored.path, "its area of applicability has no rows")
    return Reach(found)

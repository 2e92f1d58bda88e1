"""Predictors that are a formula, and rows to explain them by."""

from __future__ import annotations

from typing import Any, Callable, Optional

import numpy as np
from small_fields import wkt_of

from earthprint.engine.explaining.rows import LabelledRows
from earthprint.engine.predictors.card import PredictorCard
from earthprint.engine.predictors.predictor import Predicted, Wanted
from earthprint.engine.space import Space
from earthprint.engine.training.columns import ColumnPlan
from earthprint.engine.training.target import TargetClass, TargetPlan
from earthprint.engine.training.transforms import TargetTransform

Formula = Callable[[np.ndarray], np.ndarray]


class FormulaPredictor:
    """What the engine asks of a predictor: values `(T, n)` or probabilities `(K, n)` of features, by a formula."""

    def __init__(self, formula: Formula, dimensions: int, targets: int = 1, classes: int = 0,
                 columns: Optional[ColumnPlan] = None, metric: str = "euclidean") -> None:
        self._formula = formula
        space = Space("formula", dimensions, metric=metric)
        plan = TargetPlan(("kind",), classes=tuple(
            TargetClass(f"k{number}", f"Kind {number}", "#112233", 1) for number in range(classes))) if classes else (
            TargetPlan(tuple(f"y{number}" for number in range(targets)), (TargetTransform(),) * targets))
        self.card = PredictorCard("formula", "logistic" if classes else "ridge", plan, space.key(), dimensions, space,
                                  columns or ColumnPlan())

    def predict(self, features: np.ndarray, wanted: Wanted) -> Predicted:
        answer = self._formula(features.astype(np.float64))
        return Predicted(probabilities=answer, classes=answer.argmax(axis=0)) if self.card.classes else Predicted(
            value=answer)


def made_rows(features: np.ndarray, truth: np.ndarray, dimensions: int, points: Optional[np.ndarray] = None,
              units: Optional[np.ndarray] = None, **further: Any) -> LabelledRows:
    """Return rows of features `(F, n)`; without points they have none."""
    count = features.shape[1]
    return LabelledRows(
        "“made”", features.astype(np.float32), dimensions, truth,
        np.full((count, 2), np.nan) if points is None else points, further.get("wkt", wkt_of(32633)),
        np.arange(count) if units is None else units, list(range(100, 100 + count)), Space("formula", dimensions), ())


def softmax(scores: np.ndarray) -> np.ndarray:
    """Return probabilities `(K, n)` of scores."""
    raised = np.exp(scores - scores.max(axis=0))
    return raised / raised.sum(axis=0)

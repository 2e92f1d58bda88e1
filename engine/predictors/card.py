"""A predictor's card: what it predicts from which space, how good it is, and how it was made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping, Optional, Tuple

from ..provenance import Provenance
from ..space import Space
from ..training.class_calibration import ClassCalibration
from ..training.columns import ColumnPlan
from ..training.conformal import Conformal
from ..training.target import TargetPlan

REGRESSION, CLASSIFICATION = "regression", "classification"


@dataclass(frozen=True)
class PredictorCard:
    """All that is known of a predictor but its numbers, which lie in the ONNX file.

    `kind` is the model's; `applicability` holds the values of the area of applicability but its reference rows;
    `source` is what is needed to train again: target, columns and the layer's name without folders.
    """

    name: str
    kind: str
    target: TargetPlan
    space_key: str
    dimensions: int
    space: Optional[Space] = None
    columns: ColumnPlan = field(default_factory=ColumnPlan)
    settings: "Mapping[str, Any]" = field(default_factory=dict)
    figures: "Mapping[str, Any]" = field(default_factory=dict)
    folds: "Mapping[str, Any]" = field(default_factory=dict)
    interval: Optional[Conformal] = None
    calibration: Optional[ClassCalibration] = None
    applicability: "Optional[Mapping[str, Any]]" = None
    created: str = ""
    versions: "Mapping[str, str]" = field(default_factory=dict)
    provenance: "Tuple[Provenance, ...]" = ()
    sample_count: int = 0
    warnings: "Tuple[str, ...]" = ()
    source: "Mapping[str, Any]" = field(default_factory=dict)

    @property
    def classes(self) -> int:
        """Return the number of classes, 0 for a regression."""
        return len(self.target.classes)

    @property
    def task(self) -> str:
        """Return regression or classification."""
        return CLASSIFICATION if self.target.classes else REGRESSION

    @property
    def outputs(self) -> int:
        """Return how many scores or probabilities there are for a row."""
        return self.classes or len(self.target.names)

    @property
    def features(self) -> int:
        """Return how many numbers a row is predicted from."""
        return self.dimensions + self.columns.width

"""Everything a training found out, before it is told: in the log, in the report, in the predictor's card."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Mapping, Optional

import numpy as np

from .applicability import Applicability
from .class_calibration import ClassCalibration
from .conformal import Conformal
from .figures import Interval
from .judging import Outcome
from .moran import Moran
from .request import TrainRequest
from .samples import Samples


@dataclass(frozen=True)
class Worth:
    """What a group of features is worth: the loss of score when its values are shuffled within each fold."""

    name: str
    loss: Interval


@dataclass(frozen=True)
class Coverage:
    """How often intervals made from the other folds held the truth of a fold, and their mean width, per target."""

    level: float
    share: "tuple[float, ...]"
    width: "tuple[float, ...]"


@dataclass(frozen=True)
class Account:
    """A training: its labels, its folds, and how the model and what it is compared with did.

    `compared` holds the scores of the candidates of "best" on all rows, `kinds` the model chosen in each fold.
    """

    request: TrainRequest
    samples: Samples
    score_name: str
    model: Outcome
    constant: Outcome
    random: Optional[Outcome]
    coordinates: Optional[Outcome]
    coordinates_random: Optional[Outcome]
    columns: Optional[Outcome]
    kind: str
    settings: "Mapping[str, object]"
    kinds: "tuple[str, ...]"
    compared: "Dict[str, float]"
    conformal: Optional[Conformal]
    coverage: "tuple[Coverage, ...]"
    lower: Optional[np.ndarray]
    upper: Optional[np.ndarray]
    calibration: Optional[ClassCalibration]
    applicability: Applicability
    outside: float
    moran: "tuple[Moran, ...]"
    worth: "tuple[Worth, ...]"
    warnings: "tuple[str, ...]"
    created: str
    versions: "Mapping[str, str]"

    @property
    def figures(self) -> "Dict[str, object]":
        """Return the figures as the card keeps them."""
        return {
            "score": self.score_name, "value": _score(self.model),
            "targets": [part.as_json() for part in self.model.scored],
            "random": _score(self.random), "coordinates": _score(self.coordinates),
            "coordinates_random": _score(self.coordinates_random), "columns": _score(self.columns),
            self.constant.name: _score(self.constant),
            "coverage": [{"level": part.level, "share": list(part.share), "width": list(part.width)}
                         for part in self.coverage],
            "outside": self.outside}

    @property
    def folds(self) -> "Dict[str, object]":
        """Return how the rows were parted, as the card keeps it."""
        folds = self.model.folds
        return {"kind": folds.kind, "count": folds.count, "block_size": folds.block_size, "why": folds.why}


def _score(outcome: Optional[Outcome]) -> Optional[float]:
    """Return a score, or None where there is none."""
    return None if outcome is None or not np.isfinite(outcome.score) else outcome.score

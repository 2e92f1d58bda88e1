"""Whether the rows are those that the predictor was trained on, which flatters its score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..number_text import score_text
from ..predictors.predictor import Predictor, Wanted
from .rows import LabelledRows

_SAME = 1e-4
_FEW = 0.02
# As many training rows stand for all in the area of applicability.
_REMEMBERED = 2000


@dataclass(frozen=True)
class Familiar:
    """How many rows equal a training row that the predictor remembers, which is only a share of all it learnt from."""

    count: int
    rows: int
    remembered: float

    @property
    def many(self) -> bool:
        """Tell whether it can't be by chance."""
        return self.count > max(1.0, _FEW * self.rows * self.remembered)


def familiar_rows(predictor: Predictor, rows: LabelledRows) -> Familiar:
    """Count the rows that are no farther from a training row than rounding explains; none where none are remembered."""
    found = predictor.predict(rows.features, Wanted(applicability=True)).dissimilarity
    return Familiar(0 if found is None else int((found < _SAME).sum()), len(rows),
                    min(1.0, _REMEMBERED / max(predictor.card.sample_count, 1)))


def familiar_warning(familiar: Familiar, predictor: Predictor, score_name: str, score: float) -> str:
    """Say what that does to the figures."""
    expected = predictor.card.figures.get("value")
    new = ""
    if isinstance(expected, (int, float)) and np.isfinite(expected):
        new = f"; validation expects {score_text(float(expected))} of rows that it has not seen"
    how_many = (f"All {familiar.rows:,}" if familiar.count == familiar.rows
                else f"At least {familiar.count:,} of the {familiar.rows:,}")
    some = "" if familiar.remembered == 1 else (
        f" (it remembers only some of the {predictor.card.sample_count:,} it was trained on)")
    return (f"{how_many} rows were in the predictor's training{some}, so its {score_name} of {score_text(score)} here "
            f"is flattered{new}. Losses compare groups with each other all the same, but what was learnt by heart "
            "weighs too much in them: give labelled rows that it has not seen.")

"""Everything that was found out about a predictor, before it is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple

from ..predictors.card import PredictorCard
from ..training.moran import Moran
from .dependence import Dependence
from .importance import Importances
from .judgement import Judgement
from .nearest_examples import PlaceExamples
from .request import ExplainRequest
from .rows import LabelledRows


@dataclass(frozen=True)
class Explained:
    """A predictor, the rows it was explained by, and what came out; what was not asked for is empty."""

    request: ExplainRequest
    card: PredictorCard
    rows: LabelledRows
    judgement: Judgement
    importances: Importances
    dependences: "Tuple[Dependence, ...]"
    examples: "Tuple[PlaceExamples, ...]"
    morans: "Tuple[Moran, ...]"
    warnings: "Tuple[str, ...]"

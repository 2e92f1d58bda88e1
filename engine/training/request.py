"""What is asked of a training, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass, field

from .gathering import GatherRequest

AUTOMATIC = "automatic"
RANDOM = "random"
BLOCKS = "blocks"
GROUP = "group"
KMEANS = "kmeans"
FOLDS = (AUTOMATIC, RANDOM, BLOCKS, GROUP, KMEANS)
BEST = "best"
REGRESSIONS = ("ridge", "knn", "forest", "boosting", "mlp", "gp", BEST)
CLASSIFICATIONS = ("logistic", "knn", "forest", "boosting", "mlp", "gp", BEST)
BALANCED = "balanced"
EQUAL = "equal"


@dataclass(frozen=True)
class FoldChoice:
    """How the labels are parted: the kind, how many parts, and the side of blocks in units of the CRS (0: by data)."""

    kind: str = AUTOMATIC
    count: int = 5
    block_size: float = 0.0


@dataclass(frozen=True)
class TrainRequest:
    """A training: what to gather, which model, how to validate it, and where the results go.

    `class_weights` balanced lets every class weigh alike. An empty path leaves a result out, the predictor excepted.
    """

    gather: GatherRequest
    output: str
    model: str
    folds: FoldChoice = field(default_factory=FoldChoice)
    class_weights: str = EQUAL
    report: str = ""
    predictions: str = ""
    resume: bool = True
    seed: int = 0


@dataclass(frozen=True)
class TrainResult:
    """What a training found: the pooled out-of-fold figures (NaN where one was not computed) and what to mind."""

    output: str
    score: float
    score_random: float
    score_coordinates: float
    rows: int
    model: str
    warnings: "tuple[str, ...]" = ()

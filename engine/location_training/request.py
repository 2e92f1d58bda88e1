"""What is asked of the training of a location encoder, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Mapping, Optional, Tuple, Union

from ..locations.settings import Settings
from ..registry import Registry
from ..table import Rows

AUTOMATIC = "automatic"
TARGET, DISTIL, CONTRASTIVE, VIEWS = "target", "distil", "contrastive", "views"
OBJECTIVES = (AUTOMATIC, TARGET, DISTIL, CONTRASTIVE, VIEWS)
REGRESSION, CLASSIFICATION = "regression", "classification"
TASKS = (AUTOMATIC, REGRESSION, CLASSIFICATION)
KINDS = (
    "tile", "wrap", "wrap-ffn", "rbf", "fourier-planar", "space2vec-grid", "space2vec-theory", "xyz", "nerf",
    "sphere2vec-c", "sphere2vec-c-plus", "sphere2vec-m", "sphere2vec-m-plus", "sphere2vec-dfs", "spherical-harmonics",
    "fourier-sphere")
DEFAULT_KIND = "fourier-sphere"
DEVICES = ("auto", "cpu", "cuda")
MOST_EPOCHS = 60
FIELD_PLACES = 20_000


@dataclass(frozen=True)
class TrainLocationRequest:
    """A training: places and what is known there, the kind of encoder, the objective, and where the results go.

    `rows` are the features of the input; only a field, or a table that has places, can do without. `embeddings`: None
    for vectors that the rows carry themselves, the path of a field, or the rows of a table, joined by `key` and
    `embeddings_key` or else by place. `samples` is how many places are drawn from a field, evenly by area; with 0 the
    field is read under `rows`, or at 20,000 places where there are none.

    `task` automatic takes texts and yes/no for classes and numbers for numbers. What is zero in `settings` is proposed
    from the data. `epochs` 0 lets early stopping decide. `block_size` is in units of the CRS of the rows, 0 = from the
    data.
    """

    rows: Optional[Rows]
    output: str
    kind: str = DEFAULT_KIND
    targets: "Tuple[str, ...]" = ()
    embeddings: Union[None, str, Rows] = None
    objective: str = AUTOMATIC
    task: str = AUTOMATIC
    dimensions: int = 64
    settings: Settings = field(default_factory=Settings)
    epochs: int = 0
    seed: int = 0
    device: str = "auto"
    folds: int = 5
    block_size: float = 0.0
    samples: int = 0
    key: str = ""
    embeddings_key: str = ""
    name: str = ""
    report: str = ""
    resume: bool = True
    memory_mib: int = 1024
    registry: Optional[Registry] = None


@dataclass(frozen=True)
class TrainLocationResult:
    """What a training found: scores pooled over held-out blocks (NaN where one was not computed), and what to mind.

    `score_name` says what the scores are: R², balanced accuracy, cosine. `score_neighbours` is that of the nearest
    places on the sphere, `score_coordinates` that of a ridge regression on plain coordinates.
    """

    output: str
    dimensions: int
    score: float
    score_coordinates: float
    score_neighbours: float
    device: str
    warnings: "Tuple[str, ...]" = ()
    score_name: str = ""
    kind: str = ""
    objective: str = ""
    rows: int = 0
    epochs: int = 0
    seconds: float = 0.0
    figures: "Mapping[str, float]" = field(default_factory=dict)

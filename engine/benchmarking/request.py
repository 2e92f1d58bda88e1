"""What is asked of a benchmark, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple

from ..encoders.library import EncoderFolders
from ..errors import InputError
from ..features.shapes import BILINEAR
from ..registry import Registry
from ..table import Rows
from ..training.transforms import NONE

AUTOMATIC = "automatic"
REGRESSION, CLASSIFICATION = "regression", "classification"
TASKS = (AUTOMATIC, REGRESSION, CLASSIFICATION)
KNN, LINEAR, FOREST = "knn", "linear", "forest"
PROBES = (KNN, LINEAR, FOREST)
RANDOM, BLOCKS = "random", "blocks"
FOLDS = (RANDOM, BLOCKS)
ALL = 0


@dataclass(frozen=True)
class Labelled:
    """A layer whose rows are labelled, and the columns that are to be predicted, each by itself."""

    rows: Rows
    targets: "Tuple[str, ...]"


@dataclass(frozen=True)
class BenchmarkRequest:
    """A call of “Compare encoders”.

    `encoders` are texts: automatic, ids or paths of encoders of images or of locations. `fields` are paths of embedding
    rasters, `tables` embedding tables that are joined by place or by `key`. `dimensions` and `labels` count 0 as all.
    `cell` is in pixels of the images, 0 for the encoder's own. `results` is the folder in which what is finished is
    kept.
    """

    layers: "Tuple[Labelled, ...]"
    output: str
    results: str
    folders: EncoderFolders
    images: "Tuple[str, ...]" = ()
    encoders: "Tuple[str, ...]" = ()
    fields: "Tuple[str, ...]" = ()
    tables: "Tuple[Rows, ...]" = ()
    key: str = ""
    tables_key: str = ""
    task: str = AUTOMATIC
    transform: str = NONE
    probes: "Tuple[str, ...]" = PROBES
    folds: "Tuple[str, ...]" = FOLDS
    fold_count: int = 5
    block_size: float = 0.0
    dimensions: "Tuple[int, ...]" = (ALL,)
    labels: "Tuple[int, ...]" = (ALL,)
    sampling: str = BILINEAR
    cell: int = 0
    device: str = "auto"
    geobias: bool = True
    report: str = ""
    resume: bool = True
    seed: int = 0
    memory_mib: int = 1024
    registry: Optional[Registry] = None

    def check(self) -> None:
        """Refuse words and numbers that mean nothing."""
        for value, allowed, name in ((self.probes, PROBES, "PROBES"), (self.folds, FOLDS, "FOLDS")):
            unknown = [word for word in value if word not in allowed]
            if unknown or not value:
                raise InputError("benchmark-word", "{name}: “{value}” is none of them: choose among {allowed}, "
                                 "separated by semicolons.", name=name, value="; ".join(unknown),
                                 allowed=", ".join(allowed))
        for value, name, least in ((self.dimensions, "DIMENSIONS", 1), (self.labels, "LABELS", 2)):
            wrong = [number for number in value if number != ALL and number < least]
            if wrong or not value:
                raise InputError("benchmark-number", "{name}: {value} is too few: give numbers of at least {least}, "
                                 "or 0 for all, separated by semicolons.", name=name,
                                 value=", ".join(map(str, wrong)) or "nothing", least=least)
        if not self.layers:
            raise InputError("benchmark-layers", "INPUTS is empty: give at least one layer whose features are "
                             "labelled.")


@dataclass(frozen=True)
class BenchmarkResult:
    """What a benchmark found: the best candidate and its score, how much was computed anew, and what to mind."""

    output: str
    best: str
    score: float
    rows: int
    computed: int
    kept: int
    warnings: "Tuple[str, ...]" = ()

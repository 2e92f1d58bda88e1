"""What every objective can do: teach rows without seeing others, predict what was held out, and judge all of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Protocol, Tuple

import numpy as np

from ...progress import Progress
from ...provenance import Provenance
from ...training.folds import Folds
from ..gathered import Gathered
from ..judged import Verdict


class Lesson(Protocol):
    """What one training learns: fitted to its own rows only, and what is learnt beside the encoder.

    `parameters` are torch tensors that require gradients, on the device of the training; they are optimised and kept
    along with the encoder's own. All else must follow from the rows and the seed.
    """

    parameters: "List[Any]"

    def loss(self, vectors: Any, rows: np.ndarray) -> Any:
        """Return the mean loss of the encoder's vectors `(b, D)` (a tensor) of these rows, as a tensor."""


@dataclass(frozen=True, eq=False)
class Seen:
    """A fold as an objective predicts it: vectors of the rows that were learnt from and of those held out.

    `inner` are the folds of `rows` in which a probe may choose its settings.
    """

    rows: np.ndarray
    vectors: np.ndarray
    held: np.ndarray
    held_vectors: np.ndarray
    inner: np.ndarray
    lesson: Lesson
    seed: int


@dataclass(frozen=True)
class Judgement:
    """The verdict of all targets together, one for each where there are several, and the warnings that follow."""

    verdict: Verdict
    parts: "Tuple[Verdict, ...]"
    warnings: "Tuple[str, ...]"


class Objective(Protocol):
    """One way to teach an encoder; rows are numbered 0 … n − 1 as in `gathered`.

    `unit_norm` asks for vectors of length one. `signals` `(n, m)` is what blocks are sized by: what is to be learnt,
    NaN where it is missing. `strata` `(n,)` are classes that folds should share out, or None. `what` says for people
    what is learnt, `facts` tell the card, and `digest` tells two sets of data apart.
    """

    name: str
    what: str
    unit_norm: bool
    gathered: Gathered
    signals: np.ndarray
    strata: Optional[np.ndarray]
    provenance: "Tuple[Provenance, ...]"

    def width(self, wanted: int, progress: Progress) -> int:
        """Return the dimensions of the encoder where so many are wanted, and tell where they differ."""

    def lesson(self, torch: Any, rows: np.ndarray, dimensions: int, seed: int, device: Any) -> Lesson:
        """Start a training on some rows; random numbers come from NumPy's generator of the seed."""

    def predict(self, seen: Seen, progress: Progress) -> "Dict[str, np.ndarray]":
        """Return what each way (ENCODER, COORDINATES, …) says of the held rows: arrays whose first axis is theirs."""

    def judge(self, predicted: "Mapping[str, np.ndarray]", folds: Folds) -> Judgement:
        """Judge what was predicted for all rows."""

    def facts(self) -> "Mapping[str, Any]":
        """Return plain values for the card: what was learnt from which data."""

    def digest(self) -> str:
        """Return a digest of all values that are learnt from."""

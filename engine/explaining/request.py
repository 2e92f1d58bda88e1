"""What is to be explained, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple, Union

from ..errors import InputError
from ..registry import Registry
from ..table import Rows
from ..training.gathering import GatherRequest

FEWEST_ROWS = 10


@dataclass(frozen=True)
class ExplainRequest:
    """A predictor and labelled rows, as in its training; `target` is empty where they bear the names on the card.

    `groups` and `coordinates` are texts as users write them. `output` is the table of importance; the other results
    are left out where their path is empty.
    """

    predictor: str
    rows: Rows
    output: str
    target: "Tuple[str, ...]" = ()
    embeddings: Union[None, str, Rows] = None
    key: str = ""
    embeddings_key: str = ""
    groups: str = ""
    repeats: int = 10
    coordinates: str = ""
    neighbours: int = 5
    cells: str = "50"
    seed: int = 0
    dependence: str = ""
    examples: str = ""
    dimensions: str = ""
    report: str = ""
    memory_mib: int = 1024
    registry: Optional[Registry] = None

    def gathering(self, target: "Tuple[str, ...]", columns: "Tuple[str, ...]", task: str) -> GatherRequest:
        """Return the request that a training would gather by."""
        return GatherRequest(
            rows=self.rows, target=target, task=task, embeddings=self.embeddings, key=self.key,
            embeddings_key=self.embeddings_key, columns=columns, cells=self.cells, seed=self.seed,
            memory_mib=self.memory_mib, registry=self.registry)

    def check(self) -> None:
        """Refuse what means nothing."""
        if self.repeats < 1:
            raise InputError("explain-repeats", "REPEATS is {repeats}: shuffle at least once.", repeats=self.repeats)
        if self.neighbours < 1:
            raise InputError("explain-neighbours", "NEIGHBOURS is {neighbours}: ask for at least 1 example.",
                             neighbours=self.neighbours)
        if self.examples and not self.coordinates.strip():
            raise InputError("explain-examples", "EXAMPLES shows what places are predicted from, and COORDINATES names "
                             "none: write a place as x,y, several separated by semicolons.")


@dataclass(frozen=True)
class ExplainResult:
    """The score of the predictor on the rows, what matters most to it, and what the user should know."""

    output: str
    score: float
    rows: int
    most: str
    loss: float
    warnings: "Tuple[str, ...]"

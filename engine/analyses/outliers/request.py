"""What “Find outliers” is asked for, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import InputError

NEIGHBOURS = "neighbours"
CLUSTER = "cluster"
METHODS = (NEIGHBOURS, CLUSTER)


@dataclass(frozen=True)
class OutlierChoice:
    """How to score: the distance to the nearest neighbour of rank `neighbours`, or to the nearest of `clusters`."""

    method: str = NEIGHBOURS
    neighbours: int = 5
    clusters: int = 8
    sample: int = 2_000
    seed: int = 0

    def check(self) -> None:
        """Refuse what can't be."""
        if self.method not in METHODS:
            raise InputError("outlier-method", "“{method}” is not a method of finding outliers: choose neighbours or "
                             "cluster.", method=self.method)
        for name, value in (("NEIGHBOURS", self.neighbours), ("CLUSTERS", self.clusters), ("SAMPLE", self.sample)):
            if value < 1:
                raise InputError("outlier-number", "{name} is {value}: give 1 or more.", name=name, value=value)


@dataclass(frozen=True)
class OutlierRasterRequest:
    """A field to be scored."""

    input: str
    output: str
    choice: OutlierChoice = OutlierChoice()
    memory_mib: int = 1024


@dataclass(frozen=True)
class OutlierTableRequest:
    """A table to be scored; the table itself is handed over beside it, since its rows may come from anywhere."""

    output: str
    choice: OutlierChoice = OutlierChoice()


@dataclass(frozen=True)
class OutlierResult:
    """What a run made: where it is, how many vectors scored, and with how many they were compared."""

    output: str
    scored: int
    compared: int

"""What is asked of a field under features, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from ..errors import InputError
from ..registry import Registry
from ..table import Rows
from .shapes import BILINEAR, NEAREST
from .statistics import MEAN, STATISTICS


@dataclass(frozen=True)
class FeaturesRequest:
    """Features to embed from a field."""

    rows: Rows
    field: str
    output: str
    statistic: str = MEAN
    sampling: str = BILINEAR
    keep_empty: bool = False
    memory_mib: int = 1024
    registry: Optional[Registry] = None

    def check(self) -> None:
        """Refuse words that mean nothing."""
        if self.statistic not in STATISTICS:
            raise InputError("features-statistic", "“{word}” is not a statistic: choose one of {words}.",
                             word=self.statistic, words=", ".join(STATISTICS))
        if self.sampling not in (BILINEAR, NEAREST):
            raise InputError("features-sampling", "“{word}” is not a way of sampling: choose bilinear or nearest.",
                             word=self.sampling)


@dataclass(frozen=True)
class FeaturesResult:
    """How many features got a vector, and what was read for it."""

    output: str
    covered: int
    outside: int
    dimensions: int
    blocks_read: int
    seconds: float

"""What “Reduce dimensions” is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from ...errors import InputError
from .fitted import PCA, UMAP

METHODS = (PCA, UMAP)
UMAP_SAMPLE = 10_000


@dataclass(frozen=True)
class ReduceRequest:
    """A call; the input of a raster is its path, that of a table is handed over beside the request."""

    output: str
    input: str = ""
    method: str = PCA
    dimensions: int = 3
    picture: bool = False
    reuse: str = ""
    model_out: str = ""
    report: str = ""
    sample: int = 100_000
    seed: int = 0
    memory_mib: int = 1024

    def check(self) -> None:
        """Refuse what can't be."""
        if self.method not in METHODS:
            raise InputError("reduce-method", "“{method}” is not a method of reduction: choose pca or umap.",
                             method=self.method)
        if self.dimensions < 1:
            raise InputError("reduce-dimensions", "{count} dimensions are too few: ask for 1 or more.",
                             count=self.dimensions)


@dataclass(frozen=True)
class ReduceResult:
    """What was made."""

    output: str
    dimensions: int
    explained: "tuple[float, ...]"
    model_out: Optional[str]
    report: Optional[str]

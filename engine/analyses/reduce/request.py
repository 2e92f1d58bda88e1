"""What “Reduce dimensions” is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...errors import InputError
from ...whole import require_writable
from .fitted import PCA, UMAP

METHODS = (PCA, UMAP)
STRETCH_SAMPLE = 50_000


@dataclass(frozen=True)
class ReduceRequest:
    """A call; the input of a raster is its path, that of a table is handed over beside the request.

    `sample` is how many vectors UMAP is fitted to. An empty path leaves out what it names.
    """

    output: str
    input: str = ""
    method: str = PCA
    dimensions: int = 3
    picture: bool = False
    reuse: str = ""
    model_out: str = ""
    report: str = ""
    sample: int = 5_000
    seed: int = 0
    memory_mib: int = 1024

    def check(self) -> None:
        """Refuse what can't be before any work is done."""
        if self.method not in METHODS:
            raise InputError("reduce-method", "“{method}” is not a method of reduction: choose pca or umap.",
                             method=self.method)
        if self.dimensions < 1:
            raise InputError("reduce-dimensions", "DIMENSIONS is {count}: ask for 1 or more.", count=self.dimensions)
        for path in filter(None, (self.model_out, self.report)):
            require_writable(Path(path))


@dataclass(frozen=True)
class ReduceResult:
    """What was made: `explained` holds the share of the variance of each component, where there are such."""

    output: str
    dimensions: int
    explained: "tuple[float, ...]"

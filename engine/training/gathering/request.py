"""What is to be gathered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Mapping, Optional, Tuple, Union

from ...errors import InputError
from ...features.shapes import BILINEAR, NEAREST
from ...registry import Registry
from ...table import Rows
from ..transforms import NONE, TRANSFORMS

REGRESSION, CLASSIFICATION = "regression", "classification"
IMPUTE, DROP = "impute", "drop"
ALL, MEAN = "all", "mean"


@dataclass(frozen=True)
class GatherRequest:
    """Labelled rows, what is known of them, and where their vectors come from.

    `embeddings`: None for vectors that the rows carry themselves, the path of a field, or the rows of a table; a table
    is joined by the values of `key` and `embeddings_key` (one is enough where both layers call it the same), else by
    place. `cells` is what a polygon gives: "all" of its cells, "mean" of them, or a number of them chosen by `seed`.
    `mask` are polygons in the CRS of the rows. `colours` are those of classes by value, as a layer is styled.
    """

    rows: Rows
    target: "Tuple[str, ...]"
    task: str = REGRESSION
    embeddings: Union[None, str, Rows] = None
    key: str = ""
    embeddings_key: str = ""
    columns: "Tuple[str, ...]" = ()
    weight: str = ""
    group: str = ""
    merge: str = ""
    smallest_class: int = 2
    transform: str = NONE
    missing: str = IMPUTE
    cells: str = ALL
    sampling: str = BILINEAR
    mask: "Tuple[bytes, ...]" = ()
    seed: int = 0
    id_field: str = ""
    colours: "Mapping[str, str]" = field(default_factory=dict)
    units: "Tuple[str, ...]" = ()
    most_cells: int = 200_000
    memory_mib: int = 1024
    registry: Optional[Registry] = None

    @property
    def each(self) -> int:
        """Return how many cells a polygon gives at most, 0 for all."""
        return int(self.cells) if self.cells not in (ALL, MEAN) else 0

    def check(self) -> None:
        """Refuse words that mean nothing."""
        for value, allowed, name in ((self.task, (REGRESSION, CLASSIFICATION), "task"),
                                     (self.transform, TRANSFORMS, "transform of the target"),
                                     (self.missing, (IMPUTE, DROP), "way with missing values"),
                                     (self.sampling, (BILINEAR, NEAREST), "way of sampling")):
            if value not in allowed:
                raise InputError("gather-word", "“{value}” is no {name}: choose one of {allowed}.", value=value,
                                 name=name, allowed=", ".join(allowed))
        if self.cells not in (ALL, MEAN) and not (self.cells.isdigit() and int(self.cells) > 0):
            raise InputError("gather-cells", "“{value}” doesn't say which cells of a polygon to take: write all, mean, "
                             "or a number of at least 1.", value=self.cells)
        if not self.target or not all(self.target):
            raise InputError("target-none", "No target is chosen: name the column of {name} that is to be learnt.",
                             name=self.rows.name)
        if self.task == CLASSIFICATION and len(self.target) > 1:
            raise InputError("target-several", "A classification learns one column, and {count} are named ({names}): "
                             "choose one of them.", count=len(self.target), names=", ".join(self.target))

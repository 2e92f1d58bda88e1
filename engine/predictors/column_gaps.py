"""Counts the cells of further columns that hold nothing, or what training never saw, and tells of them at the end."""

from __future__ import annotations

from collections import Counter
from typing import Any, Dict, Mapping, Sequence

from ..progress import Progress
from ..training.columns import Column, ColumnPlan, NumericColumn

_SHOWN = 3


class ColumnGaps:
    """What the rows so far had in place of values that training knew."""

    def __init__(self, plan: ColumnPlan) -> None:
        """Start with no rows."""
        self._plan = plan
        self._empty: "Dict[str, int]" = {column.name: 0 for column in plan.columns}
        self._strange: "Dict[str, Counter[str]]" = {column.name: Counter() for column in plan.columns}

    def count(self, values: "Mapping[str, Sequence[Any]]") -> None:
        """Add rows."""
        for name, count in zip(self._empty, self._plan.missing(values).sum(axis=0).tolist()):
            self._empty[name] += count
        for name, found in self._plan.strange(values).items():
            self._strange[name].update(found)

    def tell(self, progress: Progress) -> None:
        """Warn of each column that had such cells, and say what they count as."""
        for column in self._plan.columns:
            if self._empty[column.name]:
                progress.warn(f"{self._empty[column.name]:,} empty cells of “{column.name}” {_stand_in(column)}.")
            strange = self._strange[column.name]
            if strange:
                shown = ", ".join(f"“{level}”" for level, _ in strange.most_common(_SHOWN))
                more = ", …" if len(strange) > _SHOWN else ""
                progress.warn(f"{sum(strange.values()):,} cells of “{column.name}” hold what training never saw "
                              f"({shown}{more}): they count as none of its levels.")


def _stand_in(column: Column) -> str:
    """Return what stands for an empty cell."""
    if isinstance(column, NumericColumn):
        return f"were given the median of the training, {column.median:g}"
    if column.absent:
        return "count as missing, which is a level of its own"
    return "count as one of its rarer levels" if column.other else "count as none of its levels"

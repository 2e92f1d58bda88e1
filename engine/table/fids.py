"""Feature ids of a table being written: the input's own while they are unique."""

from __future__ import annotations

from typing import Any, List, Sequence, Set


class FeatureIds:
    """Tells, as rows arrive, whether a column `fid` can still be the feature id.

    Rows mostly come in rising order, where remembering the last one is enough; only else all are kept.
    """

    def __init__(self) -> None:
        """Start without rows."""
        self._last = -1
        self._rising = True
        self._given: "List[int]" = []
        self._seen: "Set[int]" = set()

    def accept(self, values: "Sequence[Any]") -> bool:
        """Take the ids of the next rows, or refuse them all because one is missing or was there before."""
        whole = [value for value in values if isinstance(value, int) and not isinstance(value, bool) and value >= 0]
        if len(whole) != len(values):
            return False
        if self._rising:
            if all(later > earlier for earlier, later in zip([self._last, *whole], whole)):
                self._given.extend(whole)
                self._last = self._given[-1] if self._given else -1
                return True
            self._rising = False
            self._seen = set(self._given)
        fresh = set(whole)
        if len(fresh) != len(whole) or fresh & self._seen:
            return False
        self._seen |= fresh
        return True

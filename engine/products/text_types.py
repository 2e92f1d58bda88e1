"""Which columns of a text file hold numbers: those whose every value is one that nothing is lost of as a number."""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, List, Sequence, Set

TEXT, WHOLE, REAL = "text", "integer64", "real"
# A leading zero makes a code of digits, such as 01001; more than 18 digits don't fit, and more than 15 not into a real.
_WHOLE = re.compile(r"-?(0|[1-9]\d{0,17})\Z", re.ASCII)
_REAL = re.compile(r"-?((0|[1-9]\d{0,14})(\.\d*)?|[1-9]\d*\.\d*|\.\d+)([eE][+-]?\d{1,3})?\Z", re.ASCII)
_NUMBERED = re.compile(r"(.*?)\d+\Z", re.DOTALL)
_RUN = 8
_DIGITS_OF_REAL = 15
_CONVERT: "Dict[str, Callable[[str], Any]]" = {TEXT: str, WHOLE: int, REAL: float}
_WORDS = {WHOLE: _WHOLE.match, REAL: _REAL.match}


class ColumnTypes:
    """Takes the lines of a file, and narrows what each column can be.

    Long runs of numbered columns are left as texts: they are the vectors, which are read many values at a time.
    """

    def __init__(self, names: "Sequence[str]", others: "Sequence[int]") -> None:
        """Start with whole numbers everywhere but in `others` and in runs."""
        prefixes: "Dict[str, int]" = {}
        for name in names:
            prefixes[_prefix(name)] = prefixes.get(_prefix(name), 0) + 1
        self._kinds: "Dict[int, str]" = {
            index: WHOLE for index, name in enumerate(names)
            if index not in others and (not _NUMBERED.match(name) or prefixes[_prefix(name)] < _RUN)}
        self._seen: "Dict[int, bool]" = dict.fromkeys(self._kinds, False)
        self._long: "Set[int]" = set()

    def take(self, lines: "Sequence[Sequence[str]]") -> None:
        """Look at some lines; a value that is missing or empty says nothing."""
        for index, kind in list(self._kinds.items()):
            values = [line[index] for line in lines if index < len(line) and line[index]]
            self._seen[index] = self._seen[index] or bool(values)
            while kind != TEXT and not all(map(_WORDS[kind], values)):
                kind = REAL if kind == WHOLE and index not in self._long else TEXT
            if kind == WHOLE and any(len(value) > _DIGITS_OF_REAL for value in values):
                self._long.add(index)
            self._kinds[index] = kind
            if kind == TEXT:
                del self._kinds[index]

    def of(self, index: int) -> str:
        """Return a column's type; one without a value is text."""
        return self._kinds.get(index, TEXT) if self._seen.get(index) else TEXT


def converted(values: "Sequence[str]", kind: str) -> "List[Any]":
    """Return a column's values, None where there is none."""
    convert = _CONVERT[kind]
    if kind == TEXT and "" not in values:
        return list(values)
    return [convert(value) if value else None for value in values]


def _prefix(name: str) -> str:
    """Return a column's name without the number at its end."""
    match = _NUMBERED.match(name)
    return match[1] if match else name

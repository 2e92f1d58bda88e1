"""Ids of the same places in two layers, however each writes them: geoId/01001, 01001 and 1001."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Callable, Iterable, List, Set

_PREFIX = re.compile(r"^[A-Za-z_]\w*[/:](?P<rest>.+)$")
Reader = Callable[[Any], str]


@dataclass(frozen=True)
class Match:
    """How values of two columns are read so that most of them meet, and how many do."""

    read: Reader
    found: int
    of: int

    @property
    def share(self) -> float:
        """Return the share of the rows' keys that meet."""
        return self.found / self.of if self.of else 0.0


@dataclass(frozen=True)
class _Padded:
    """Reads keys without prefix, filled with zeros to one width."""

    width: int

    def __call__(self, value: Any) -> str:
        """Return the key."""
        key = bare_key(value)
        return key.zfill(self.width) if key.isdigit() else key


def plain_key(value: Any) -> str:
    """Return an id as text: 7, 7.0 and “7 ” are the same, “07” is not."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value).strip()


def bare_key(value: Any) -> str:
    """Return an id without what names its kind, such as geoId/ or zip/."""
    key = plain_key(value)
    match = _PREFIX.match(key)
    return match["rest"] if match else key


def match_keys(mine: "Iterable[Any]", theirs: "Iterable[Any]") -> Match:
    """Return the simplest of the ways to read both by which the most of the first column meet the second."""
    first, second = list(mine), list(theirs)
    ways: "List[Reader]" = [plain_key, bare_key]
    width = _width(first, second)
    if width:
        ways.append(_Padded(width))
    matches = []
    for read in ways:
        known = _read_all(second, read)
        wanted = _read_all(first, read)
        matches.append(Match(read, len(wanted & known), len(wanted)))
    return max(matches, key=lambda match: match.found)


def unmatched(values: "Iterable[Any]", others: "Iterable[Any]", read: Reader) -> "List[str]":
    """Return the keys of one side that the other has not, as they are written."""
    known = _read_all(others, read)
    return [plain_key(value) for value in values if plain_key(value) and read(value) not in known]


def _read_all(values: "Iterable[Any]", read: Reader) -> "Set[str]":
    """Return the different keys; empty ones name nothing."""
    return {key for key in map(read, values) if key}


def _width(first: "Iterable[Any]", second: "Iterable[Any]") -> int:
    """Return the width to fill numbers to: that of the side whose numbers all have one, while the other's are shorter.

    So numbers that lost their leading zeros in a spreadsheet find those that kept them, and 7 never meets 07 where
    both may be ids.
    """
    widths = []
    for values in (first, second):
        found = {len(key) for key in map(bare_key, values) if key.isdigit()}
        widths.append(found)
    fixed = [max(found) for found in widths if len(found) == 1]
    longest = max((max(found) for found in widths if found), default=0)
    return longest if longest in fixed and min(min(found, default=longest) for found in widths) < longest else 0

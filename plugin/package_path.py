"""Puts the installed packages where Python finds them: after everything that the host brings, never before."""

from __future__ import annotations

import importlib
import os
import sys
from typing import List


def append(folder: str) -> None:
    """Add a folder at the end of the search path, so that the host's own packages go first."""
    if folder not in sys.path:
        sys.path.append(folder)
        importlib.invalidate_caches()


def withdraw(folder: str) -> None:
    """Take a folder off the search path."""
    if folder in sys.path:
        sys.path.remove(folder)
        importlib.invalidate_caches()


def loaded_from(folder: str) -> List[str]:
    """Name the top-level modules that this process has loaded from a folder; such a folder can't be exchanged."""
    start = os.path.join(os.path.realpath(folder), "")
    found = set()
    for name, module in list(sys.modules.items()):
        origin = getattr(module, "__file__", None)
        if isinstance(origin, str) and os.path.realpath(origin).startswith(start):
            found.add(name.split(".")[0])
    return sorted(found)


def below(base: str) -> List[str]:
    """Return the entries of the search path that lie below a base folder: ours."""
    start = os.path.join(os.path.realpath(base), "")
    return [entry for entry in sys.path if entry and os.path.join(os.path.realpath(entry), "").startswith(start)]


def without(base: str) -> List[str]:
    """Return the search path less the folders below a base folder: what the host has without us."""
    ours = below(base)
    return [entry for entry in sys.path if entry and entry not in ours]

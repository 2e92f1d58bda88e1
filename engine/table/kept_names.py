"""Names for a layer's own columns where a result adds some that are called the same."""

from __future__ import annotations

from typing import Dict, Sequence

from ..progress import Progress
from .parts import ColumnSpec


def kept_names(layer: str, columns: "Sequence[ColumnSpec]", added: "Sequence[str]",
               progress: Progress) -> "Dict[str, str]":
    """Return new names for the layer's columns that are called as an added one is, and say so in the log."""
    taken = {column.name.lower() for column in columns} | {name.lower() for name in added}
    ours = {name.lower() for name in added}
    found: "Dict[str, str]" = {}
    for column in columns:
        if column.name.lower() not in ours:
            continue
        number = 1
        while f"{column.name}_{number}".lower() in taken:
            number += 1
        found[column.name] = f"{column.name}_{number}"
        taken.add(found[column.name].lower())
        progress.info(f"The column “{column.name}” of {layer} is kept as “{found[column.name]}”.")
    return found

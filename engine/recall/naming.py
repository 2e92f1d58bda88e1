"""What queries are called: names that were given, or those of the layers, told apart."""

from __future__ import annotations

from typing import List, Sequence

from ..errors import InputError


def query_names(labels: str, layers: "Sequence[str]") -> "List[str]":
    """Return one name for each layer; `labels` are names separated by semicolons, or empty."""
    given = [part.strip() for part in labels.split(";")] if labels.strip() else []
    if given and given[-1] == "":
        given.pop()
    if not given:
        return _apart(layers)
    if len(given) != len(layers):
        raise InputError("recall-labels", "LABELS holds {given} names for {layers} rasters: give one for each, "
                         "separated by semicolons.", given=len(given), layers=len(layers))
    if not all(given):
        raise InputError("recall-label-empty", "LABELS: name {number} is empty: give one for each raster.",
                         number=given.index("") + 1)
    return given


def _apart(names: "Sequence[str]") -> "List[str]":
    """Number names that occur again."""
    found: "List[str]" = []
    for name in names:
        number, own = 2, name
        while own in found:
            own, number = f"{name} {number}", number + 1
        found.append(own)
    return found

"""In which order the numbers of a vector are shown, and which of them belong together; plain Python."""

from __future__ import annotations

from typing import List, Optional, Sequence, Tuple

from ...engine.field import Field
from ...engine.space import Space
from .bars_widget import Bar, BarGroup

NUMBER, VALUE, SIZE, PARTS = "number", "value", "size", "parts"
ORDERS = (NUMBER, VALUE, SIZE, PARTS)


def dimension_names(dimensions: int, field: Optional[Field]) -> List[str]:
    """Name the numbers of a vector: by a raster's bands, else by their count from 1."""
    names = [""] * dimensions
    if field is not None and len(field.info.data_bands) == dimensions:
        names = [band.description for band in field.info.data_bands]
    return [name or "Dimension {}".format(number) for number, name in enumerate(names, 1)]


def short_name(name: str) -> str:
    """Return what tells a dimension from others where it is said that they are dimensions."""
    start, _, rest = name.partition(" ")
    return rest if start in ("Dimension", "Component") and rest.isdigit() else name


def parts_of(space: Optional[Space]) -> List[BarGroup]:
    """Return the blocks that a space is made of: the layers that were fused into it; none where it is one."""
    if space is None:
        return []
    parts = space.details.get("parts")
    try:
        found = [BarGroup(str(part["name"]), int(part["dimensions"])) for part in parts or ()]
    except (KeyError, TypeError, ValueError):
        return []
    whole = [group for group in found if group.count > 0]
    return whole if len(whole) > 1 and sum(group.count for group in whole) == space.dimensions else []


def arranged(bars: Sequence[Bar], order: str, parts: Sequence[BarGroup]) -> "Tuple[List[Bar], List[BarGroup]]":
    """Return bars as they are to be shown, and the groups under them; falling values within each part."""
    if order == PARTS and parts:
        shown: List[Bar] = []
        for group in parts:
            shown += _falling(bars[len(shown):len(shown) + group.count])
        return shown, list(parts)
    if order == VALUE:
        return _falling(bars), []
    if order == SIZE:
        return sorted(bars, key=lambda bar: -abs(bar.value)), []
    return list(bars), list(parts)


def _falling(bars: Sequence[Bar]) -> List[Bar]:
    """Return bars from the highest to the lowest."""
    return sorted(bars, key=lambda bar: -bar.value)

"""Tiles by the CRS they lie in, such as the zones of UTM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Sequence, Tuple

import numpy as np

from ..dataset import spatial_reference
from ..errors import InputError
from .published_field import PublishedField

_SAME = 1e-6


@dataclass(frozen=True)
class Zone:
    """The tiles in one CRS."""

    name: str
    tiles: "Tuple[PublishedField, ...]"

    @property
    def cells(self) -> int:
        """Return how many cells the tiles have together."""
        return sum(tile.grid.width * tile.grid.height for tile in self.tiles)


def zones_of(tiles: "Sequence[PublishedField]") -> "List[Zone]":
    """Return the tiles by their CRS, the largest zone first; they must be of one product, coding and cell size."""
    first = tiles[0]
    for tile in tiles[1:]:
        if (tile.product.name, tile.dimensions, tile.coding.code) != (
                first.product.name, first.dimensions, first.coding.code):
            raise InputError("tile-products", "{first} holds {told} and {other} holds {found}: import tiles of one "
                             "product and form at a time.", first=first.path, told=_in_words(first), other=tile.path,
                             found=_in_words(tile))
    found: "Dict[str, List[PublishedField]]" = {}
    for tile in tiles:
        reference = spatial_reference(tile.grid.wkt)
        known = next((wkt for wkt in found if spatial_reference(wkt).IsSame(reference)), tile.grid.wkt)
        found.setdefault(known, []).append(tile)
    for group in found.values():
        for tile in group[1:]:
            _require_same_cells(group[0], tile)
    zones = [Zone(_zone_name(wkt, number), tuple(group)) for number, (wkt, group) in enumerate(found.items(), start=1)]
    return sorted(zones, key=lambda zone: -zone.cells)


def _in_words(tile: PublishedField) -> str:
    """Return what a tile is, to be told apart from others."""
    return f"{tile.dimensions} dimensions of {tile.product.name} coded as {tile.coding.code}"


def _require_same_cells(first: PublishedField, other: PublishedField) -> None:
    """Refuse to put cells of different sizes side by side."""
    sizes = [(abs(tile.grid.transform[1]), abs(tile.grid.transform[5])) for tile in (first, other)]
    if not np.allclose(*sizes, rtol=_SAME, atol=0):
        raise InputError("tile-cells", "{first} has cells of {told:g} and {other} of {found:g}: import them one by "
                         "one.", first=first.path, other=other.path, told=sizes[0][0], found=sizes[1][0])


def _zone_name(wkt: str, number: int) -> str:
    """Return 33N for a UTM zone, else the CRS's code, else a number."""
    reference = spatial_reference(wkt)
    zone = reference.GetUTMZone()
    if zone:
        return f"{abs(zone)}{'N' if zone > 0 else 'S'}"
    code = reference.GetAuthorityCode(None)
    return str(code) if code else str(number)

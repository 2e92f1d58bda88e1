"""The vectors of a table, brought to length one, in memory or in a scratch file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...centres import centres_of
from ...geodesy import Ground
from ...progress import Progress, check
from ...space import parse_key
from ...table.parts import Table


@dataclass(frozen=True)
class Loaded:
    """Rows with a vector: unit vectors `(rows, dims)`, their ids, and their places `(rows, 2)`."""

    vectors: np.ndarray
    ids: "list[Any]"
    places: np.ndarray
    zero: int


def load(table: Table, with_places: bool, scratch: Path, memory_mib: int, progress: Progress) -> Loaded:
    """Read a table; vectors of length zero are left out. What doesn't fit into memory lies in the scratch folder."""
    dimensions = parse_key(table.space_key).dimensions
    shape = (table.count, dimensions)
    if table.count * dimensions * 4 > memory_mib << 19:
        vectors: np.ndarray = np.memmap(scratch / f"{id(table)}.f4", dtype=np.float32, mode="w+", shape=shape)
    else:
        vectors = np.empty(shape, dtype=np.float32)
    ground = Ground(table.wkt)
    ids: "list[Any]" = []
    places, row, zero = [], 0, 0
    for chunk in table.chunks():
        check(progress)
        progress.report(min(1.0, (row + zero) / max(1, table.count)), f"Reading {table.name}" if not row else None)
        length = np.sqrt(np.einsum("ij,ij->i", chunk.vectors, chunk.vectors, dtype=np.float64))
        usable = length > 0
        count = int(usable.sum())
        vectors[row:row + count] = chunk.vectors[usable] / length[usable, None]
        ids.extend(_plain(value) for value, good in zip(chunk.ids, usable.tolist()) if good)
        if with_places:
            places.append(ground.places(centres_of(chunk.wkb))[usable])
        row += count
        zero += len(length) - count
    if zero:
        progress.warn(f"{zero} rows of {table.name} hold vectors of length zero, which are like nothing, and were left "
                      "out.")
    return Loaded(vectors[:row], ids, np.concatenate(places) if places else np.empty((0, 2)), zero)


def _plain(value: Any) -> Any:
    """Return an id as Python's own."""
    return value.item() if isinstance(value, np.generic) else value

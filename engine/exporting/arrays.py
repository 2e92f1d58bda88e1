"""Writes vectors as a `.npy`, with their ids and attributes in a CSV and the space in a JSON beside it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np

from ..products.described import description_of
from ..products.numpy_rows import IDS_END
from ..table.values import plain_values
from ..whole import whole
from .source import ExportSource

_ID = "id"


def write_arrays(source: ExportSource, output: str) -> int:
    """Write three files; the array comes last, so that it is never there without the others."""
    place = Path(output)
    dimensions = source.identity.dimensions
    rows = source.table.count
    if rows < 0:
        rows = sum(len(chunk.ids) for chunk in source.table.chunks())
    names = [column.name for column in source.columns] or [_ID]
    with whole(place) as temporary, whole(place.with_name(place.stem + IDS_END + ".csv")) as ids, whole(
            place.with_suffix(".json")) as told:
        array = np.lib.format.open_memmap(temporary, mode="w+", dtype="<f4", shape=(rows, dimensions))
        start = 0
        with open(ids, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(names)
            for chunk in source.chunks():
                array[start:start + len(chunk.ids)] = chunk.vectors
                start += len(chunk.ids)
                cells = [plain_values(chunk.columns[column.name], column.type) for column in source.columns]
                writer.writerows(zip(*(cells or [list(chunk.ids)])))
        array.flush()
        # Windows renames no file that is mapped.
        del array
        told.write_text(json.dumps(description_of(source.identity, source.key), indent=1), encoding="utf-8")
    return start

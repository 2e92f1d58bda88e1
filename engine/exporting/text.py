"""Writes vectors as columns of a CSV, with all digits, and geometries as WKT."""

from __future__ import annotations

import csv
from pathlib import Path

from osgeo import ogr

from ..dataset import spatial_reference
from ..table import EMBEDDING_SPACE
from ..table.values import plain_values
from ..whole import whole
from .source import ExportSource

GEOMETRY = "WKT"


def write_text(source: ExportSource, output: str) -> int:
    """Write a line a row; a .prj beside it says the CRS."""
    shaped = source.table.geometry_type != ogr.wkbNone
    names = [column.name for column in source.columns if column.name != GEOMETRY]
    count = 0
    with whole(output) as temporary:
        with open(temporary, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow([*([GEOMETRY] if shaped else []), *names, EMBEDDING_SPACE, *source.dimension_names()])
            for chunk in source.chunks():
                cells = [plain_values(chunk.columns[column.name], column.type) for column in source.columns
                         if column.name != GEOMETRY]
                if shaped:
                    cells.insert(0, [_wkt(wkb) for wkb in chunk.wkb])
                cells.append([source.key] * len(chunk.ids))
                # As doubles, so that what is read back as doubles is the same float32.
                vectors = chunk.vectors.astype("f8").tolist()
                writer.writerows([*attributes, *vector] for attributes, vector in zip(zip(*cells), vectors))
                count += len(vectors)
    if shaped and source.table.wkt:
        with whole(Path(output).with_suffix(".prj")) as temporary:
            temporary.write_text(spatial_reference(source.table.wkt).ExportToWkt(), encoding="utf-8")
    return count


def _wkt(wkb: "bytes | None") -> str:
    """Return a geometry as text, empty where there is none."""
    geometry = ogr.CreateGeometryFromWkb(wkb) if wkb is not None else None
    return "" if geometry is None else str(geometry.ExportToIsoWkt())

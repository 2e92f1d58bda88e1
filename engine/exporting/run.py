"""Writes a table in another form, with the same numbers, rows and attributes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict

from ..errors import OutputError
from ..progress import Progress
from ..table import Table
from ..whole import require_writable
from .arrays import write_arrays
from .source import ExportSource
from .text import write_text
from .to_parquet import write_parquet
from .wide import write_columns

ENDINGS = {"columns": ".gpkg", "parquet": ".parquet", "csv": ".csv", "numpy": ".npy"}
_WRITERS: "Dict[str, Callable[[ExportSource, str], int]]" = {
    "columns": write_columns, "parquet": write_parquet, "csv": write_text, "numpy": write_arrays}
_ALSO = {"parquet": (".geoparquet", ".gpq", ".pq"), "csv": (), "columns": (), "numpy": ()}
_SHAPEFILES = (".shp", ".dbf", ".shx")


@dataclass(frozen=True)
class ExportRequest:
    """A table, where to, and the form: columns, parquet, csv or numpy."""

    table: Table
    output: str
    form: str


@dataclass(frozen=True)
class ExportResult:
    """What was written."""

    output: str
    rows: int
    dimensions: int


def export_table(request: ExportRequest, progress: Progress) -> ExportResult:
    """Write the file, whole or not at all."""
    require_ending(request.form, request.output)
    require_writable(Path(request.output.split("|")[0]))
    source = ExportSource(request.table, progress)
    rows = _WRITERS[request.form](source, request.output)
    progress.info(f"{rows} vectors of {source.identity.dimensions} dimensions were written to {request.output}.")
    return ExportResult(request.output, rows, source.identity.dimensions)


def require_ending(form: str, path: str) -> None:
    """Refuse names that say another format than is written, and formats that hold no vectors."""
    ending = Path(path.split("|")[0]).suffix.lower()
    if ending in _SHAPEFILES:
        raise OutputError("export-shapefile", "{path}: a Shapefile can't hold vectors (few columns, short names, no "
                          "bytes): end OUTPUT in .gpkg for columns, .parquet, .csv or .npy.", path=path)
    if ending != ENDINGS[form] and ending not in _ALSO[form]:
        raise OutputError("export-ending", "{path} does not end as the form “{form}” is written: end OUTPUT in "
                          "{ending}, or choose another FORMAT.", path=path, form=form, ending=ENDINGS[form])


def form_of(path: str) -> str:
    """Return the form that an ending means, columns where it means none."""
    ending = Path(path.split("|")[0]).suffix.lower()
    return next((form for form, usual in ENDINGS.items() if ending == usual or ending in _ALSO[form]), "columns")

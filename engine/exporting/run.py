"""Writes a table in another form, with the same numbers, rows and attributes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict

from ..progress import Progress
from ..table import Table
from ..whole import require_writable
from .arrays import write_arrays
from .endings import require_ending
from .source import ExportSource
from .text import write_text
from .to_parquet import write_parquet
from .wide import write_columns

_WRITERS: "Dict[str, Callable[[ExportSource, str], int]]" = {
    "columns": write_columns, "parquet": write_parquet, "csv": write_text, "numpy": write_arrays}


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

"""Rows of CSV files, read many values at a time: numbers where nothing is lost, else texts, as codes such as 01001."""

from __future__ import annotations

import csv
from itertools import islice
from pathlib import Path
from typing import Any, Iterator, List, Optional

import numpy as np
from osgeo import ogr

from ..dataset import quiet, user_reference
from ..errors import InputError
from ..table import CHUNK_ROWS, ColumnSpec, RowChunk
from .text_types import ColumnTypes, converted

_DELIMITERS = ",;\t|"
_WKT = "wkt"


class TextRows:
    """The lines of a CSV with a header; a column called WKT is the geometry, and a .prj beside it its CRS."""

    def __init__(self, path: str) -> None:
        """Read the header, count the lines, and see which columns hold numbers."""
        self._path = Path(path)
        self.name = f"“{self._path.stem}”"
        self._delimiter = _delimiter(self._path)
        lines = self._lines()
        header = next(lines, None)
        if not header:
            raise InputError("csv-empty", "{path} is empty: it needs a header and a line for each row.", path=path)
        names = _unique(header)
        self._shape = next((index for index, name in enumerate(names) if name.lower() == _WKT), -1)
        self._names = names
        types = ColumnTypes(names, [self._shape])
        self.count = 0
        while True:
            part = list(islice(lines, CHUNK_ROWS))
            if not part:
                break
            types.take(part)
            self.count += len(part)
        self._kinds = [types.of(index) for index in range(len(names))]
        self.columns = [ColumnSpec(name, kind) for index, (name, kind) in enumerate(zip(names, self._kinds))
                        if index != self._shape]
        self.geometry_type = ogr.wkbNone if self._shape < 0 else ogr.wkbUnknown
        self.wkt = _crs(self._path.with_suffix(".prj")) if self._shape >= 0 else ""

    def rows(self, size: int = CHUNK_ROWS) -> "Iterator[RowChunk]":
        """Yield the lines."""
        lines = self._lines()
        next(lines)
        start, width = 0, len(self._names)
        while True:
            part = list(islice(lines, size))
            if not part:
                return
            if any(len(line) != width for line in part):
                part = [(line + [""] * width)[:width] for line in part]
            cells = list(zip(*part))
            shapes: "List[Optional[bytes]]" = ([None] * len(part) if self._shape < 0
                                               else [_wkb(text) for text in cells[self._shape]])
            yield RowChunk(np.arange(start + 1, start + len(part) + 1), shapes, {
                name: converted(cells[index], self._kinds[index])
                for index, name in enumerate(self._names) if index != self._shape})
            start += len(part)

    def distinct(self, column: str) -> "List[Any]":
        """Return the different values of a column."""
        index = self._names.index(column)
        lines = self._lines()
        next(lines)
        cells = list(dict.fromkeys(line[index] if index < len(line) else "" for line in lines))
        return list(dict.fromkeys(converted(cells, self._kinds[index])))

    def _lines(self) -> "Iterator[List[str]]":
        """Yield the lines that hold something."""
        with open(self._path, newline="", encoding="utf-8-sig", errors="replace") as file:
            yield from (line for line in csv.reader(file, delimiter=self._delimiter) if line)


def _delimiter(path: Path) -> str:
    """Return the sign that the header has most of."""
    try:
        with open(path, newline="", encoding="utf-8-sig", errors="replace") as file:
            header = file.readline()
    except OSError as error:
        raise InputError("csv-unreadable", "{path} can't be read ({reason}): choose an existing file.", path=path,
                         reason=error.strerror or error) from error
    return max(_DELIMITERS, key=header.count)


def _unique(header: "List[str]") -> "List[str]":
    """Return the columns' names, each once and none empty."""
    names: "List[str]" = []
    for number, name in enumerate(header, start=1):
        plain = name.strip() or f"field_{number}"
        while plain in names:
            plain += "_"
        names.append(plain)
    return names


def _crs(path: Path) -> str:
    """Return the CRS of a .prj, empty where there is none."""
    if not path.is_file():
        return ""
    reference = user_reference(path.read_text(encoding="utf-8", errors="replace").strip())
    return reference.ExportToWkt(["FORMAT=WKT2_2019"]) if reference is not None else ""


def _wkb(text: str) -> Optional[bytes]:
    """Return a geometry's bytes; what is none is left empty."""
    if not text:
        return None
    with quiet():
        try:
            geometry = ogr.CreateGeometryFromWkt(text)
        except RuntimeError:
            return None
    return None if geometry is None else bytes(geometry.ExportToIsoWkb(ogr.wkbNDR))

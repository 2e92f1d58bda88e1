"""Which photos are meant: the files of a folder, or those that the rows of a layer name or hold."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Tuple, Union

import numpy as np

from ..centres import centres_of
from ..dataset import longitude_latitude
from ..errors import InputError
from ..table import ColumnSpec, Rows
from ..table.schema import column_named

ENDINGS = (".jpg", ".jpeg", ".jpe", ".png", ".tif", ".tiff", ".webp", ".heic", ".heif", ".avif", ".jp2", ".bmp")
PATH = "path"
USUAL_PATHS = ("photo", PATH, "image", "filename")
_CHUNK = 256
_PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})")


@dataclass(frozen=True)
class FoundPhoto:
    """A photo to read: a path or bytes (None where a row has neither), its name for messages, and what its row says."""

    source: "Union[str, bytes, None]"
    name: str
    place: "Optional[Tuple[float, float]]" = None
    columns: "Dict[str, Any]" = field(default_factory=dict)


@dataclass(frozen=True)
class FolderPhotos:
    """All pictures of a folder, in the order of their paths."""

    folder: str
    recursive: bool = True
    columns: "Tuple[ColumnSpec, ...]" = (ColumnSpec(PATH, "text"),)

    @property
    def name(self) -> str:
        """Return what messages call it."""
        return f"the folder {self.folder}"

    @property
    def path_column(self) -> str:
        """Return the column of paths."""
        return PATH

    def photos(self) -> "Iterator[FoundPhoto]":
        """Yield the photos."""
        for path in _files(Path(self.folder), self.recursive):
            yield FoundPhoto(str(path), str(path.relative_to(self.folder)), None, {PATH: str(path)})

    def count(self) -> int:
        """Return how many there are."""
        return sum(1 for _ in _files(Path(self.folder), self.recursive))


@dataclass(frozen=True)
class LayerPhotos:
    """The photos of a layer's rows: paths (relative ones from `folder`), or the pictures themselves.

    Without a field it is a column of paths with a usual name, such as QGIS's “Import geotagged photos” makes.
    """

    rows: Rows
    path_field: str = ""
    blob_field: str = ""
    folder: str = ""

    @property
    def name(self) -> str:
        """Return what messages call it."""
        return self.rows.name

    @property
    def columns(self) -> "Tuple[ColumnSpec, ...]":
        """Return the layer's columns, but for the pictures."""
        blob = self._column("BLOB_FIELD", self.blob_field) if self.blob_field else ""
        return tuple(column for column in self.rows.columns if column.name != blob)

    @property
    def path_column(self) -> str:
        """Return the column of paths, empty where the rows hold the pictures."""
        return "" if self.blob_field else self._column("PATH_FIELD", self.path_field)

    def count(self) -> int:
        """Return how many rows there are."""
        return self.rows.count

    def photos(self) -> "Iterator[FoundPhoto]":
        """Yield the photo of each row; a row's geometry says where it was taken."""
        wanted = self._column("BLOB_FIELD", self.blob_field) if self.blob_field else self._column(
            "PATH_FIELD", self.path_field)
        row = 0
        for _, shapes, columns in self.rows.rows(_CHUNK):
            values = columns.pop(wanted) if self.blob_field else columns[wanted]
            places = longitude_latitude(self.rows.wkt, centres_of(shapes)) if self.rows.wkt else centres_of(shapes)
            for index, value in enumerate(values):
                row += 1
                source, name = self._source(value, row)
                place = (float(places[index, 0]), float(places[index, 1])) if np.isfinite(places[index]).all() else None
                yield FoundPhoto(source, name, place, {column: cells[index] for column, cells in columns.items()})

    def _source(self, value: Any, row: int) -> "Tuple[Union[str, bytes, None], str]":
        """Return the photo of a cell and its name."""
        if self.blob_field:
            return (bytes(value) if value else None), f"row {row}"
        if not isinstance(value, str) or not value.strip():
            return None, f"row {row}"
        path = plain_path(value, self.folder)
        return path, value.strip()

    def _column(self, parameter: str, name: str) -> str:
        """Return a column as the layer spells it."""
        if not name:
            name = next((usual for usual in USUAL_PATHS if column_named(self.rows.columns, usual)), "")
        if not name:
            raise InputError("photo-field-none", "{layer} has no column named {usual}: name the column of the photos' "
                             "paths in PATH_FIELD, or that of the pictures in BLOB_FIELD.", layer=self.rows.name,
                             usual=", ".join(USUAL_PATHS[:-1]) + " or " + USUAL_PATHS[-1])
        found = column_named(self.rows.columns, name)
        if found is None:
            raise InputError("photo-field", "{layer} has no column “{name}”: name the column of the photos in "
                             "{parameter}.", layer=self.rows.name, name=name, parameter=parameter)
        if parameter == "BLOB_FIELD" and found.type != "binary":
            raise InputError("photo-blob", "The column “{name}” of {layer} holds no pictures but {kind} values: give a "
                             "binary column in BLOB_FIELD, or paths in PATH_FIELD.", name=name, layer=self.rows.name,
                             kind=found.type)
        return found.name


PhotoSource = Union[FolderPhotos, LayerPhotos]


def plain_path(text: str, folder: str) -> str:
    """Return the path that a cell means: as it stands, from the layer's folder, or out of a file:// address."""
    text = text.strip()
    if text.lower().startswith("file://"):
        coded = text[len("file://"):].encode("utf-8")
        text = _PERCENT.sub(lambda match: bytes.fromhex(match[1].decode()), coded).decode("utf-8", "replace")
        text = text.lstrip("/") if os.name == "nt" else text
    return text if os.path.isabs(text) or not folder else os.path.join(folder, text)


def _files(folder: Path, recursive: bool) -> "List[Path]":
    """Return the pictures of a folder, hidden ones left out."""
    if not folder.is_dir():
        raise InputError("photo-folder", "There is no folder {folder}: choose the folder of your photos.",
                         folder=folder)
    found: "List[Path]" = []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".")) if recursive else []
        found += [Path(place, name) for name in names
                  if not name.startswith(".") and os.path.splitext(name)[1].lower() in ENDINGS]
    return sorted(found)

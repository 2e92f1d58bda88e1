"""Where a table lies or shall lie: the texts that QGIS and people use for a layer of a file."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from ..errors import InputError, OutputError

_OGR_URI = re.compile(r"""^ogr:dbname=(?P<quote>['"])(?P<path>.+?)(?P=quote)\s+table="(?P<layer>(?:[^"]|"")+)".*$""",
                      re.DOTALL)


@dataclass(frozen=True)
class TableSource:
    """A layer of a file; an empty layer name means the only one that holds embeddings."""

    path: str
    layer: str = ""
    number: int = -1


@dataclass(frozen=True)
class TableDestination:
    """A GeoPackage to be made, or a layer to be put into one that may exist (`inside`)."""

    path: str
    layer: str
    inside: bool = False


def parse_source(text: str) -> TableSource:
    """Read `path`, `path|layername=x` or `path|layerid=0`."""
    path, *options = str(text).split("|")
    layer, number = "", -1
    for option in options:
        word, _, value = option.partition("=")
        if word.lower() == "layername":
            layer = value
        elif word.lower() == "layerid" and value.isdigit():
            number = int(value)
        elif word:
            raise InputError("source-option", "“{option}” in {text} can't be read from the file alone: pass the layer "
                             "itself, or save what it shows to a file first.", option=word, text=text)
    return TableSource(path, layer, number)


def parse_destination(text: str) -> TableDestination:
    """Read `x.gpkg` (a new file), or `x.gpkg|layername=t` or QGIS's `ogr:` text (a layer of a file)."""
    text = os.fspath(text)
    match = _OGR_URI.match(text)
    if match:
        path, layer, inside = match["path"], match["layer"].replace('""', '"'), True
    else:
        path, _, option = text.partition("|")
        inside = option.lower().startswith("layername=") and len(option) > len("layername=")
        layer = option.partition("=")[2] if inside else _stem(path)
    if os.path.splitext(path)[1].lower() != ".gpkg":
        raise OutputError("table-format", "A table is written as GeoPackage, and {path} is none: "
                          "end its name with .gpkg.", path=text)
    return TableDestination(path, layer, inside)


def _stem(path: str) -> str:
    """Return the file's name without folder and extension."""
    return os.path.splitext(os.path.basename(path))[0]

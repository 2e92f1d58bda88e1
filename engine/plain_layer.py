"""Writes layers without vectors (places, outlines, relations, summaries), whole or not at all."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Mapping, Optional, Sequence, Type

from osgeo import ogr

from .dataset import cannot_write, create_vector, quiet, spatial_reference
from .errors import OutputError
from .provenance import PROVENANCE_ITEM, Provenance, provenance_item
from .table.location import parse_destination
from .table.parts import ColumnSpec
from .table.values import plain_values
from .table.within import free_name, move_into, remove_journals
from .whole import whole

_TYPES = {
    "integer": (ogr.OFTInteger, ogr.OFSTNone), "integer64": (ogr.OFTInteger64, ogr.OFSTNone),
    "real": (ogr.OFTReal, ogr.OFSTNone), "text": (ogr.OFTString, ogr.OFSTNone),
    "boolean": (ogr.OFTInteger, ogr.OFSTBoolean), "date": (ogr.OFTDate, ogr.OFSTNone),
    "datetime": (ogr.OFTDateTime, ogr.OFSTNone), "time": (ogr.OFTTime, ogr.OFSTNone),
    "json": (ogr.OFTString, ogr.OFSTJSON),
}


class LayerWriter:
    """Takes rows in chunks; the layer appears under its name when the writer is closed, and not before."""

    def __init__(self, destination: str, wkt: str, geometry_type: int, columns: "Sequence[ColumnSpec]",
                 provenance: "Sequence[Provenance]" = (), metadata: "Optional[Mapping[str, str]]" = None) -> None:
        """Create the layer under a temporary name in the target's folder."""
        target = parse_destination(destination)
        self.path = target.path
        self.layer = target.layer
        self.count = 0
        self._columns = list(columns)
        self._inside = target.inside and Path(target.path).exists()
        self._result = free_name(target) if self._inside else Path(target.path)
        self._exit = ExitStack()
        try:
            self._temporary = self._exit.enter_context(whole(self._result))
            self._create(wkt, geometry_type)
            if provenance:
                self._layer.SetMetadataItem(PROVENANCE_ITEM, provenance_item(provenance))
            for key, value in (metadata or {}).items():
                self._layer.SetMetadataItem(key, value)
        except BaseException as error:
            self.discard(error)
            raise

    def write(self, wkb: "Sequence[Optional[bytes]]", columns: "Mapping[str, Sequence[Any]]") -> None:
        """Append rows."""
        with quiet() as messages:
            try:
                cells = [plain_values(columns[column.name], column.type) for column in self._columns]
                if any(len(values) != len(wkb) for values in cells):
                    raise ValueError("columns of different lengths")
                self._append(wkb, cells)
            except RuntimeError as error:
                raise cannot_write(self.path, messages.texts[-1] if messages.texts else str(error)) from error
        self.count += len(wkb)

    def close(self) -> None:
        """Complete the layer and put it in its place."""
        with quiet() as messages:
            try:
                self._dataset.FlushCache()
                failed = self._dataset.CommitTransaction() != ogr.OGRERR_NONE
            except RuntimeError as error:
                messages.texts.append(str(error))
                failed = True
            self._release()
        if failed:
            error = cannot_write(self.path, messages.last)
            self.discard(error)
            raise error
        remove_journals(self._result)
        self._exit.close()
        if self._inside:
            move_into(self._result, self.layer, self.path)

    def discard(self, error: BaseException) -> None:
        """Leave nothing behind."""
        if hasattr(self, "_dataset"):
            with quiet():
                self._release()
        self._exit.__exit__(type(error), error, error.__traceback__)

    def __enter__(self) -> "LayerWriter":
        """Be used in a with statement."""
        return self

    def __exit__(self, kind: "Optional[Type[BaseException]]", error: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        """Complete the layer, or discard it if anything went wrong."""
        if error is None:
            self.close()
        else:
            self.discard(error)

    def _create(self, wkt: str, geometry_type: int) -> None:
        """Create layer and fields."""
        with quiet() as messages:
            try:
                self._dataset = create_vector(str(self._temporary))
                self._dataset.StartTransaction()
                self._layer = self._dataset.CreateLayer(
                    self.layer, spatial_reference(wkt) if wkt else None, geometry_type, ["GEOMETRY_NAME=geom"])
                if self._layer is None:
                    raise RuntimeError(messages.last)
                for column in self._columns:
                    field = ogr.FieldDefn(column.name, _TYPES[column.type][0])
                    field.SetSubType(_TYPES[column.type][1])
                    if self._layer.CreateField(field) != ogr.OGRERR_NONE:
                        raise RuntimeError(f"column {column.name}")
            except OutputError as error:
                raise cannot_write(self.path, error.values.get("reason") or "its file can't be created") from error
            except RuntimeError as error:
                raise cannot_write(self.path, messages.texts[-1] if messages.texts else str(error)) from error

    def _append(self, wkb: "Sequence[Optional[bytes]]", cells: "list[list[Any]]") -> None:
        """Create one feature a row."""
        feature = ogr.Feature(self._layer.GetLayerDefn())
        placed = self._layer.GetGeomType() != ogr.wkbNone
        for row, shape in enumerate(wkb):
            feature.SetFID(-1)
            if placed:
                feature.SetGeometryDirectly(None if shape is None else ogr.CreateGeometryFromWkb(shape))
            for index, values in enumerate(cells):
                if values[row] is None:
                    feature.SetFieldNull(index)
                else:
                    feature.SetField(index, values[row])
            if self._layer.CreateFeature(feature) != ogr.OGRERR_NONE:
                raise RuntimeError(f"row {self.count + row + 1}")

    def _release(self) -> None:
        """Close the file."""
        self._layer = None
        self._dataset = None

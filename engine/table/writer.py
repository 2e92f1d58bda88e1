"""Writes embedding tables: a GeoPackage or a layer of one, whole or not at all."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Callable, List, Mapping, Optional, Sequence, Set, Type, Union

import numpy as np
from osgeo import ogr

from ..coding import vector_coding
from ..dataset import cannot_write, create_vector, quiet, spatial_reference
from ..errors import OutputError, SpaceError
from ..progress import LOG
from ..provenance import PROVENANCE_ITEM, provenance_item
from ..registry import Registry
from ..space import Space
from ..whole import whole
from .fids import FeatureIds
from .location import TableDestination, parse_destination
from .parts import EMBEDDING, EMBEDDING_SPACE, METADATA_KEY, METADATA_SPACE, RESERVED, ColumnSpec, Identity, key_text
from .values import plain_values
from .within import free_name, move_into, remove_journals

_FLOAT16_MAX = 65504.0
_KINDS = {
    "integer": (ogr.OFTInteger, ogr.OFSTNone), "integer64": (ogr.OFTInteger64, ogr.OFSTNone),
    "real": (ogr.OFTReal, ogr.OFSTNone), "text": (ogr.OFTString, ogr.OFSTNone),
    "boolean": (ogr.OFTInteger, ogr.OFSTBoolean), "date": (ogr.OFTDate, ogr.OFSTNone),
    "datetime": (ogr.OFTDateTime, ogr.OFSTNone), "time": (ogr.OFTTime, ogr.OFSTNone),
    "binary": (ogr.OFTBinary, ogr.OFSTNone), "json": (ogr.OFTString, ogr.OFSTJSON),
}


@dataclass(frozen=True)
class _Field:
    """An attribute in the file: the input's column, its place and the name it got."""

    column: ColumnSpec
    index: int
    name: str


class TableWriter:
    """Takes rows in chunks; the table appears under its name when the writer is closed, and not before."""

    def __init__(self, destination: "Union[str, Path, TableDestination]", srs_wkt: str, geometry_type: int,
                 columns: "Sequence[ColumnSpec]", identity: Identity, coding: str = "f4",
                 registry: Optional[Registry] = None) -> None:
        """Create the table under a temporary name in the target's folder."""
        target = destination if isinstance(destination, TableDestination) else parse_destination(str(destination))
        self.path = target.path
        self.layer = target.layer
        self.count = 0
        self._inside = target.inside and Path(target.path).exists()
        self._result = free_name(target) if self._inside else Path(target.path)
        self._identity = identity
        self._coding = vector_coding(coding)
        self._key = key_text(identity, coding)
        self._registry = registry
        self._fids: Optional[FeatureIds] = None
        self._fields: "List[_Field]" = []
        self._exit = ExitStack()
        try:
            self._temporary = self._exit.enter_context(whole(self._result))
            self._create(srs_wkt, geometry_type, list(columns))
        except BaseException as error:
            self.discard(error)
            raise

    @property
    def key(self) -> str:
        """Return what stands in every row's `embedding_space`."""
        return self._key

    def write(self, wkb: "Sequence[Optional[bytes]]", columns: "Mapping[str, Sequence[Any]]",
              vectors: np.ndarray) -> None:
        """Append rows; a vector with a NaN is written as NULL."""
        if vectors.ndim != 2 or vectors.shape[1] != self._identity.dimensions or len(wkb) != len(vectors):
            raise ValueError(f"{len(wkb)} geometries and vectors of shape {vectors.shape}, but the space has "
                             f"{self._identity.dimensions} dimensions")
        texts = self._hexadecimal(np.asarray(vectors, dtype=np.float32))
        with quiet() as messages:
            try:
                fids = self._feature_ids(columns, len(vectors))
                cells = [plain_values(columns[field.column.name], field.column.type) for field in self._fields]
                if any(len(values) != len(vectors) for values in cells):
                    raise ValueError("columns of different lengths")
                self._append(wkb, cells, texts, fids)
            except RuntimeError as error:
                raise self._failure(messages.texts[-1] if messages.texts else str(error)) from error
        self.count += len(vectors)

    def close(self) -> None:
        """Complete the table and put it in its place."""
        with quiet() as messages:
            try:
                self._dataset.FlushCache()
                failed = self._dataset.CommitTransaction() != ogr.OGRERR_NONE
            except RuntimeError as error:
                messages.texts.append(str(error))
                failed = True
            self._release()
        if failed:
            error = self._failure(messages.last)
            self.discard(error)
            raise error
        remove_journals(self._result)
        self._exit.close()
        if self._inside:
            move_into(self._result, self.layer, self.path)
        if self._registry is not None and isinstance(self._identity, Space):
            try:
                self._registry.remember(self._identity)
            except SpaceError as error:
                # The table is complete and says itself what its space is.
                LOG.warning("%s", error)

    def discard(self, error: BaseException) -> None:
        """Leave nothing behind."""
        if hasattr(self, "_dataset"):
            with quiet():
                # Not rolled back, which would leave GDAL with a layer it can't close: the file goes as a whole.
                self._release()
        self._exit.__exit__(type(error), error, error.__traceback__)

    def __enter__(self) -> "TableWriter":
        """Be used in a with statement."""
        return self

    def __exit__(self, kind: "Optional[Type[BaseException]]", error: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        """Complete the table, or discard it if anything went wrong."""
        if error is None:
            self.close()
        else:
            self.discard(error)

    def _create(self, srs_wkt: str, geometry_type: int, columns: "List[ColumnSpec]") -> None:
        """Create layer and fields."""
        names = {column.name.lower() for column in columns}
        if names & set(RESERVED):
            raise OutputError("column-reserved", "The columns {names} are written by every embedding table: rename "
                              "the input's own first.", names=" and ".join(sorted(names & set(RESERVED))))
        own_fid = next((column for column in columns if column.name.lower() == "fid"), None)
        if own_fid is not None and own_fid.type in ("integer", "integer64"):
            self._fids = FeatureIds()
            self._fid_column = own_fid
        kept = [column for column in columns if column is not own_fid or self._fids is None]
        geometry_name = _free("geom", names)
        with quiet() as messages:
            try:
                self._dataset = create_vector(str(self._temporary))
            except OutputError as error:
                # In the name of the file that the user asked for.
                raise self._failure(error.values.get("reason") or "its file can't be created") from error
            try:
                self._dataset.StartTransaction()
                self._layer = self._dataset.CreateLayer(
                    self.layer, spatial_reference(srs_wkt) if srs_wkt else None, geometry_type,
                    [f"GEOMETRY_NAME={geometry_name}"])
                if self._layer is None:
                    raise RuntimeError(messages.last)
                taken = {"fid", geometry_name, *RESERVED}
                for column in kept:
                    self._add_attribute(column, taken)
                # Before the vectors, so that SQLite finds it without walking through their overflow pages.
                self._space_index = self._add_field(EMBEDDING_SPACE, "text")
                self._embedding_index = self._add_field(EMBEDDING, "binary")
            except RuntimeError as error:
                raise self._failure(messages.texts[-1] if messages.texts else str(error)) from error
        self._layer.SetMetadataItem(METADATA_KEY, self._key)
        if isinstance(self._identity, Space):
            self._layer.SetMetadataItem(METADATA_SPACE, self._identity.canonical())
        if self._identity.provenance:
            self._layer.SetMetadataItem(PROVENANCE_ITEM, provenance_item(self._identity.provenance))

    def _add_attribute(self, column: ColumnSpec, taken: "Set[str]") -> None:
        """Add an attribute under its own name, or the nearest free one."""
        name = _free(column.name, taken)
        taken.add(name.lower())
        self._fields.append(_Field(column, self._add_field(name, column.type), name))

    def _add_field(self, name: str, kind: str) -> int:
        """Add a field to the layer and return its place."""
        field = ogr.FieldDefn(name, _KINDS[kind][0])
        field.SetSubType(_KINDS[kind][1])
        if self._layer.CreateField(field) != ogr.OGRERR_NONE:
            raise RuntimeError(f"column {name}")
        return self._layer.GetLayerDefn().GetFieldCount() - 1

    def _feature_ids(self, columns: "Mapping[str, Sequence[Any]]", rows: int) -> "List[int]":
        """Return the ids of new rows, −1 where SQLite shall number them."""
        if self._fids is not None:
            values = plain_values(columns[self._fid_column.name], "integer64")
            if self._fids.accept(values):
                return values
            self._demote_fids()
        return [-1] * rows

    def _demote_fids(self) -> None:
        """Keep the input's ids in a column of their own, since they turned out not to be unique."""
        taken = {field.name.lower() for field in self._fields} | {"fid", *RESERVED}
        self._add_attribute(self._fid_column, taken)
        name = self._fields[-1].name.replace('"', '""')
        layer = self.layer.replace('"', '""')
        self._dataset.ExecuteSQL(f'UPDATE "{layer}" SET "{name}" = fid')  # nosec B608
        self._fids = None

    def _hexadecimal(self, vectors: np.ndarray) -> "List[Optional[str]]":
        """Return each vector's bytes as the text that GDAL takes, None for NULL."""
        bad = ~np.isfinite(vectors).all(axis=1)
        if self._coding.code == "f2" and np.abs(vectors[~bad]).max(initial=0) > _FLOAT16_MAX:
            raise OutputError("float16-range", "Vectors with values over {limit} don't fit into float16: write "
                              "{path} as float32.", limit=_FLOAT16_MAX, path=self.path)
        blobs = self._coding.encode(np.where(bad[:, None], np.float32(0), vectors) if bad.any() else vectors)
        return [None if missing else blob.hex() for blob, missing in zip(blobs, bad.tolist())]

    def _append(self, wkb: "Sequence[Optional[bytes]]", cells: "List[List[Any]]", texts: "List[Optional[str]]",
                fids: "List[int]") -> None:
        """Create one feature a row; the same object is used again, which saves most of the time."""
        feature = ogr.Feature(self._layer.GetLayerDefn())
        setters = [(field.index, _setter(feature, field), values) for field, values in zip(self._fields, cells)]
        feature.SetField(self._space_index, self._key)
        with_geometry = self._layer.GetGeomType() != ogr.wkbNone
        for row, text in enumerate(texts):
            feature.SetFID(fids[row])
            shape = wkb[row]
            geometry = None if shape is None else ogr.CreateGeometryFromWkb(shape)
            if shape is not None and geometry is None:
                raise OutputError("geometry-damaged", "The geometry of row {row} can't be written to {path}: mend the "
                                  "input with “Fix geometries”.", row=self.count + row + 1, path=self.path)
            if with_geometry:
                feature.SetGeometryDirectly(geometry)
            for index, set_value, values in setters:
                value = values[row]
                if value is None:
                    feature.SetFieldNull(index)
                else:
                    set_value(value)
            if text is None:
                feature.SetFieldNull(self._embedding_index)
            else:
                feature.SetFieldBinaryFromHexString(self._embedding_index, text)
            if self._layer.CreateFeature(feature) != ogr.OGRERR_NONE:
                raise RuntimeError(f"row {self.count + row + 1}")

    def _failure(self, reason: str) -> OutputError:
        """Say that the table can't be written."""
        return cannot_write(self.path, reason)

    def _release(self) -> None:
        """Close the file."""
        self._layer = None
        self._dataset = None


def _setter(feature: ogr.Feature, field: _Field) -> "Callable[[Any], None]":
    """Return how a value of this type is put into a feature."""
    index = field.index
    if field.column.type == "binary":
        return lambda value: feature.SetFieldBinaryFromHexString(index, bytes(value).hex())
    return lambda value: feature.SetField(index, value)


def _free(name: str, taken: "Set[str]") -> str:
    """Return the name, or the first of name_1, name_2 … that is not taken (SQLite ignores case)."""
    result, number = name, 0
    while result.lower() in taken:
        number += 1
        result = f"{name}_{number}"
    return result

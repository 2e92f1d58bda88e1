"""What GDAL says of a layer's columns and space, in the words of tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Dict, List, Optional, Sequence

from osgeo import gdal, ogr

from ..errors import InputError
from .location import TableSource
from .parts import EMBEDDING, ColumnSpec

_TYPES = {
    ogr.OFTInteger: "integer", ogr.OFTInteger64: "integer64", ogr.OFTReal: "real", ogr.OFTString: "text",
    ogr.OFTDate: "date", ogr.OFTDateTime: "datetime", ogr.OFTTime: "time", ogr.OFTBinary: "binary",
    ogr.OFTIntegerList: "json", ogr.OFTInteger64List: "json", ogr.OFTRealList: "json", ogr.OFTStringList: "json",
}
_SUBTYPES = {ogr.OFSTBoolean: "boolean", ogr.OFSTJSON: "json"}


@dataclass(frozen=True)
class LayerSchema:
    """A layer as it describes itself, read once so that nothing need stay open."""

    path: str
    format: str
    layer: str
    fid_column: str
    geometry_column: str
    geometry_type: int
    wkt: str
    count: int
    columns: "List[ColumnSpec]"
    metadata: "Dict[str, str]"

    @property
    def name(self) -> str:
        """Return what messages call the layer."""
        return f"“{self.layer}”"


def find_layer(dataset: gdal.Dataset, source: TableSource) -> ogr.Layer:
    """Return the layer that a source names, or the only one that holds embeddings."""
    if source.layer:
        layer = dataset.GetLayerByName(source.layer)
        if layer is None:
            raise InputError("layer-missing", "{path} has no layer “{layer}”: choose one of {layers}.",
                             path=source.path, layer=source.layer, layers=_names(dataset))
        return layer
    if source.number >= 0:
        layer = dataset.GetLayer(source.number) if source.number < dataset.GetLayerCount() else None
        if layer is None:
            raise InputError("layer-number", "{path} has no layer number {number}: it has {count}.", path=source.path,
                             number=source.number, count=dataset.GetLayerCount())
        return layer
    layers = [dataset.GetLayer(number) for number in range(dataset.GetLayerCount())]
    if len(layers) > 1:
        holders = [layer for layer in layers if layer.GetLayerDefn().GetFieldIndex(EMBEDDING) >= 0]
        layers = holders if len(holders) == 1 else layers
    if len(layers) != 1:
        raise InputError("layer-choice", "{path} holds {count} layers ({layers}): name one as path|layername=….",
                         path=source.path, count=len(layers), layers=_names(dataset))
    return layers[0]


def read_schema(dataset: gdal.Dataset, layer: ogr.Layer, path: str) -> LayerSchema:
    """Read what a layer says of itself."""
    definition = layer.GetLayerDefn()
    reference = layer.GetSpatialRef()
    fields = [definition.GetFieldDefn(index) for index in range(definition.GetFieldCount())]
    columns = [ColumnSpec(field.GetName(), _SUBTYPES.get(field.GetSubType(), _TYPES.get(field.GetType(), "text")))
               for field in fields]
    fid_column = layer.GetFIDColumn()
    if fid_column and all(column.name.lower() != fid_column.lower() for column in columns):
        columns.insert(0, ColumnSpec(fid_column, "integer64"))
    return LayerSchema(
        path=path, format=dataset.GetDriver().ShortName, layer=layer.GetName(), fid_column=fid_column,
        geometry_column=layer.GetGeometryColumn(), geometry_type=layer.GetGeomType(),
        wkt=reference.ExportToWkt(["FORMAT=WKT2_2019"]) if reference is not None else "",
        count=layer.GetFeatureCount(), metadata=dict(layer.GetMetadata() or {}),
        columns=columns)


def column_named(columns: "Sequence[ColumnSpec]", name: str) -> Optional[ColumnSpec]:
    """Return the column of that name, whatever its case."""
    return next((column for column in columns if column.name.lower() == name.lower()), None)


def id_column(schema: LayerSchema, id_field: str, is_unique: "Callable[[str], bool]") -> str:
    """Return the column whose values name the rows: the one asked for, a unique `fid`, or that of the feature ids."""
    found = column_named(schema.columns, id_field or "fid")
    if id_field:
        if found is None:
            raise InputError("id-field", "{name} has no column “{field}” to tell rows by: choose one of its columns.",
                             name=schema.name, field=id_field)
        return found.name
    if found is None or found.name == schema.fid_column or not is_unique(found.name):
        return schema.fid_column
    return found.name


def _names(dataset: gdal.Dataset) -> str:
    """Return the layers' names in a row, not too many of them."""
    names = [dataset.GetLayer(number).GetName() for number in range(dataset.GetLayerCount())]
    return ", ".join(names[:6]) + (", …" if len(names) > 6 else "")

"""What GDAL says of a layer's columns and space, in the words of tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Optional

from osgeo import gdal, ogr

from ..errors import InputError, SpaceError
from ..registry import Registry
from ..space import Space, SpaceKey, from_json, parse_key
from .location import TableSource
from .parts import EMBEDDING, EMBEDDING_SPACE, METADATA_SPACE, ColumnSpec, Identity

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


def read_schema(layer: ogr.Layer, path: str) -> LayerSchema:
    """Read what a layer says of itself."""
    definition = layer.GetLayerDefn()
    reference = layer.GetSpatialRef()
    fields = [definition.GetFieldDefn(index) for index in range(definition.GetFieldCount())]
    return LayerSchema(
        path=path, layer=layer.GetName(), fid_column=layer.GetFIDColumn(),
        geometry_column=layer.GetGeometryColumn(), geometry_type=layer.GetGeomType(),
        wkt=reference.ExportToWkt(["FORMAT=WKT2_2019"]) if reference is not None else "",
        count=layer.GetFeatureCount(), metadata=dict(layer.GetMetadata() or {}),
        columns=[ColumnSpec(field.GetName(), _SUBTYPES.get(field.GetSubType(), _TYPES.get(field.GetType(), "text")))
                 for field in fields])


def require_embedding(schema: LayerSchema) -> None:
    """Raise unless the layer has a column of vectors."""
    kinds = {column.name.lower(): column.type for column in schema.columns}
    if EMBEDDING not in kinds:
        raise InputError(
            "embedding-missing", "{name} has no column “embedding”: make one with “Import embeddings” (from wide or "
            "list columns), or look whether a step before dropped it, as “Execute SQL” drops binary columns.",
            name=schema.name)
    if kinds[EMBEDDING] not in ("binary", "text"):
        raise InputError("embedding-type", "The column “embedding” of {name} holds no vectors but {kind} values: "
                         "rename it and use “Import embeddings”.", name=schema.name, kind=kinds[EMBEDDING])


def column_named(schema: LayerSchema, name: str) -> str:
    """Return the column as the layer spells it, or nothing."""
    return next((column.name for column in schema.columns if column.name.lower() == name.lower()), "")


def attributes(schema: LayerSchema) -> "List[ColumnSpec]":
    """Return the columns that are neither vectors nor their space."""
    return [column for column in schema.columns if column.name.lower() not in (EMBEDDING, EMBEDDING_SPACE)]


def id_column(schema: LayerSchema, id_field: str) -> str:
    """Return the column whose values name the rows; nothing means the feature id."""
    wanted = id_field or "fid"
    if wanted.lower() == schema.fid_column.lower():
        return ""
    found = column_named(schema, wanted)
    if id_field and not found:
        raise InputError("id-field", "{name} has no column “{field}” to tell rows by: choose one of its columns.",
                         name=schema.name, field=id_field)
    return found


def described_space(schema: LayerSchema, key: SpaceKey, registry: Optional[Registry]) -> Optional[Space]:
    """Return the space's description from the layer, else from the registry, if its digest is the key's."""
    text = schema.metadata.get(METADATA_SPACE, "")
    if text:
        try:
            space = from_json(text)
        except SpaceError:
            space = None
        if space is not None and space.digest() == key.digest and space.declared == key.declared:
            return space
    return registry.find(key.digest) if registry is not None else None


def identity_of(space: Optional[Space], key: str) -> Identity:
    """Return the description where there is one, else the key."""
    return parse_key(key) if space is None else space


def _names(dataset: gdal.Dataset) -> str:
    """Return the layers' names in a row, not too many of them."""
    names = [dataset.GetLayer(number).GetName() for number in range(dataset.GetLayerCount())]
    return ", ".join(names[:6]) + (", …" if len(names) > 6 else "")

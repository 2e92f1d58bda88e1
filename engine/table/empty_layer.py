"""An empty layer in a GeoPackage of its own, made by GDAL, so that schema, CRS and index are what GDAL makes them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Mapping, Tuple

from osgeo import gdal, ogr

from ..dataset import create_vector, quiet, spatial_reference
from .parts import ColumnSpec

_KINDS = {
    "integer": (ogr.OFTInteger, ogr.OFSTNone), "integer64": (ogr.OFTInteger64, ogr.OFSTNone),
    "real": (ogr.OFTReal, ogr.OFSTNone), "text": (ogr.OFTString, ogr.OFSTNone),
    "boolean": (ogr.OFTInteger, ogr.OFSTBoolean), "date": (ogr.OFTDate, ogr.OFSTNone),
    "datetime": (ogr.OFTDateTime, ogr.OFSTNone), "time": (ogr.OFTTime, ogr.OFSTNone),
    "binary": (ogr.OFTBinary, ogr.OFSTNone), "json": (ogr.OFTString, ogr.OFSTJSON),
}


@dataclass(frozen=True)
class LayerPlan:
    """What a layer shall be; its columns have their final names."""

    name: str
    wkt: str
    geometry_type: int
    geometry_column: str
    columns: "Tuple[ColumnSpec, ...]"
    metadata: "Mapping[str, str]" = field(default_factory=dict)


def create_empty_layer(path: str, plan: LayerPlan) -> None:
    """Create the file with the layer; RuntimeError tells GDAL's reason, OutputError one of the place."""
    with quiet() as messages:
        dataset = create_vector(path)
        problem = _problem(dataset, plan)
        # Not rolled back where it failed, which would leave GDAL with a layer it can't close: the file goes.
        dataset = None
    if problem:
        raise RuntimeError(messages.last if messages.texts else problem)


def _problem(dataset: gdal.Dataset, plan: LayerPlan) -> str:
    """Create all in one transaction; return what went wrong, without an exception that would keep the file open."""
    try:
        dataset.StartTransaction()
        _create(dataset, plan)
        dataset.FlushCache()
        return "" if dataset.CommitTransaction() == ogr.OGRERR_NONE else "the layer can't be created"
    except RuntimeError as error:
        return str(error) or "the layer can't be created"


def _create(dataset: gdal.Dataset, plan: LayerPlan) -> None:
    """Create the layer, its columns and its metadata."""
    layer = dataset.CreateLayer(plan.name, spatial_reference(plan.wkt) if plan.wkt else None, plan.geometry_type,
                                [f"GEOMETRY_NAME={plan.geometry_column}"])
    if layer is None:
        raise RuntimeError(f"layer {plan.name}")
    for column in plan.columns:
        definition = ogr.FieldDefn(column.name, _KINDS[column.type][0])
        definition.SetSubType(_KINDS[column.type][1])
        if layer.CreateField(definition) != ogr.OGRERR_NONE:
            raise RuntimeError(f"column {column.name}")
    for key, value in plan.metadata.items():
        layer.SetMetadataItem(key, value)

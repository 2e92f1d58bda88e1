"""What the inspector looks into: the embeddings of a layer, described by plain values that any thread may hold."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Optional, Union

from qgis.core import QgsCoordinateReferenceSystem, QgsMapLayer, QgsRasterLayer, QgsVectorLayer, QgsWkbTypes

from ...engine.errors import InputError
from ...engine.inspecting.view import FieldView
from ...engine.progress import Progress, check
from ...engine.space import Space, SpaceKey, parse_key
from ...engine.table.open import open_table
from ...processing_provider.adapters.features import plain_geopackage_of
from ...processing_provider.adapters.layer_vectors import LayerVectors
from ...processing_provider.adapters.raster import raster_input
from ...processing_provider.environment import space_registry

FEWEST_UNDECLARED_BANDS = 4


@dataclass(frozen=True)
class FieldSubject:
    """An embedding raster: where GDAL finds it, what its vectors are, and a view that all pages read it through.

    The view keeps what it has read within a limit, so that pages share it; any thread may ask it.
    """

    layer_id: str
    name: str
    crs: QgsCoordinateReferenceSystem
    path: str
    space: Space
    key: str
    view: FieldView = dataclass_field(compare=False, repr=False)

    @property
    def space_key(self) -> SpaceKey:
        """Return the key taken apart."""
        return parse_key(self.key)


@dataclass(frozen=True)
class TableSubject:
    """An embedding table: `path` is empty unless its rows are exactly those of a layer in a GeoPackage."""

    layer_id: str
    name: str
    crs: QgsCoordinateReferenceSystem
    path: str
    space: Optional[Space]
    key: str
    is_points: bool

    @property
    def space_key(self) -> SpaceKey:
        """Return the key taken apart."""
        return parse_key(self.key)


Subject = Union[FieldSubject, TableSubject]


@dataclass(frozen=True)
class OpenRequest:
    """What is needed of a layer to open its embeddings without touching it again."""

    layer_id: str
    name: str
    crs: QgsCoordinateReferenceSystem
    path: str
    rows: Optional[LayerVectors]
    is_points: bool


def may_hold_embeddings(layer: Optional[QgsMapLayer]) -> bool:
    """Guess by a glance whether a layer is worth opening; opening tells for certain."""
    if isinstance(layer, QgsVectorLayer):
        return layer.isValid() and layer.fields().indexFromName("embedding") >= 0
    return isinstance(layer, QgsRasterLayer) and layer.isValid() and layer.bandCount() >= FEWEST_UNDECLARED_BANDS


def open_request(layer: QgsMapLayer) -> OpenRequest:
    """Take from a layer what opening needs, or say why it has no embeddings; this is for the main thread."""
    if not layer.isValid():
        raise InputError("inspect-invalid", "“{name}” can't be read: repair its source.", name=layer.name())
    if isinstance(layer, QgsVectorLayer):
        if layer.geometryType() == QgsWkbTypes.GeometryType.NullGeometry:
            raise InputError("inspect-no-map", "“{name}” has no places on the map: join its rows to features with "
                             "“Import embeddings”.", name=layer.name())
        rows = LayerVectors(layer)
        is_points = layer.geometryType() == QgsWkbTypes.GeometryType.PointGeometry
        return OpenRequest(layer.id(), layer.name(), layer.crs(), plain_geopackage_of(layer), rows, is_points)
    if not isinstance(layer, QgsRasterLayer):
        raise InputError("inspect-kind", "“{name}” is neither a raster nor a vector layer: choose an embedding raster "
                         "or an embedding table.", name=layer.name())
    found = raster_input(layer, "Layer", None, 0.0)
    if found.needs_export:
        raise InputError("inspect-service", "“{name}” is not a file that GDAL opens: save it as a GeoTIFF and look "
                         "into that.", name=layer.name())
    return OpenRequest(layer.id(), layer.name(), layer.crs(), found.path, None, False)


def open_subject(request: OpenRequest, progress: Progress) -> Subject:
    """Read what the embeddings of a layer are; this is for a task."""
    if request.rows is not None:
        return _open_table(request, request.rows, progress)
    view = FieldView.open(request.path)
    field = view.field
    bands = field.space.dimensions
    if not field.space.declared and bands < FEWEST_UNDECLARED_BANDS:
        raise InputError("inspect-few-bands", "“{name}” has no embeddings but {bands} and no embedding space: "
                         "choose an embedding raster, or state the space with “Describe embeddings”.",
                         name=request.name, bands=_bands(bands))
    return FieldSubject(request.layer_id, request.name, request.crs, request.path, field.space, field.key, view)


def _open_table(request: OpenRequest, rows: LayerVectors, progress: Progress) -> TableSubject:
    """Read the one key of a table, and the space that it stands for where that is known."""
    registry = space_registry()
    key, space = rows.key(), None
    check(progress)
    if request.path:
        table = open_table(request.path, registry)
        key, space = table.space_key, table.space()
    found = space if space is not None else registry.find(parse_key(key).digest)
    return TableSubject(request.layer_id, request.name, request.crs, request.path, found, key, request.is_points)


def _bands(count: int) -> str:
    """Count bands in words."""
    return "one band" if count == 1 else "{} bands".format(count)

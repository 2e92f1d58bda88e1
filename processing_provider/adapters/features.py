"""Feature sources as the engine's tables: memory, filtered, selected, edited and database layers come this way."""

from __future__ import annotations

import os
from dataclasses import replace
from itertools import islice
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple

import numpy as np
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsFeatureRequest,
    QgsField,
    QgsFieldConstraints,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingFeatureSource,
    QgsProcessingFeatureSourceDefinition,
    QgsVectorLayer,
    QgsWkbTypes,
)
from qgis.PyQt.QtCore import QByteArray, QDate, QDateTime, QMetaType, Qt, QTime

from ...engine.errors import InputError
from ...engine.provenance import provenance_of
from ...engine.registry import Registry
from ...engine.space import Space, only_key, parse_key
from ...engine.table.parts import CHUNK_ROWS, EMBEDDING, EMBEDDING_SPACE, ColumnSpec, Identity, Table, TableChunk
from ...engine.table.undeclared import undeclared_key
from ...engine.table.vectors import check_vectors
from .feature_order import NO_CHECKS, Walk, as_given, walk_of

_TYPES = {
    "bool": "boolean", "int": "integer", "uint": "integer64", "qlonglong": "integer64", "qulonglong": "integer64",
    "double": "real", "QDate": "date", "QDateTime": "datetime", "QTime": "time", "QByteArray": "binary",
    "QVariantList": "json", "QStringList": "json", "QVariantMap": "json"}
_AS_THEY_ARE = {int, float, str, bool, type(None)}
# Few features at once stay in the processor's cache.
_FEW = 32

Rows = Tuple[List[Any], List[Optional[bytes]], Dict[str, List[Any]]]


class FeatureRows:
    """The rows of a feature source as plain Python values, in the order of a walk through it."""

    def __init__(self, source: QgsProcessingFeatureSource, name: str, id_field: str = "",
                 walk: Walk = as_given) -> None:
        """Describe the source; nothing is read yet."""
        self._source = source
        self._walk = walk
        self._fields: List[QgsField] = [source.fields().at(index) for index in range(source.fields().count())]
        self._readers = [_reader(field) for field in self._fields]
        self._id_index = self._find_id_field(id_field, name)
        self.name = "“{}”".format(source.sourceName() or name)
        self.wkt = _wkt(source.sourceCrs())
        self.geometry_type = _ogr_type(source.wkbType())
        self._without_geometry = source.wkbType() == QgsWkbTypes.Type.NoGeometry
        self.count = source.featureCount()
        self.columns = [ColumnSpec(field.name(), _TYPES.get(_type_name(field), "text")) for field in self._fields]

    def rows(self, size: int = CHUNK_ROWS) -> Iterator[Rows]:
        """Yield ids, geometries as WKB and columns by name, at most `size` rows at a time."""
        features = self._walk(self._source)
        while True:
            ids: List[int] = []
            wkb: List[Optional[bytes]] = []
            columns: List[List[Any]] = [[] for _ in self._fields]
            while len(ids) < size:
                few = list(islice(features, min(_FEW, size - len(ids))))
                if not few:
                    break
                ids.extend(map(QgsFeature.id, few))
                wkb.extend(self._shapes(few))
                for column, read, cells in zip(columns, self._readers, zip(*map(QgsFeature.attributes, few))):
                    column.extend(read(cells))
            if not ids:
                return
            named = {field.name(): column for field, column in zip(self._fields, columns)}
            yield (ids if self._id_index < 0 else columns[self._id_index]), wkb, named

    def _shapes(self, features: Sequence[QgsFeature]) -> List[Optional[bytes]]:
        """Return the geometries' bytes, None where there is none."""
        if self._without_geometry:
            return [None] * len(features)
        return [feature.geometry().asWkb().data() or None for feature in features]

    def _find_id_field(self, id_field: str, name: str) -> int:
        """Return the index of the id column: the one named, else a unique `fid`, else none (−1)."""
        if id_field:
            index = self._source.fields().lookupField(id_field)
            if index < 0:
                raise InputError("id-field", "{name}: “{source}” has no column “{field}”.", name=name,
                                 source=self._source.sourceName(), field=id_field)
            return index
        index = self._source.fields().lookupField("fid")
        if index < 0:
            return -1
        if self._fields[index].constraints().constraints() & QgsFieldConstraints.Constraint.ConstraintUnique:
            return index
        count = self._source.featureCount()
        return index if count >= 0 and len(self._source.uniqueValues(index)) == count else -1


class FeatureTable(FeatureRows):
    """An embedding table out of a feature source."""

    def __init__(self, source: QgsProcessingFeatureSource, name: str, registry: Optional[Registry] = None,
                 id_field: str = "", walk: Walk = as_given) -> None:
        """Check that there is a column of vectors, and read its space's key."""
        super().__init__(source, name, id_field, walk)
        self._registry = registry
        if source.fields().indexFromName(EMBEDDING) < 0:
            raise InputError(
                "table-none", "{name}: {source} has no column “embedding”: make one with “Embed raster as patches” or "
                "“Import embeddings”. (“Execute SQL” and some other steps drop binary columns.)", name=name,
                source=self.name)
        self.columns = [column for column in self.columns if column.name not in (EMBEDDING, EMBEDDING_SPACE)]
        self.space_key = self._read_key()

    def space(self) -> Optional[Space]:
        """Return the description of the space from the user's registry, or None where only the key is known."""
        return self._registry.find(parse_key(self.space_key).digest) if self._registry is not None else None

    def identity(self) -> Identity:
        """Return what a writer needs to pass the vectors on in the same space."""
        key = parse_key(self.space_key)
        found: Identity = self.space() or key
        return replace(found, provenance=found.provenance or provenance_of({}, key.name))

    def chunks(self, size: int = CHUNK_ROWS) -> Iterator[TableChunk]:
        """Yield the rows with their vectors decoded."""
        for ids, wkb, columns in self.rows(size):
            blobs = columns.pop(EMBEDDING)
            keys = columns.pop(EMBEDDING_SPACE, None)
            found = set(keys or ())
            if any(found) and found != {self.space_key}:
                only_key([self.space_key, *(key or "" for key in keys)], self.name)
            vectors = check_vectors(blobs, self.space_key, self.name, ids)
            yield TableChunk(ids if self._id_index >= 0 and isinstance(ids[0], str) else np.asarray(ids), vectors, wkb,
                             columns)

    def _read_key(self) -> str:
        """Return the one key of the column, or one that stands for undeclared vectors."""
        index = self._source.fields().indexFromName(EMBEDDING_SPACE)
        if index >= 0:
            keys = [str(value) for value in self._source.uniqueValues(index) if isinstance(value, str) and value]
            if keys:
                return only_key(keys, self.name)
        request = QgsFeatureRequest().setFlags(QgsFeatureRequest.Flag.NoGeometry).setLimit(1)
        first = next(iter(self._source.getFeatures(request, NO_CHECKS)), None)
        if first is None:
            raise InputError("table-empty", "{name} has no rows: check its filter and selection.", name=self.name)
        return undeclared_key(_plain(first.attribute(EMBEDDING)), self.name)


def resolve_features(algorithm: QgsProcessingAlgorithm, parameters: "Dict[str, Any]", name: str,
                     context: QgsProcessingContext) -> QgsProcessingFeatureSource:
    """Return the feature source of a parameter, or say in words why there is none."""
    source = algorithm.parameterAsSource(parameters, name, context)
    if source is None:
        value = parameters.get(name)
        raise InputError("features-missing", "{name}: “{value}” can't be read as a vector layer: check the path.",
                         name=name, value=value if isinstance(value, str) else "the value given")
    return source


def plain_geopackage(algorithm: QgsProcessingAlgorithm, parameters: "Dict[str, Any]", name: str,
                     context: QgsProcessingContext) -> str:
    """Return `path|layername=x` where the rows of the file are exactly those meant, else an empty text."""
    if isinstance(parameters.get(name), QgsProcessingFeatureSourceDefinition):
        definition = parameters[name]
        if definition.selectedFeaturesOnly or getattr(definition, "featureLimit", -1) >= 0:
            return ""
        if getattr(definition, "filterExpression", ""):
            return ""
    layer = algorithm.parameterAsVectorLayer(parameters, name, context)
    return plain_geopackage_of(layer) if isinstance(layer, QgsVectorLayer) else ""


def plain_geopackage_of(layer: QgsVectorLayer) -> str:
    """Return `path|layername=x` where the rows of the file are just those that the layer shows, else an empty text."""
    if layer.providerType() != "ogr":
        return ""
    if layer.subsetString() or layer.isEditable():
        return ""
    path, _, options = layer.source().partition("|")
    if not path.lower().endswith(".gpkg") or not os.path.exists(path) or layer.joinBuffer().containsJoins():
        return ""
    return "{}|{}".format(os.path.abspath(path), options) if options else os.path.abspath(path)


def table_input(algorithm: QgsProcessingAlgorithm, parameters: "Dict[str, Any]", name: str,
                context: QgsProcessingContext, registry: Optional[Registry] = None,
                id_field: str = "") -> Callable[[], Table]:
    """Return how to open the embedding table of a parameter: call it where the work is done, not where layers are."""
    path = plain_geopackage(algorithm, parameters, name, context)
    if path:
        from ...engine.table import open_table

        return lambda: open_table(path, registry, id_field)
    source, walk = resolve_features(algorithm, parameters, name, context), walk_of(parameters.get(name))
    return lambda: FeatureTable(source, name, registry, id_field, walk)


def _reader(field: QgsField) -> Callable[[Sequence[Any]], Sequence[Any]]:
    """Return the conversion of some of a column's cells."""
    kind = _type_name(field)
    return {"bool": _plain_booleans, "QByteArray": _plain_bytes}.get(kind, _plain_cells)


def _plain_cells(cells: Sequence[Any]) -> Sequence[Any]:
    """Return numbers and texts as they are, all else as Python's own."""
    return cells if _AS_THEY_ARE.issuperset(map(type, cells)) else [_plain(cell) for cell in cells]


def _plain_bytes(cells: Sequence[Any]) -> Sequence[Any]:
    """Return bytes, None where there are none."""
    return [(cell.data() or None) if type(cell) is QByteArray else _plain(cell) for cell in cells]


def _plain_booleans(cells: Sequence[Any]) -> Sequence[Any]:
    """Return True, False or None."""
    return [None if cell is None else bool(cell) for cell in _plain_cells(cells)]


def _plain(value: Any) -> Any:
    """Return a Qt value as Python's own; NULL, also an empty binary, becomes None; dates become ISO texts."""
    if value is None or type(value) in (int, float, str, bool):
        return value
    if isinstance(value, QByteArray):
        return bytes(value.data()) if not value.isEmpty() else None
    if isinstance(value, (QDate, QTime)):
        return value.toString(Qt.DateFormat.ISODate) if value.isValid() else None
    if isinstance(value, QDateTime):
        return value.toString(Qt.DateFormat.ISODateWithMs) if value.isValid() else None
    if isinstance(value, (list, dict, bytes)):
        return value
    is_null = getattr(value, "isNull", None)
    return None if is_null is not None and is_null() else value


def _type_name(field: QgsField) -> str:
    """Return the C++ name of a column's type, which reads the same in Qt 5 and 6."""
    kind = int(getattr(field.type(), "value", field.type()))
    if hasattr(QMetaType, "typeName"):
        return QMetaType.typeName(kind) or ""
    name = QMetaType(kind).name()
    return bytes(name).decode("ascii") if not isinstance(name, str) else name


def _wkt(crs: QgsCoordinateReferenceSystem) -> str:
    """Return the CRS as WKT, empty where unknown."""
    return crs.toWkt(QgsCoordinateReferenceSystem.WktVariant.WKT_PREFERRED) if crs.isValid() else ""


def _ogr_type(wkb_type: Any) -> int:
    """Return OGR's number of a geometry type: ISO numbers are QGIS's, but unknown is 0 and none is 100 in both."""
    from osgeo import ogr

    kind = QgsWkbTypes.flatType(wkb_type)
    if kind == QgsWkbTypes.Type.NoGeometry:
        return ogr.wkbNone
    plain = int(getattr(kind, "value", kind))
    result = plain if plain < 100 else ogr.wkbUnknown
    if QgsWkbTypes.hasZ(wkb_type):
        result = ogr.GT_SetZ(result)
    return ogr.GT_SetM(result) if QgsWkbTypes.hasM(wkb_type) else result

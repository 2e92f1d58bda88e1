"""Feature sources as the engine's tables: memory, filtered, selected, edited and database layers come this way."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple

import numpy as np
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsFeatureRequest,
    QgsField,
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

_TYPES = {
    "bool": "boolean", "int": "integer", "uint": "integer64", "qlonglong": "integer64", "qulonglong": "integer64",
    "double": "real", "QDate": "date", "QDateTime": "datetime", "QTime": "time", "QByteArray": "binary",
    "QVariantList": "json", "QStringList": "json", "QVariantMap": "json"}
_NO_CHECKS = QgsProcessingFeatureSource.Flag.FlagSkipGeometryValidityChecks

Rows = Tuple[List[Any], List[Optional[bytes]], Dict[str, List[Any]]]


class FeatureRows:
    """The rows of a feature source as plain Python values, in the order that the source gives them."""

    def __init__(self, source: QgsProcessingFeatureSource, name: str, id_field: str = "") -> None:
        """Describe the source; nothing is read yet."""
        self._source = source
        self._fields: List[QgsField] = [source.fields().at(index) for index in range(source.fields().count())]
        self._readers = [_reader(field) for field in self._fields]
        self._id_index = self._find_id_field(id_field, name)
        self.name = "“{}”".format(source.sourceName() or name)
        self.wkt = _wkt(source.sourceCrs())
        self.geometry_type = _ogr_type(source.wkbType())
        self.count = source.featureCount()
        self.columns = [ColumnSpec(field.name(), _TYPES.get(_type_name(field), "text")) for field in self._fields]

    def rows(self, size: int = CHUNK_ROWS) -> Iterator[Rows]:
        """Yield ids, geometries as WKB and columns by name, at most `size` rows at a time."""
        pending: List[QgsFeature] = []
        for feature in self._source.getFeatures(QgsFeatureRequest(), _NO_CHECKS):
            pending.append(QgsFeature(feature))
            if len(pending) == size:
                yield self._unpack(pending)
                pending = []
        if pending:
            yield self._unpack(pending)

    def _unpack(self, features: Sequence[QgsFeature]) -> Rows:
        """Turn features into columns."""
        values = [feature.attributes() for feature in features]
        columns = {field.name(): [read(row[index]) for row in values]
                   for index, (field, read) in enumerate(zip(self._fields, self._readers))}
        ids = ([feature.id() for feature in features] if self._id_index < 0
               else columns[self._fields[self._id_index].name()])
        return ids, [_wkb(feature) for feature in features], columns

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
        count = self._source.featureCount()
        return index if count >= 0 and len(self._source.uniqueValues(index)) == count else -1


class FeatureTable(FeatureRows):
    """An embedding table out of a feature source."""

    def __init__(self, source: QgsProcessingFeatureSource, name: str, registry: Optional[Registry] = None,
                 id_field: str = "") -> None:
        """Check that there is a column of vectors, and read its space's key."""
        super().__init__(source, name, id_field)
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
            if keys is not None and any(keys):
                only_key([self.space_key] + [key or "" for key in keys], self.name)
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
        first = next(iter(self._source.getFeatures(request, _NO_CHECKS)), None)
        if first is None:
            raise InputError("table-empty", "{name} has no rows: check its filter and selection.", name=self.name)
        return undeclared_key(_plain(first.attribute(EMBEDDING)), self.name)


def feature_rows(source: QgsProcessingFeatureSource, name: str, id_field: str = "") -> FeatureRows:
    """Return the rows of any feature source; `name` is the parameter, for messages."""
    return FeatureRows(source, name, id_field)


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
    if not isinstance(layer, QgsVectorLayer) or layer.providerType() != "ogr":
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
    source = resolve_features(algorithm, parameters, name, context)
    return lambda: FeatureTable(source, name, registry, id_field)


def _reader(field: QgsField) -> Callable[[Any], Any]:
    """Return the conversion of a column; numbers and texts only need their NULLs replaced."""
    return _plain_boolean if _type_name(field) == "bool" else _plain


def _plain_boolean(value: Any) -> Any:
    """Return True, False or None."""
    plain = _plain(value)
    return None if plain is None else bool(plain)


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


def _wkb(feature: QgsFeature) -> Optional[bytes]:
    """Return the geometry's bytes, or None where there is none."""
    return bytes(feature.geometry().asWkb().data()) if feature.hasGeometry() else None


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

"""Polygons that limit a raster run, as WKB in the raster's coordinates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, List, Optional, Tuple

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCoordinateTransformContext,
    QgsCsException,
    QgsFeatureRequest,
    QgsGeometry,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingFeatureSource,
    QgsWkbTypes,
)

from ...engine.errors import InputError
from ...engine.progress import check
from .feedback import FeedbackProgress

_STEPS_ALONG = 200


@dataclass
class MaskInput:
    """A resolved polygon source and the coordinates that its polygons are wanted in."""

    parameter: str
    source: QgsProcessingFeatureSource
    crs: QgsCoordinateReferenceSystem
    transforms: QgsCoordinateTransformContext

    def polygons(self, progress: FeedbackProgress) -> Tuple[bytes, ...]:
        """Read the features (only the selected or filtered ones, as Processing was asked) and return their WKB."""
        transform = _transform(self.source.sourceCrs(), self.crs, self.transforms)
        request = QgsFeatureRequest().setSubsetOfAttributes([])
        found: List[bytes] = []
        mended = 0
        for feature in self.source.getFeatures(request, QgsProcessingFeatureSource.Flag.FlagSkipGeometryValidityChecks):
            check(progress)
            geometry = feature.geometry()
            if geometry.isNull() or geometry.isEmpty():
                continue
            flat = _flat(geometry)
            if not flat.isGeosValid():
                flat = _polygons_only(flat.makeValid())
                mended += 1
            if transform is not None:
                flat = self._transformed(flat, transform, feature.id())
            if not flat.isEmpty():
                found.append(bytes(flat.asWkb().data()))
        if mended:
            progress.warn("{}: {} of the polygons of “{}” had invalid geometries and were mended (self-crossing "
                          "outlines, most often).".format(self.parameter, mended, self.source.sourceName()))
        if not found:
            raise InputError("mask-empty", "{parameter}: “{name}” has no polygons to limit the run to; check its "
                             "filter and selection.", parameter=self.parameter, name=self.source.sourceName())
        return tuple(found)

    def _transformed(self, geometry: QgsGeometry, transform: QgsCoordinateTransform, feature: int) -> QgsGeometry:
        """Transform, with points added along straight edges, since these are curves in another projection."""
        box = geometry.boundingBox()
        dense = geometry.densifyByDistance(max(box.width(), box.height()) / _STEPS_ALONG) if box.width() else geometry
        reason = "its coordinates lie outside of where that projection works"
        try:
            dense.transform(transform)
            if dense.boundingBox().isFinite():
                return dense
        except QgsCsException as error:
            reason = " ".join(str(error).split())[:160]
        raise InputError(
            "mask-transform", "{parameter}: feature {feature} of “{name}” can't be transformed from {source} to the "
            "raster's {target} ({reason}): check the layer's CRS.", parameter=self.parameter, feature=feature,
            name=self.source.sourceName(), source=self.source.sourceCrs().authid(), target=self.crs.authid(),
            reason=reason)


def resolve_mask(algorithm: QgsProcessingAlgorithm, parameters: "dict[str, Any]", name: str,
                 context: QgsProcessingContext, crs: QgsCoordinateReferenceSystem) -> Optional[MaskInput]:
    """Return the polygons of a parameter, or None where none were given."""
    value = parameters.get(name)
    if value is None or value == "":
        return None
    source = algorithm.parameterAsSource(parameters, name, context)
    if source is None:
        raise InputError("mask-missing", "{name}: “{value}” can't be read as a polygon layer: check the path.",
                         name=name, value=value if isinstance(value, str) else "the value given")
    if QgsWkbTypes.geometryType(source.wkbType()) != QgsWkbTypes.GeometryType.PolygonGeometry:
        raise InputError("mask-kind", "{name}: “{source}” holds no polygons but {kind}: buffer it or choose a polygon "
                         "layer.", name=name, source=source.sourceName(),
                         kind=QgsWkbTypes.displayString(source.wkbType()) or "no geometries")
    return MaskInput(name, source, crs, context.transformContext())


def _transform(source: QgsCoordinateReferenceSystem, target: QgsCoordinateReferenceSystem,
               transforms: QgsCoordinateTransformContext) -> Optional[QgsCoordinateTransform]:
    """Return the transform, or None where none is needed or one of the two is unknown."""
    if not source.isValid() or not target.isValid() or source == target:
        return None
    return QgsCoordinateTransform(source, target, transforms)


def _flat(geometry: QgsGeometry) -> QgsGeometry:
    """Return straight polygons without heights, which is what GDAL burns."""
    flat = QgsGeometry(geometry)
    if QgsWkbTypes.isCurvedType(flat.wkbType()):
        flat = QgsGeometry(flat.constGet().segmentize())
    abstract = flat.get()
    abstract.dropZValue()
    abstract.dropMValue()
    return flat


def _polygons_only(geometry: QgsGeometry) -> QgsGeometry:
    """Drop the lines and points that mending may leave."""
    if QgsWkbTypes.geometryType(geometry.wkbType()) == QgsWkbTypes.GeometryType.PolygonGeometry:
        return geometry
    geometry.convertGeometryCollectionToSubclass(QgsWkbTypes.GeometryType.PolygonGeometry)
    return geometry

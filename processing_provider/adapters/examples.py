"""Examples for a search: features of any layer, rows of a table with vectors, or typed coordinates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

import numpy as np
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
from ...engine.table.parts import EMBEDDING, Table
from ..environment import space_registry
from .features import resolve_features, table_input
from .feedback import FeedbackProgress

_NO_CHECKS = QgsProcessingFeatureSource.Flag.FlagSkipGeometryValidityChecks


@dataclass
class ExamplesInput:
    """A resolved source of examples, and how they come into the coordinates of what is searched."""

    parameter: str
    source: QgsProcessingFeatureSource
    table: Optional[Callable[[], Table]]
    transforms: QgsCoordinateTransformContext

    @property
    def name(self) -> str:
        """Return what messages call the examples."""
        return "{} (“{}”)".format(self.parameter, self.source.sourceName())

    def examples(self, crs: QgsCoordinateReferenceSystem, progress: FeedbackProgress) -> Any:
        """Read the features (the selected or filtered ones, as Processing was asked) as the engine's examples."""
        from ...engine.analyses.similarity.examples import Examples

        mover = _Mover(self.name, self.source.sourceCrs(), crs, self.transforms)
        if self.table is None:
            return Examples(self.name, mover.moved(self._geometries(progress)))
        opened = self.table()
        vectors, shapes = [], []
        for chunk in opened.chunks():
            check(progress)
            vectors.append(chunk.vectors)
            shapes.extend(_geometry(wkb) for wkb in chunk.wkb if wkb is not None)
        return Examples(self.name, mover.moved(shapes), np.concatenate(vectors), opened.space_key)

    def _geometries(self, progress: FeedbackProgress) -> List[QgsGeometry]:
        """Read the geometries."""
        request = QgsFeatureRequest().setSubsetOfAttributes([])
        found = []
        for feature in self.source.getFeatures(request, _NO_CHECKS):
            check(progress)
            if feature.hasGeometry() and not feature.geometry().isEmpty():
                found.append(QgsGeometry(feature.geometry()))
        return found


@dataclass
class _Mover:
    """Brings geometries into the coordinates of what is searched."""

    name: str
    source: QgsCoordinateReferenceSystem
    target: QgsCoordinateReferenceSystem
    transforms: QgsCoordinateTransformContext

    def moved(self, geometries: Sequence[QgsGeometry]) -> Tuple[bytes, ...]:
        """Return geometries as flat WKB in the target's coordinates."""
        transform = None
        if self.source.isValid() and self.target.isValid() and self.source != self.target:
            transform = QgsCoordinateTransform(self.source, self.target, self.transforms)
        return tuple(bytes(self._one(geometry, transform).asWkb().data()) for geometry in geometries)

    def _one(self, geometry: QgsGeometry, transform: Optional[QgsCoordinateTransform]) -> QgsGeometry:
        """Return one geometry without curves and heights, transformed."""
        if QgsWkbTypes.isCurvedType(geometry.wkbType()):
            geometry = QgsGeometry(geometry.constGet().segmentize())
        abstract = geometry.get()
        abstract.dropZValue()
        abstract.dropMValue()
        if transform is None:
            return geometry
        try:
            geometry.transform(transform)
            if geometry.boundingBox().isFinite():
                return geometry
        except QgsCsException as error:
            reason = " ".join(str(error).split())[:160]
        else:
            reason = "its coordinates lie outside of where that projection works"
        raise InputError("examples-transform", "{name}: an example can't be transformed from {source} to {target} "
                         "({reason}): check the layer's CRS.", name=self.name, source=self.source.authid(),
                         target=self.target.authid(), reason=reason)


def resolve_examples(algorithm: QgsProcessingAlgorithm, parameters: "Dict[str, Any]", name: str,
                     context: QgsProcessingContext) -> Optional[ExamplesInput]:
    """Return the examples of a parameter, or None where none were given; a layer with vectors is a table."""
    value = parameters.get(name)
    if value is None or value == "":
        return None
    source = resolve_features(algorithm, parameters, name, context)
    table = None
    if source.fields().indexFromName(EMBEDDING) >= 0:
        table = table_input(algorithm, parameters, name, context, space_registry())
    elif source.wkbType() == QgsWkbTypes.Type.NoGeometry:
        raise InputError("examples-kind", "{name}: “{source}” has neither geometries nor a column “embedding”: give "
                         "points, lines, polygons or rows of an embedding table.", name=name,
                         source=source.sourceName())
    return ExamplesInput(name, source, table, context.transformContext())


def _geometry(wkb: bytes) -> QgsGeometry:
    """Return a geometry from its bytes."""
    geometry = QgsGeometry()
    geometry.fromWkb(wkb)
    return geometry

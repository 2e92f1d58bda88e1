"""The places that somebody showed on the map: examples and counter-examples, each in the CRS it was shown in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional, Sequence, Tuple

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCsException,
    QgsGeometry,
    QgsMapLayer,
    QgsPointXY,
    QgsProject,
    QgsRectangle,
    QgsVectorLayer,
    QgsWkbTypes,
)

MOST_FEATURES = 500
_BOX_NODES = 15


@dataclass(frozen=True)
class ShownExample:
    """One example: a flat geometry in a CRS, whether it is what is not meant, and where it came from."""

    geometry: QgsGeometry
    crs: QgsCoordinateReferenceSystem
    counter: bool
    source: str = ""

    def moved(self, crs: QgsCoordinateReferenceSystem) -> Optional[QgsGeometry]:
        """Return the geometry in another CRS, or None where that has no such place."""
        geometry = QgsGeometry(self.geometry)
        if crs == self.crs or not crs.isValid() or not self.crs.isValid():
            return geometry
        try:
            geometry.transform(QgsCoordinateTransform(self.crs, crs, QgsProject.instance()))
        except QgsCsException:
            return None
        return geometry if geometry.boundingBox().isFinite() else None


@dataclass(frozen=True)
class MovedExamples:
    """Examples in the CRS of what is looked at; `lost` have no place there."""

    positives: Tuple[QgsGeometry, ...]
    negatives: Tuple[QgsGeometry, ...]
    lost: int


def moved_examples(examples: Sequence[ShownExample], crs: QgsCoordinateReferenceSystem) -> MovedExamples:
    """Bring examples into one CRS."""
    pairs = [(one.counter, one.moved(crs)) for one in examples]
    return MovedExamples(tuple(shape for counter, shape in pairs if shape is not None and not counter),
                         tuple(shape for counter, shape in pairs if shape is not None and counter),
                         sum(shape is None for _, shape in pairs))


def point_example(point: QgsPointXY, crs: QgsCoordinateReferenceSystem, counter: bool) -> ShownExample:
    """Return a place that was clicked."""
    return ShownExample(QgsGeometry.fromPointXY(point), crs, counter)


def box_example(box: QgsRectangle, crs: QgsCoordinateReferenceSystem, counter: bool) -> ShownExample:
    """Return a box that was drawn; its sides may bend in another CRS."""
    return ShownExample(QgsGeometry.fromRect(box).densifyByCount(_BOX_NODES), crs, counter)


def selected_layer(current: Optional[QgsMapLayer]) -> Optional[QgsVectorLayer]:
    """Return the layer whose selection is meant: the current one, else the first one that has a selection."""
    layers = [current, *QgsProject.instance().mapLayers().values()]
    return next((layer for layer in layers if isinstance(layer, QgsVectorLayer) and layer.selectedFeatureCount()), None)


def feature_examples(layer: QgsVectorLayer, counter: bool, as_points: bool) -> List[ShownExample]:
    """Return selected features, at most MOST_FEATURES; as points where neighbours that they touch aren't meant."""
    found = []
    for feature in layer.getSelectedFeatures():
        geometry = QgsGeometry(feature.geometry())
        if geometry.isNull() or geometry.isEmpty():
            continue
        if QgsWkbTypes.isCurvedType(geometry.wkbType()):
            geometry = QgsGeometry(geometry.constGet().segmentize())
        geometry.get().dropZValue()
        geometry.get().dropMValue()
        geometry = geometry.pointOnSurface() if as_points else geometry
        found.append(ShownExample(geometry, layer.crs(), counter, layer.name()))
        if len(found) == MOST_FEATURES:
            break
    return found

"""An extent parameter in the coordinates of the raster that it limits."""

from __future__ import annotations

from typing import Any, Optional, Tuple

from qgis.core import QgsCoordinateReferenceSystem, QgsProcessingAlgorithm, QgsProcessingContext, QgsRectangle

from ...engine.errors import InputError


def read_extent(algorithm: QgsProcessingAlgorithm, parameters: "dict[str, Any]", name: str,
                context: QgsProcessingContext, crs: QgsCoordinateReferenceSystem) -> Optional[QgsRectangle]:
    """Return the rectangle in `crs`, or None where none was given."""
    value = parameters.get(name)
    if value is None or value == "":
        return None
    extent = algorithm.parameterAsExtent(parameters, name, context, crs)
    if extent.isNull() or extent.isEmpty() or not extent.isFinite():
        raise InputError("extent", "{name}: “{value}” is not an extent: give xmin,xmax,ymin,ymax in the raster's "
                         "coordinates, with [EPSG:…] where they are in others, or name a layer.", name=name,
                         value=value if isinstance(value, str) else "the value given")
    return extent


def bounds(extent: Optional[QgsRectangle]) -> Optional[Tuple[float, float, float, float]]:
    """Return xmin, ymin, xmax, ymax."""
    if extent is None:
        return None
    return extent.xMinimum(), extent.yMinimum(), extent.xMaximum(), extent.yMaximum()

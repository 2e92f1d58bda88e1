"""Where to work: an extent, or polygons."""

from __future__ import annotations

from qgis.core import (
    QgsProcessing,
    QgsProcessingAlgorithm,
    QgsProcessingParameterExtent,
    QgsProcessingParameterFeatureSource,
)

EXTENT = "EXTENT"
MASK = "MASK"


def declare_region(algorithm: QgsProcessingAlgorithm) -> None:
    """Add EXTENT and MASK."""
    algorithm.add(
        QgsProcessingParameterExtent(EXTENT, algorithm.tr("Extent"), None, True),
        algorithm.tr(
            "Work only here; empty means the whole raster. Cells stay on the raster's own grid, so results of two "
            "extents fit together. Without a CRS in brackets the numbers are in the raster's coordinates: "
            "xmin,xmax,ymin,ymax."))
    algorithm.add(
        QgsProcessingParameterFeatureSource(MASK, algorithm.tr("Mask polygons"),
                                            [QgsProcessing.SourceType.TypeVectorPolygon], None, True),
        algorithm.tr(
            "Work only in cells that these polygons touch; blocks outside are never read. The selection and "
            "the filter of the layer are respected, its CRS may differ."))

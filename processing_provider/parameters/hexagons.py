"""What the two aggregations to H3 ask for."""

from __future__ import annotations

from qgis.core import (
    QgsProcessing,
    QgsProcessingAlgorithm,
    QgsProcessingOutputNumber,
    QgsProcessingParameterVectorDestination,
)

from .choice import choice
from .number import whole_number

RESOLUTION = "RESOLUTION"
GEOMETRY = "GEOMETRY"
OUTPUT = "OUTPUT"
GEOMETRIES = ("polygons", "centres")


def declare_hexagons(algorithm: QgsProcessingAlgorithm, automatic: str) -> None:
    """Add RESOLUTION and GEOMETRY; `automatic` tells how a resolution is chosen."""
    algorithm.add(
        whole_number(RESOLUTION, algorithm.tr("Resolution (−1: from the data)"), -1, -1, 15),
        algorithm.tr("H3's resolution, from 0 (1,100 km across a hexagon) by 5 (20 km), 7 (2.8 km) and 9 (400 m) to 15 "
                     "(1 m); each is 2.6 times finer than the one before. −1: {automatic}").format(automatic=automatic))
    algorithm.add(
        choice(GEOMETRY, algorithm.tr("Geometry"), GEOMETRIES, "polygons"),
        algorithm.tr("polygons: the outlines of hexagons (twelve in the world are pentagons), cut in two where 180° of "
                     "longitude crosses them. centres: a point in the middle of each."))


def declare_hexagon_table(algorithm: QgsProcessingAlgorithm, counted: str) -> None:
    """Add OUTPUT and the numbers; `counted` tells what the column count counts."""
    algorithm.add(
        QgsProcessingParameterVectorDestination(OUTPUT, algorithm.tr("Hexagons"),
                                                QgsProcessing.SourceType.TypeVectorAnyGeometry),
        algorithm.tr("A GeoPackage layer in longitude and latitude with h3 (the cell's name, a text), count ({counted}"
                     "), dispersion (how far vectors lie from their mean: the root of the mean squared distance, 0 "
                     "where all are alike), embedding and embedding_space.").format(counted=counted))
    algorithm.addOutput(QgsProcessingOutputNumber("HEXAGONS", algorithm.tr("Number of hexagons")))
    algorithm.addOutput(QgsProcessingOutputNumber("RESOLUTION_OUT", algorithm.tr("Resolution used")))
    algorithm.addOutput(QgsProcessingOutputNumber("LEFT_OUT", algorithm.tr("Cells or rows without a place on Earth")))

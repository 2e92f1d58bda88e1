"""How the numbers of a result are kept: dimensions and coding."""

from __future__ import annotations

from qgis.core import QgsProcessingAlgorithm

from .choice import choice
from .number import whole_number

DIMENSIONS = "DIMENSIONS"
CODING = "CODING"
CODINGS = ("float32", "int16", "uint8")


def declare_dimensions(algorithm: QgsProcessingAlgorithm) -> None:
    """Add DIMENSIONS."""
    algorithm.add(
        whole_number(DIMENSIONS, algorithm.tr("Dimensions"), 0, 0, 65_535),
        algorithm.tr(
            "How many numbers a vector keeps. 0 = all of the encoder's. Fewer are made by a principal component "
            "analysis fitted on a sample of this raster; it becomes part of the space and is written to the card named "
            "in ENCODER_USED, so that another raster can be embedded in the same space."))


def declare_coding(algorithm: QgsProcessingAlgorithm) -> None:
    """Add CODING."""
    algorithm.add(
        choice(CODING, algorithm.tr("Coding"), CODINGS, "float32"),
        algorithm.tr(
            "How numbers lie in the file. float32 keeps them as they are; int16 halves and uint8 quarters the size, "
            "with a scale and an offset in each band that every GIS applies by itself."),
        advanced=True)

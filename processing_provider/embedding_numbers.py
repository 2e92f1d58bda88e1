"""The numbers and texts that both ways of embedding a raster declare as outputs, for models and scripts."""

from __future__ import annotations

from qgis.core import QgsProcessingAlgorithm, QgsProcessingOutputNumber, QgsProcessingOutputString


def declare_embedding_numbers(algorithm: QgsProcessingAlgorithm) -> None:
    """Add CELLS, DIMENSIONS_OUT, SECONDS, DEVICE_USED and ENCODER_USED."""
    algorithm.addOutput(QgsProcessingOutputNumber("CELLS", algorithm.tr("Number of cells with a vector")))
    algorithm.addOutput(QgsProcessingOutputNumber("DIMENSIONS_OUT", algorithm.tr("Dimensions of a vector")))
    algorithm.addOutput(QgsProcessingOutputNumber("SECONDS", algorithm.tr("Seconds taken")))
    algorithm.addOutput(QgsProcessingOutputString("DEVICE_USED", algorithm.tr("Device used")))
    algorithm.addOutput(QgsProcessingOutputString("ENCODER_USED", algorithm.tr("Card of the encoder used")))

"""How large an output cell is and how far tiles overlap."""

from __future__ import annotations

from qgis.core import QgsProcessingAlgorithm

from .number import whole_number

CELL = "CELL"
OVERLAP = "OVERLAP"


def declare_cell(algorithm: QgsProcessingAlgorithm) -> None:
    """Add CELL."""
    algorithm.add(
        whole_number(CELL, algorithm.tr("Cell size in pixels"), 0, 0, 100_000),
        algorithm.tr(
            "Width of an output cell in pixels of the raster. 0 = the encoder's own: the patch of a transformer, the "
            "stride of a convolutional network, half the largest window of the automatic encoder."))


def declare_overlap(algorithm: QgsProcessingAlgorithm) -> None:
    """Add OVERLAP."""
    algorithm.add(
        whole_number(OVERLAP, algorithm.tr("Overlap in pixels"), -1, -1, 100_000),
        algorithm.tr(
            "How far neighbouring tiles overlap, in pixels. −1 = as the encoder needs: enough to make tiles invisible "
            "for convolutional networks, a quarter of the tile, blended, for transformers."),
        advanced=True)

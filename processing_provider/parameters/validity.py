"""How much of a cell or patch must be valid."""

from __future__ import annotations

from qgis.core import QgsProcessingAlgorithm

from .number import real_number

MIN_VALID = "MIN_VALID"


def declare_min_valid(algorithm: QgsProcessingAlgorithm) -> None:
    """Add MIN_VALID."""
    algorithm.add(
        real_number(MIN_VALID, algorithm.tr("Smallest valid share"), 0.5, 0.001, 1.0),
        algorithm.tr(
            "Cells and patches with a smaller share of valid pixels get nodata or are left out. Nodata values, NaN, "
            "mask bands and transparent pixels are not valid."),
        advanced=True)

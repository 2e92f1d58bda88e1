"""The raster to embed, its bands, and what layers without pixels of their own need."""

from __future__ import annotations

from qgis.core import (
    QgsProcessing,
    QgsProcessingAlgorithm,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
)

from .number import real_number

INPUT = "INPUT"
BANDS = "BANDS"
PIXEL_SIZE = "PIXEL_SIZE"
FURTHER = "FURTHER"
DATES = "DATES"


def declare_raster(algorithm: QgsProcessingAlgorithm) -> None:
    """Add INPUT."""
    algorithm.add(
        QgsProcessingParameterRasterLayer(INPUT, algorithm.tr("Raster")),
        algorithm.tr(
            "The raster to embed: a file, a layer of the project, or a web layer (which also needs EXTENT and "
            "PIXEL_SIZE). Its pixel grid is the grid of the result."))


def declare_bands(algorithm: QgsProcessingAlgorithm) -> None:
    """Add BANDS."""
    algorithm.add(
        QgsProcessingParameterString(BANDS, algorithm.tr("Bands"), "", False, True),
        algorithm.tr(
            "Empty: the encoder's bands are found in the raster by name, then by common name (red, nir …), then by "
            "wavelength; an encoder made from a raster takes all bands. Otherwise the band numbers or names in the "
            "encoder's order, separated by semicolons, such as 4;3;2."))


def declare_pixel_size(algorithm: QgsProcessingAlgorithm) -> None:
    """Add PIXEL_SIZE."""
    algorithm.add(
        real_number(PIXEL_SIZE, algorithm.tr("Pixel size for web layers"), None, 0.0, optional=True),
        algorithm.tr(
            "Only for layers that have no pixels of their own (WMS, XYZ tiles …): the size of a pixel in the units of "
            "the layer's CRS. The stated extent is read at this size into a temporary GeoTIFF first."),
        advanced=True)


def declare_dates(algorithm: QgsProcessingAlgorithm) -> None:
    """Add FURTHER and DATES."""
    algorithm.add(
        QgsProcessingParameterMultipleLayers(FURTHER, algorithm.tr("Further dates"),
                                             QgsProcessing.SourceType.TypeRaster, None, True),
        algorithm.tr(
            "For encoders that look at several dates at once: the rasters of the further dates, on the same grid as "
            "the first, in order of time."),
        advanced=True)
    algorithm.add(
        QgsProcessingParameterString(DATES, algorithm.tr("Dates"), "", False, True),
        algorithm.tr(
            "For encoders that take the time: the date of the raster and of each further one, such as "
            "2023-05-14;2023-08-02."),
        advanced=True)

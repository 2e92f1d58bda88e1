"""All computing: NumPy and GDAL below, never QGIS or Qt."""

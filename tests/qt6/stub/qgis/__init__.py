"""Stands in for QGIS where only Qt 6 is at hand."""

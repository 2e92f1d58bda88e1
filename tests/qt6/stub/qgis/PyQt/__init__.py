"""Hands out PyQt6 under the names by which a QGIS built on Qt 6 hands it out."""

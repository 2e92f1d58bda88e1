"""Writes embedding tables in the forms that other programs read (`run`), and rasters in other codings (`raster`)."""

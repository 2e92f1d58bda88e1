"""Vectors for features: what a field holds under points, lines and polygons."""

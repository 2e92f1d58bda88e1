"""Embedding a raster: from a request to a field or a table."""

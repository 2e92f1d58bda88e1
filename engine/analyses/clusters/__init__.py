"""Clusters: which groups there are, for fields and tables."""

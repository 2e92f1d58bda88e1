"""Outliers: what is unlike everything else, in fields and tables."""

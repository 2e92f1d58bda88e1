"""Fills missing values of a layer from its embeddings."""

"""Analyses: what people ask of embeddings that exist."""

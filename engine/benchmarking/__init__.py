"""Compares encoders, rasters and tables of embeddings on labelled layers: same rows, same folds, same draws for all."""

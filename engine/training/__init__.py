"""Training regressions and classifications on embeddings, and learning honestly how good they are elsewhere."""

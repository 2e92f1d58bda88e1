"""How much of the truth is found by walking the best-scoring ground first: recall against area."""
